/*
 * Dump, load, dump: for random databases the second dump is the first one. What a service gives to an entry
 * (state, times, counters, ids) is carried over by hand; everything else has to survive as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/auto.h"
#include "cli/dump/dump.h"
#include "support/random_ipsec.h"
#include "support/setkey_rewrite.h"
#include "support/setkey_rig.h"

enum { DATABASES = 10000, SMALL = 4, LARGE_DATABASES = 20, LARGE = 400 };

static struct setkey_rig rig;
static const struct dump_style style = {.ports = true, .now_wall_ms = 1741000600000, .pid = 4711};

struct database {
	size_t n_sas, n_policies;
	struct random_sa sas[LARGE];
	struct policy policies[LARGE];
};

struct text {
	char *p;
	size_t n;
};

static void text_fini(struct text *t)
{
	free(t->p);
}

static struct text dump_sad(const struct database *db)
{
	struct text t = {0};
	FILE *f = open_memstream(&t.p, &t.n);
	/* One database in two without -p: SAs have nothing more to say with it. */
	const struct dump_style own = {.ports = db->n_policies % 2, .now_wall_ms = style.now_wall_ms};

	for (size_t i = 0; i < db->n_sas; i++)
		dump_sa(f, &db->sas[i].desc, &db->sas[i].status, (uint32_t)(db->n_sas - 1 - i), &own);
	fclose(f);
	return t;
}

static struct text dump_spd(const struct database *db)
{
	struct text t = {0};
	FILE *f = open_memstream(&t.p, &t.n);

	for (size_t i = 0; i < db->n_policies; i++)
		dump_policy(f, &db->policies[i], (uint32_t)(db->n_policies - 1 - i), &style);
	fclose(f);
	return t;
}

/* With up to `most` of each. */
static void make(struct rng *rng, struct database *db, uint32_t most)
{
	db->n_sas = 1 + rng_below(rng, most);
	db->n_policies = 1 + rng_below(rng, most);
	for (size_t i = 0; i < db->n_sas; i++)
		random_sa(rng, &db->sas[i]);
	for (size_t i = 0; i < db->n_policies; i++) {
		db->policies[i] = random_policy(rng);
		db->policies[i].id = 1 + rng_below(rng, 1000);
		db->policies[i].created_wall_ms = 1741000500000 * rng_below(rng, 2);
		db->policies[i].last_used_wall_ms = 1741000598000 * rng_below(rng, 2);
	}
}

/* What the services would fill in. */
static void adopt_policy(struct policy *p, const struct policy *from)
{
	p->id = from->id;
	p->created_wall_ms = from->created_wall_ms;
	p->last_used_wall_ms = from->last_used_wall_ms;
	for (uint8_t i = 0; i < p->n_requests; i++) {
		if (!from->req[i].reqid_auto)
			continue;
		assert_int_equal(p->req[i].reqid, 0);
		p->req[i].reqid = from->req[i].reqid;
		p->req[i].reqid_auto = true;
	}
}

/* The database that the statements of the rig make. The keys stay the rig's. */
static void load(struct database *db, const struct database *was)
{
	assert_int_equal(rig.n, was->n_sas + was->n_policies);
	db->n_sas = was->n_sas;
	db->n_policies = was->n_policies;
	for (size_t i = 0; i < db->n_sas; i++) {
		assert_int_equal(rig.stmts[i].verb, SETKEY_ADD);
		db->sas[i].desc = rig.stmts[i].sa.desc;
		db->sas[i].status = was->sas[i].status;
	}
	for (size_t i = 0; i < db->n_policies; i++) {
		assert_int_equal(rig.stmts[db->n_sas + i].verb, SETKEY_SPDADD);
		db->policies[i] = rig.stmts[db->n_sas + i].policy;
		adopt_policy(&db->policies[i], &was->policies[i]);
	}
}

static struct database db, again;

static void comes_back(int round)
{
	AUTO(text_fini) struct text sad = {0}, spd = {0}, sad2 = {0}, spd2 = {0}, file = {0};
	FILE *f;

	sad = dump_sad(&db);
	spd = dump_spd(&db);
	f = open_memstream(&file.p, &file.n);
	setkey_rewrite_sad(sad.p, f);
	setkey_rewrite_spd(spd.p, f);
	fclose(f);
	setkey_rig_read(&rig, file.p);
	if (rig.code != 0 || rig.n_errors)
		fail_msg("database %d:\n%s\n%s", round, file.p, rig.messages);
	load(&again, &db);
	sad2 = dump_sad(&again);
	spd2 = dump_spd(&again);
	if (strcmp(sad.p, sad2.p) != 0 || strcmp(spd.p, spd2.p) != 0)
		fail_msg("database %d:\n%s%s\nwas read as:\n%s%s", round, sad.p, spd.p, sad2.p, spd2.p);
}

static void test_ten_thousand_databases_come_back_as_they_were(void **state)
{
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 2025);
	for (int round = 0; round < DATABASES; round++) {
		make(&rng.rng, &db, SMALL);
		comes_back(round);
	}
}

static void test_large_databases_come_back_as_they_were(void **state)
{
	struct rng_seeded rng;
	size_t n = 0;

	(void)state;
	rng_seeded_init(&rng, 400);
	for (int round = 0; round < LARGE_DATABASES; round++) {
		make(&rng.rng, &db, LARGE);
		comes_back(round);
		n += db.n_sas + db.n_policies;
	}
	assert_true(n > (size_t)LARGE_DATABASES * LARGE / 2);
}

/* A generator that never makes some kind of entry would prove nothing about it. */
static void test_the_databases_have_everything_in_them(void **state)
{
	unsigned enc[32] = {0}, auth[32] = {0}, protos[256] = {0}, cut = 0, esn = 0, udp = 0, oa = 0,
	         ports = 0, deep = 0, six = 0;
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 2025);
	for (int round = 0; round < 1000; round++) {
		make(&rng.rng, &db, SMALL);
		for (size_t i = 0; i < db.n_sas; i++) {
			const struct sa_desc *d = &db.sas[i].desc;

			enc[d->enc]++;
			auth[d->auth]++;
			protos[d->proto]++;
			cut += d->icv_len == 12;
			esn += d->flags & SA_F_ESN ? 1 : 0;
			udp += sa_is_encap(d);
			oa += d->encap.nat_oa.family != INET_NONE;
			six += d->src.family == INET_V6;
		}
		for (size_t i = 0; i < db.n_policies; i++) {
			deep += db.policies[i].n_requests == POLICY_REQUESTS_MAX;
			ports += db.policies[i].req[0].src_port != 0;
		}
	}
	for (size_t i = 0; alg_enc_at(i); i++)
		assert_true(enc[alg_enc_at(i)->id] > 10);
	for (size_t i = 0; alg_auth_at(i); i++)
		assert_true(auth[alg_auth_at(i)->id] > 10);
	assert_true(protos[IPSEC_ESP] > 100 && protos[IPSEC_AH] > 100 && protos[IPSEC_IPCOMP] > 100);
	assert_true(cut > 10 && esn > 10 && udp > 10 && oa > 10 && ports > 10 && deep > 10 && six > 10);
}

/* Larval SAs have nothing that could be added. */
static void test_reserved_spis_are_left_out_by_the_rewrite(void **state)
{
	static const char dump[] =
	    "192.0.2.1 192.0.2.2 \n\tesp mode=any spi=4096(0x00001000) reqid=0(0x00000000)\n"
	    "\tseq=0x00000000 replay=0 flags=0x00000000 state=larval \n\tsadb_seq=0 pid=1 refcnt=0\n";
	AUTO(text_fini) struct text t = {0};
	FILE *f = open_memstream(&t.p, &t.n);

	(void)state;
	setkey_rewrite_sad(dump, f);
	fclose(f);
	assert_string_equal(t.p, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ten_thousand_databases_come_back_as_they_were),
	    cmocka_unit_test(test_large_databases_come_back_as_they_were),
	    cmocka_unit_test(test_the_databases_have_everything_in_them),
	    cmocka_unit_test(test_reserved_spis_are_left_out_by_the_rewrite),
	};
	int r;

	setenv("TZ", "UTC", 1);
	tzset();
	setkey_rig_init(&rig);
	rig.names = &setkey_names_system; /* a dump uses the system's names of protocols */
	r = cmocka_run_group_tests_name("cli/dump and the way back", tests, NULL, NULL);
	setkey_rig_fini(&rig);
	return r;
}
