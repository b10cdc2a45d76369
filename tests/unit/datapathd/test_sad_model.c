/*
 * The SAD and its transactions against a list: random add, update, delete, deleteall and flush, alone and in
 * transactions that are committed, aborted or lose to somebody else; after each, all of the SAD and lookups
 * in both directions are compared.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/path_rig.h"

enum { OPERATIONS = 12000, HOSTS = 3, SPIS = 12, ROWS = HOSTS * SPIS * 2 };

struct row {
	struct sa_desc d;
	uint64_t serial;
	bool doomed; /* in a transaction's view: goes at its commit */
};

struct list_of {
	struct row row[ROWS];
	unsigned n;
};

static struct path_rig rig;
static struct list_of in_force, staged;
static struct sad_txn txn;
static bool open_txn;

static uint32_t below(uint32_t n)
{
	return rng_below(&rig.rng.rng, n);
}

static struct sa_desc any_desc(void)
{
	enum ipsec_proto proto = below(2) ? IPSEC_ESP : IPSEC_AH;
	char src[20], dst[20];
	struct sa_desc d;

	snprintf(src, sizeof(src), "10.0.0.%u", 1 + below(HOSTS));
	snprintf(dst, sizeof(dst), "10.0.0.%u", 1 + below(HOSTS));
	d = path_rig_desc(src, dst, proto, 256 + below(SPIS), (enum ipsec_mode)(IPSEC_MODE_ANY + below(3)),
	    proto == IPSEC_ESP ? ALG_ENC_NULL : ALG_ENC_NONE, ALG_AUTH_HMAC_SHA1);
	d.reqid = below(3);
	return d;
}

static struct sa_ident ident_of(const struct sa_desc *d)
{
	return (struct sa_ident){.src = d->src, .dst = d->dst, .proto = d->proto, .spi = d->spi};
}

static struct row *find(struct list_of *l, const struct sa_desc *d)
{
	for (unsigned i = 0; i < l->n; i++)
		if (!l->row[i].doomed && l->row[i].d.proto == d->proto && l->row[i].d.spi == d->spi &&
		    inet_addr_equal(&l->row[i].d.dst, &d->dst))
			return &l->row[i];
	return NULL;
}

static void drop(struct list_of *l, struct row *r)
{
	memmove(r, r + 1, (size_t)(&l->row[l->n] - (r + 1)) * sizeof(*r));
	l->n--;
}

static void append(struct list_of *l, const struct sa_desc *d, uint64_t serial)
{
	assert_true(l->n < ROWS);
	l->row[l->n++] = (struct row){.d = *d, .serial = serial};
}

/* What a statement of the transaction sees: what is staged, and what it has not removed. */
static struct row *holder(const struct sa_desc *d, struct list_of **ret_list)
{
	struct row *r = find(&staged, d);

	*ret_list = r ? &staged : &in_force;
	return r ? r : find(&in_force, d);
}

static void take_out(struct list_of *l, struct row *r)
{
	if (l == &staged)
		drop(l, r);
	else
		r->doomed = true;
}

static void op_add(struct sad_txn *t)
{
	const struct sa_desc d = any_desc();
	bool update = below(3) == 0, same_src;
	struct err_text e = {0};
	struct list_of *l;
	struct row *old = holder(&d, &l);
	uint64_t serial = 0;
	int r = sad_txn_add(t, &d, update, 1, &serial, &e);

	same_src = old && inet_addr_equal(&old->d.src, &d.src);
	if (update ? !same_src : old != NULL) {
		assert_int_equal(r, update ? -ENOENT : -EEXIST);
		return;
	}
	assert_int_equal(r, 0);
	if (old)
		take_out(l, old);
	append(&staged, &d, serial);
}

static void op_delete(struct sad_txn *t)
{
	const struct sa_desc d = any_desc();
	const struct sa_ident id = ident_of(&d);
	struct err_text e = {0};
	struct list_of *l;
	struct row *old = holder(&d, &l);
	bool there = old && inet_addr_equal(&old->d.src, &d.src);
	uint64_t serial = 0;

	assert_int_equal(sad_txn_delete(t, &id, &serial, &e), there ? 0 : -ENOENT);
	if (!there)
		return;
	assert_int_equal(serial, old->serial);
	take_out(l, old);
}

/* Takes out of both lists what `all`, or else source, destination and protocol name. How many. */
static uint32_t take_out_many(const struct sa_desc *d, uint32_t proto, bool all)
{
	struct list_of *lists[] = {&staged, &in_force};
	uint32_t n = 0;

	for (int k = 0; k < 2; k++)
		for (unsigned i = 0; i < lists[k]->n;) {
			struct row *r = &lists[k]->row[i];
			bool hit = !r->doomed && (!proto || r->d.proto == proto) &&
			           (all || (inet_addr_equal(&r->d.src, &d->src) &&
			                       inet_addr_equal(&r->d.dst, &d->dst)));

			n += hit;
			if (hit)
				take_out(lists[k], r);
			i += !hit || lists[k] == &in_force;
		}
	return n;
}

static void op_delete_all(struct sad_txn *t)
{
	const struct sa_desc d = any_desc();
	const struct sa_ident id = ident_of(&d);
	uint32_t want = take_out_many(&d, d.proto, false), n = 0;
	struct err_text e = {0};

	assert_int_equal(sad_txn_delete_all(t, &id, &n, &e), want ? 0 : -ENOENT);
	if (want)
		assert_int_equal(n, want);
}

static void op_flush(struct sad_txn *t)
{
	static const uint32_t protos[] = {0, IPSEC_ESP, IPSEC_AH};
	uint32_t proto = protos[below(3)], n = 0, want = take_out_many(NULL, proto, true);

	sad_txn_flush(t, proto, &n);
	assert_int_equal(n, want);
}

static void statement(struct sad_txn *t)
{
	switch (below(12)) {
	case 0:
	case 1:
		op_delete(t);
		break;
	case 2:
		op_delete_all(t);
		break;
	case 3:
		if (below(6) == 0)
			op_flush(t);
		break;
	default:
		op_add(t);
		break;
	}
}

static void forget(void)
{
	staged.n = 0;
	for (unsigned i = 0; i < in_force.n; i++)
		in_force.row[i].doomed = false;
}

static void commit(struct sad_txn *t)
{
	struct err_text e = {0};
	bool lost = false;

	for (unsigned i = 0; i < staged.n; i++)
		lost |= find(&in_force, &staged.row[i].d) != NULL;
	assert_int_equal(sad_txn_commit(t, NULL, NULL, &e), lost ? -EEXIST : 0);
	if (lost) {
		forget();
		return;
	}
	for (unsigned i = 0; i < in_force.n;)
		if (in_force.row[i].doomed)
			drop(&in_force, &in_force.row[i]);
		else
			i++;
	for (unsigned i = 0; i < staged.n; i++)
		append(&in_force, &staged.row[i].d, staged.row[i].serial);
	staged.n = 0;
}

/* A statement of its own. */
static void alone(void)
{
	struct sad_txn t;

	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	statement(&t);
	commit(&t);
	sad_txn_fini(&t);
}

/* Somebody else adds something while a transaction is open, whose marks are nothing to him. */
static void meanwhile(void)
{
	const struct sa_desc d = any_desc();
	bool there = false;
	struct sa *sa = path_rig_add(&rig, &d, NULL);

	for (unsigned i = 0; i < in_force.n; i++)
		there |= in_force.row[i].d.proto == d.proto && in_force.row[i].d.spi == d.spi &&
		         inet_addr_equal(&in_force.row[i].d.dst, &d.dst);
	assert_int_equal(sa == NULL, there);
	if (sa)
		append(&in_force, &d, sa->facts.serial);
}

static void step(void)
{
	if (!open_txn) {
		if (below(3)) {
			alone();
			return;
		}
		assert_int_equal(sad_txn_init(&txn, &rig.sad), 0);
		open_txn = true;
	}
	for (uint32_t n = below(8); n; n--)
		statement(&txn);
	if (below(4) == 0)
		meanwhile();
	if (below(3))
		return;
	if (below(3))
		commit(&txn);
	else
		forget();
	sad_txn_fini(&txn);
	open_txn = false;
}

static const struct row *model_out(const struct sad_want *w, bool old)
{
	const struct row *best = NULL;

	for (unsigned i = 0; i < in_force.n; i++) {
		const struct row *r = &in_force.row[i];

		if (r->d.proto != w->proto || !inet_addr_equal(&r->d.src, &w->src) ||
		    !inet_addr_equal(&r->d.dst, &w->dst) ||
		    (r->d.mode != IPSEC_MODE_ANY && r->d.mode != w->mode) ||
		    (w->reqid && w->reqid != r->d.reqid))
			continue;
		if (!best || (old ? r->serial < best->serial : r->serial > best->serial))
			best = r;
	}
	return best;
}

static void compare(void)
{
	bool old = atomic_load(&rig.sad.prefer_old);

	(void)epoch_reclaim(&rig.epoch);
	assert_int_equal(rig.sad.n, in_force.n);
	for (unsigned i = 0; i < in_force.n; i++) {
		const struct row *r = &in_force.row[i];
		const struct sa_rt *got = sad_find_in(&rig.sad, &r->d.dst, r->d.proto, r->d.spi);

		assert_non_null(got);
		assert_int_equal(got->serial, r->serial);
	}
	for (int i = 0; i < 10; i++) {
		const struct sa_desc d = any_desc();
		const struct sad_want w = {.src = d.src,
		    .dst = d.dst,
		    .proto = d.proto,
		    .reqid = d.reqid,
		    .mode = d.mode == IPSEC_TRANSPORT ? IPSEC_TRANSPORT : IPSEC_TUNNEL,
		    .now_ms = rig.clock.ms};
		const struct row *want = model_out(&w, old);
		const struct sa_rt *got = sad_find_out(&rig.sad, &w);

		assert_int_equal(got ? got->serial : 0, want ? want->serial : 0);
	}
}

static void test_sad_transactions_agree_with_a_list(void **state)
{
	(void)state;
	path_rig_init(&rig);
	for (int i = 0; i < OPERATIONS; i++) {
		step();
		compare();
		if (i % 500 == 0)
			sad_set_prefer_old(&rig.sad, i % 1000 == 0);
		rig.clock.ms += below(50);
	}
	if (open_txn)
		sad_txn_fini(&txn);
	path_rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sad_transactions_agree_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
