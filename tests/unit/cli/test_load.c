/*
 * The parts of `ipsecctl load` that need no suite: what differs between two configurations, which policies
 * stay and where the others go, numbers of blocks, and what is written down between two loads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/rng.h"
#include "cli/load/load.h"
#include "cli/load/policies.h"

static char folder[] = "/tmp/postern-load-XXXXXX";
static char said[2048];

/* --- facts --- */

static void hear(
    void *arg, enum fact_change what, const char *conn, const struct fact *was, const struct fact *is)
{
	static const char *const words[] = {[FACT_CONN_ADDED] = "added",
	    [FACT_CONN_CHANGED] = "changed",
	    [FACT_CONN_REMOVED] = "removed",
	    [FACT_DIFFERS] = "differs"};
	size_t n = strlen(said);

	(void)arg;
	snprintf(said + n, sizeof(said) - n, "%s %s", words[what], conn);
	n = strlen(said);
	if (was || is)
		snprintf(said + n, sizeof(said) - n, " %s %s>%s", is ? is->what : was->what,
		    was ? was->value : "", is ? is->value : "");
	n = strlen(said);
	snprintf(said + n, sizeof(said) - n, "\n");
}

static void expect_diff(const struct facts *before, const struct facts *after, const char *expected)
{
	said[0] = '\0';
	assert_int_equal(facts_diff(before, after, hear, NULL), 0);
	assert_string_equal(said, expected);
}

static void test_facts_that_differ_are_told_by_name(void **state)
{
	AUTO(facts_fini) struct facts before = {0}, after = {0}, none = {0};

	(void)state;
	facts_add(&before, "b", "lifetime", "8h", "");
	facts_add(&before, "b", "secret", "", "11");
	facts_add(&before, "b", "child x", "aes", "");
	facts_add(&before, "a", "lifetime", "8h", "");
	facts_add(&before, "c", "lifetime", "8h", "");
	facts_add(&after, "new", "lifetime", "8h", "");
	facts_add(&after, "c", "lifetime", "8h", "");
	facts_add(&after, "b", "lifetime", "4h", "");
	facts_add(&after, "b", "secret", "", "22");
	facts_add(&after, "b", "child y", "aes", "");
	expect_diff(&before, &after,
	    "added new\n"
	    "changed b\n"
	    "differs b lifetime 8h>4h\n"
	    "differs b secret >\n"
	    "differs b child y >aes\n"
	    "differs b child x aes>\n"
	    "removed a\n");
	expect_diff(&before, &before, "");
	expect_diff(&none, &none, "");
	expect_diff(&before, &none, "removed a\nremoved b\nremoved c\n");
}

/* --- policies --- */

enum { NETS = 7 };

static struct policy policy_of(unsigned net, enum policy_dir dir)
{
	struct policy p = {.dir = dir, .action = POLICY_PASS, .sel = {.proto = IPPROTO_ANY_}};

	p.sel.src = (struct inet_prefix){inet_addr_v4(0x0a000000 + (net << 16)), 16};
	p.sel.dst = (struct inet_prefix){inet_addr_v4(0), 0};
	return p;
}

static void shuffle(struct rng *rng, unsigned *list, unsigned n)
{
	for (unsigned i = n; i > 1; i--) {
		unsigned k = (unsigned)rng_below(rng, i), x = list[k];

		list[k] = list[i - 1];
		list[i - 1] = x;
	}
}

/* Some of the nets, in some order, in both directions. */
static unsigned some(struct rng *rng, struct policy *list, struct policy_place *places)
{
	unsigned nets[NETS], n = (unsigned)rng_below(rng, NETS + 1), k = 0;

	for (unsigned i = 0; i < NETS; i++)
		nets[i] = i;
	shuffle(rng, nets, NETS);
	for (unsigned i = 0; i < n; i++)
		for (enum policy_dir d = POLICY_IN; d <= POLICY_OUT; d++) {
			list[k] = policy_of(nets[i], d);
			list[k].id = k + 1;
			places[k] = (struct policy_place){.p = &list[k]};
			k++;
		}
	return k;
}

/* What the list of one direction is afterwards: those that stay, and each of the others before the one it
 * names. Net numbers as digits. */
static void apply(const struct policy_place *was, unsigned n_was, const struct policy_place *is,
    unsigned n_is, enum policy_dir dir, char ret[NETS + 1])
{
	uint32_t id[2 * NETS];
	unsigned n = 0;

	for (unsigned i = 0; i < n_was; i++)
		if (was[i].stays && was[i].p->dir == dir) {
			ret[n] = (char)('0' + was[i].p->sel.src.addr.b[1]);
			id[n++] = was[i].p->id;
		}
	for (unsigned i = 0; i < n_is; i++) {
		unsigned at = 0;

		if (is[i].stays || is[i].p->dir != dir)
			continue;
		while (at < n && (!is[i].before || id[at] != is[i].before))
			at++;
		memmove(ret + at + 1, ret + at, n - at);
		memmove(id + at + 1, id + at, (n - at) * sizeof(*id));
		ret[at] = (char)('0' + is[i].p->sel.src.addr.b[1]);
		id[at] = UINT32_MAX;
		n++;
	}
	ret[n] = '\0';
}

/* The longest run that both lists have in one order, by trying every subset. */
static unsigned most_that_can_stay(const struct policy_place *was, unsigned n_was,
    const struct policy_place *is, unsigned n_is, enum policy_dir dir)
{
	unsigned place[NETS], n = 0, best = 0;

	for (unsigned i = 0; i < n_is; i++)
		for (unsigned k = 0; is[i].p->dir == dir && k < n_was; k++)
			if (was[k].p->dir == dir && was[k].p->sel.src.addr.b[1] == is[i].p->sel.src.addr.b[1])
				place[n++] = k;
	for (unsigned set = 0; set < 1U << n; set++) {
		unsigned last = 0, count = 0;
		bool up = true;

		for (unsigned i = 0; i < n; i++)
			if (set >> i & 1) {
				up &= !count || place[i] > last;
				last = place[i];
				count++;
			}
		best = up && count > best ? count : best;
	}
	return best;
}

static void test_policies_have_the_order_of_the_file_and_most_of_them_stay(void **state)
{
	struct policy a[2 * NETS], b[2 * NETS];
	struct policy_place was[2 * NETS], is[2 * NETS];
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 7);
	for (unsigned round = 0; round < 3000; round++) {
		unsigned n_was = some(&rng.rng, a, was), n_is = some(&rng.rng, b, is);

		assert_int_equal(policy_diff_match(was, n_was, is, n_is), 0);
		for (enum policy_dir d = POLICY_IN; d <= POLICY_OUT; d++) {
			char list[NETS + 1], want[NETS + 1];
			unsigned n = 0, stay = 0;

			for (unsigned i = 0; i < n_is; i++)
				if (is[i].p->dir == d) {
					want[n++] = (char)('0' + is[i].p->sel.src.addr.b[1]);
					stay += is[i].stays;
				}
			want[n] = '\0';
			apply(was, n_was, is, n_is, d, list);
			assert_string_equal(list, want);
			assert_int_equal(stay, most_that_can_stay(was, n_was, is, n_is, d));
		}
	}
}

/* Of one identity and not the same: one goes, and the other comes. A number that policyd gave is no
 * difference.
 */
static void test_policies_that_say_something_else_are_others(void **state)
{
	struct policy a = policy_of(1, POLICY_OUT), b = a;
	struct policy_place was = {.p = &a}, is = {.p = &b};

	(void)state;
	a.id = 9;
	a.action = b.action = POLICY_IPSEC;
	a.n_requests = b.n_requests = 1;
	b.req[0] =
	    (struct policy_request){.proto = IPSEC_ESP, .mode = IPSEC_TRANSPORT, .level = LEVEL_UNIQUE};
	a.req[0] = b.req[0];
	a.req[0].reqid = POLICY_REQID_AUTO_FIRST;
	a.req[0].reqid_auto = true;
	assert_int_equal(policy_diff_match(&was, 1, &is, 1), 0);
	assert_true(was.stays && is.stays);
	was.stays = is.stays = false;
	b.req[0].level = LEVEL_REQUIRE;
	assert_int_equal(policy_diff_match(&was, 1, &is, 1), 0);
	assert_false(was.stays || is.stays);
}

/* --- numbers of blocks --- */

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static struct ike_conf *two_peers(const char *ca)
{
	struct ike_conf *c = ike_conf_new();

	for (unsigned i = 0; i < 2; i++) {
		struct ike_peer *p = ike_conf_add_peer(c);

		p->name = strdup(i ? "b" : "a");
		p->addr = inet_addr_v4(0xc0000201 + i);
		p->ph1id = i + 1;
	}
	c->peer[1].ca[0] = strdup(ca);
	return c;
}

static void test_block_numbers_follow_what_counts(void **state)
{
	const struct block_key key = {{1, 2, 3}}, other = {{4}};
	char ca[64];
	AUTO_IKE_CONF struct ike_conf *c = NULL, *d = NULL;
	const struct block_print secrets[2] = {{{0}}, {{7}}};
	uint64_t a, b;
	struct err_text e;

	(void)state;
	snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
	write_file(ca, "one");
	c = two_peers(ca);
	d = two_peers(ca);
	assert_int_equal(blocks_number(&key, NULL, c, &e), 0);
	a = c->peer[0].block;
	b = c->peer[1].block;
	assert_true(a && b && a != b);
	/* Again the same; what a block is called in the list of children, and what the log says, do not
	 * count. */
	d->peer[0].ph1id = 77;
	d->log = IKE_LOG_DEBUG;
	d->peer[1].block = 12345;
	assert_int_equal(blocks_number(&key, NULL, d, &e), 0);
	assert_true(d->peer[0].block == a && d->peer[1].block == b);
	/* A file's contents, and the one block that names it. */
	write_file(ca, "two");
	assert_int_equal(blocks_number(&key, NULL, d, &e), 0);
	assert_true(d->peer[0].block == a && d->peer[1].block != b);
	write_file(ca, "one");
	/* Its own secret. */
	assert_int_equal(blocks_number(&key, secrets, d, &e), 0);
	assert_true(d->peer[0].block != a && d->peer[1].block != b);
	/* Its own words. */
	d->peer[0].dpd.delay_s = 17;
	assert_int_equal(blocks_number(&key, NULL, d, &e), 0);
	assert_true(d->peer[0].block != a && d->peer[1].block == b);
	d->peer[0].dpd.delay_s = 0;
	/* What holds for all. */
	d->timers.counter++;
	assert_int_equal(blocks_number(&key, NULL, d, &e), 0);
	assert_true(d->peer[0].block != a && d->peer[1].block != b);
	d->timers.counter--;
	/* And nobody can say them who has not the key. */
	assert_int_equal(blocks_number(&other, NULL, d, &e), 0);
	assert_true(d->peer[0].block != a && d->peer[1].block != b);
	assert_ptr_equal(ike_conf_find_block(c, b), &c->peer[1]);
	assert_null(ike_conf_find_block(c, 0));
}

/* Revocation lists of the folder count for an authority with a file of its own, too; not for a certificate
 * that is trusted by itself. */
static void follow_the_folder(bool by_key)
{
	const struct block_key key = {{1, 2, 3}};
	struct ike_offer offer = {.auth = IKE_AUTH_RSA};
	AUTO_IKE_CONF struct ike_conf *c = NULL;
	char file[64], list[64];
	uint64_t was[2];
	struct err_text e;

	snprintf(file, sizeof(file), "%s/ca.pem", folder);
	snprintf(list, sizeof(list), "%s/crl.pem", folder);
	write_file(file, "one");
	c = two_peers(file);
	c->cert_dir = strdup(folder);
	c->peer[0].peer_cert = by_key ? NULL : strdup(file);
	c->peer[0].peer_key = by_key ? strdup(file) : NULL;
	for (unsigned i = 0; i < 2; i++) {
		c->peer[i].offer = malloc(sizeof(offer));
		*c->peer[i].offer = offer;
		c->peer[i].n_offers = 1;
	}
	assert_int_equal(blocks_number(&key, NULL, c, &e), 0);
	was[0] = c->peer[0].block;
	was[1] = c->peer[1].block;
	write_file(list, "revoked");
	assert_int_equal(blocks_number(&key, NULL, c, &e), 0);
	assert_true(c->peer[0].block == was[0]);
	assert_true(c->peer[1].block != was[1]);
	assert_int_equal(unlink(list), 0);
	write_file(file, "another one");
	assert_int_equal(blocks_number(&key, NULL, c, &e), 0);
	assert_true(c->peer[0].block != was[0]);
}

static void test_block_numbers_follow_the_folder(void **state)
{
	(void)state;
	follow_the_folder(false);
	follow_the_folder(true);
}

static void test_block_key_is_made_once_and_is_roots_alone(void **state)
{
	struct settings s = {0};
	struct block_key a, b;
	struct err_text e;
	char path[108];

	(void)state;
	snprintf(s.run_dir, sizeof(s.run_dir), "%s", folder);
	assert_int_equal(block_key_get(&s, &a, &e), 0);
	assert_int_equal(block_key_get(&s, &b, &e), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(chmod(settings_socket_path(&s, "load.key", path), 0644), 0);
	assert_int_equal(block_key_get(&s, &b, &e), -EPERM);
}

/* --- what is written down --- */

static void test_state_comes_back_as_it_was(void **state)
{
	AUTO_LOAD_STATE struct load_state st = {
	    .file = strdup("/etc/x"), .generation = 9223372036854775807ULL};
	AUTO_LOAD_STATE struct load_state back = {0};
	struct settings s = {0};
	struct err_text e;
	char path[108];

	(void)state;
	snprintf(s.run_dir, sizeof(s.run_dir), "%s", folder);
	assert_int_equal(load_state_get(&s, &back, &e), 0);
	assert_null(back.file);
	facts_add(&st.facts, "a", "remote-id", "dn C=DE,\tO=\nx", "0011");
	facts_add(&st.facts, "a", "secret", "", "");
	assert_int_equal(load_state_put(&s, &st, &e), 0);
	assert_int_equal(load_state_get(&s, &back, &e), 0);
	assert_string_equal(back.file, "/etc/x");
	assert_true(back.generation == st.generation);
	assert_int_equal(back.facts.n, 2);
	assert_string_equal(back.facts.f[0].value, "dn C=DE,?O=?x");
	assert_string_equal(back.facts.f[0].mark, "0011");
	assert_string_equal(back.facts.f[1].what, "secret");
	load_state_fini(&back);

	/* Cut short, or of others, it is not believed. */
	settings_socket_path(&s, "native.loaded", path);
	assert_int_equal(truncate(path, 40), 0);
	assert_int_equal(load_state_get(&s, &back, &e), -EBADMSG);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(load_state_get(&s, &back, &e), -EPERM);
	load_state_forget(&s);
	assert_int_equal(load_state_get(&s, &back, &e), 0);
	assert_null(back.file);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_facts_that_differ_are_told_by_name),
	    cmocka_unit_test(test_policies_have_the_order_of_the_file_and_most_of_them_stay),
	    cmocka_unit_test(test_policies_that_say_something_else_are_others),
	    cmocka_unit_test(test_block_numbers_follow_the_folder),
	    cmocka_unit_test(test_block_numbers_follow_what_counts),
	    cmocka_unit_test(test_block_key_is_made_once_and_is_roots_alone),
	    cmocka_unit_test(test_state_comes_back_as_it_was),
	};
	char command[80];
	int failed;

	if (!mkdtemp(folder))
		return 2;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) != 0 ? 2 : failed;
}
