/*
 * Policies for clients: what keyd gets and what it does not, each refusal by one case that differs from a
 * good one in one thing; and whose they are once they are in the book.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "policyd/generated.h"

enum { NOW = 1000000, GENERATION = 70 };
/* Peers of the configuration, by index. */
enum { ROAMING = 0, PLAIN = 1, ASKED = 2 };

static const struct ticket_key key = {{7, 7, 7}};

struct fixture {
	struct spd *spd;
	struct ike_gens gens;
	struct grant_world world;
	struct generate_ask ask;
	struct policy out;
	struct ticket ticket, opened;
	uint8_t octets[TICKET_MAX];
	struct generate_pair pair;
	struct clock_fake clock;
	struct book book;
	struct generated_set set;
	struct err_text e;
};

static struct inet_addr addr(const char *text)
{
	struct inet_addr a;

	assert_int_equal(inet_addr_parse(text, &a), 0);
	return a;
}

static struct inet_prefix net(const char *text, uint8_t plen)
{
	return (struct inet_prefix){addr(text), plen};
}

static struct ike_view_side side(enum ike_side_kind kind, const char *first, const char *last)
{
	return (struct ike_view_side){kind, addr(first), addr(last), IPPROTO_ANY_, 0};
}

/* sainfo anonymous, and one for 10.1.0.0/16 with a branch at 10.2.0.0/16. */
static struct ike_view *view(bool anonymous, bool pool)
{
	const struct inet_addr any = {0}, plain = addr("192.0.2.3"), asked = addr("192.0.2.4");
	struct ike_view *v = ike_view_new(3, 2);
	struct ike_view_child branch = {.enc = 1 << ALG_ENC_AES_CBC,
	                          .auth = 1 << ALG_AUTH_HMAC_SHA1,
	                          .local = side(IKE_SIDE_NET, "10.1.0.0", "10.1.255.255"),
	                          .remote = side(IKE_SIDE_NET, "10.2.0.0", "10.2.255.255")},
	                      all = {.enc = branch.enc,
	                          .auth = branch.auth,
	                          .local = {.kind = IKE_SIDE_ANY},
	                          .remote = {.kind = anonymous ? IKE_SIDE_ANY : IKE_SIDE_CLIENT}};

	assert_int_equal(ike_view_add_peer(v, "anonymous", &any, IKE_GENERATE_REQUIRE, false), 0);
	assert_int_equal(ike_view_add_peer(v, "plain", &plain, IKE_GENERATE_OFF, false), 0);
	assert_int_equal(ike_view_add_peer(v, "asked", &asked, IKE_GENERATE_UNIQUE, true), 0);
	assert_int_equal(ike_view_add_child(v, &branch), 0);
	assert_int_equal(ike_view_add_child(v, &all), 0);
	assert_int_equal(ike_view_add_child(v, &all), -ENOSPC);
	assert_int_equal(ike_view_sort(v), 0);
	if (pool) {
		v->pool_first = addr("10.9.9.1");
		v->pool_last = addr("10.9.9.20");
	}
	v->generation = GENERATION;
	return v;
}

/* A tunnel of the roaming peer's, from its inner address to everything here. */
static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.ticket = {.generation = GENERATION,
	                         .peer = ROAMING,
	                         .addr = addr("192.0.2.2"),
	                         .id = {.kind = IKE_ID_FQDN, .len = 1, .data = "a"},
	                         .expires_ms = NOW + 1},
	    .out = {.dir = POLICY_OUT,
	        .action = POLICY_IPSEC,
	        .sel = {.src = net("0.0.0.0", 0), .dst = net("10.9.9.7", 32), .proto = IPPROTO_ANY_},
	        .n_requests = 1,
	        .req = {{.proto = IPSEC_ESP,
	            .mode = IPSEC_TUNNEL,
	            .level = LEVEL_REQUIRE,
	            .src = addr("192.0.2.1"),
	            .dst = addr("192.0.2.2")}}}};
	assert_int_equal(ticket_init(&f.e), 0);
	assert_int_equal(spd_new(&f.spd), 0);
	clock_fake_init(&f.clock, NOW);
	assert_int_equal(book_init(&f.book, 1), 0);
	f.book.clock = &f.clock.clock;
	generated_init(&f.set);
	ike_gens_switch(&f.gens, view(true, false), NOW - 10);
	f.world = (struct grant_world){.key = &key, .gens = &f.gens, .spd = f.spd, .now_ms = NOW};
	f.ask = (struct generate_ask){.out = &f.out, .local = addr("192.0.2.1"), .remote = addr("192.0.2.2")};
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	spd_free(f->spd);
	ike_gens_fini(&f->gens);
	generated_fini(&f->set);
	book_fini(&f->book);
	return 0;
}

static void with_view(struct fixture *f, bool anonymous, bool pool)
{
	ike_gens_fini(&f->gens);
	ike_gens_switch(&f->gens, view(anonymous, pool), NOW - 10);
}

static int judge(struct fixture *f)
{
	int n = ticket_seal(&key, &f->ticket, f->octets, sizeof(f->octets));

	assert_true(n > 0);
	f->ask.ticket = f->octets;
	f->ask.ticket_len = (size_t)n;
	f->e.s[0] = '\0';
	return generate_judge(&f->world, &f->ask, &f->opened, &f->pair, &f->e);
}

static void refused(struct fixture *f, int code, const char *words)
{
	assert_int_equal(judge(f), code);
	if (!strstr(f->e.s, words))
		fail_msg("'%s' is not in '%s'", words, f->e.s);
}

static void a_pair_behind_everything(void **state)
{
	struct fixture *f = *state;

	f->out.id = 77;
	f->out.priority = 5;
	assert_int_equal(judge(f), 0);
	assert_true(f->pair.out.generated && f->pair.in.generated);
	assert_true(f->pair.out.priority == INT32_MIN && f->pair.in.priority == INT32_MIN);
	assert_int_equal(f->pair.out.id, 0);
	assert_int_equal(f->pair.in.dir, POLICY_IN);
	assert_true(inet_prefix_equal(&f->pair.in.sel.src, &f->out.sel.dst));
	assert_true(inet_addr_equal(&f->pair.in.req[0].src, &f->ask.remote));
	assert_true(inet_addr_equal(&f->pair.in.req[0].dst, &f->ask.local));
	/* Behind a NAT another client has the same two ends. */
	assert_int_equal(f->pair.out.req[0].level, LEVEL_UNIQUE);
	assert_int_equal(f->pair.in.req[0].level, LEVEL_UNIQUE);
}

static void no_ticket_or_another_peers(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(generate_judge(&f->world, &f->ask, &f->opened, &f->pair, &f->e), -EACCES);
	assert_non_null(strstr(f->e.s, "there is no ticket"));
	f->ticket.addr = addr("192.0.2.9");
	refused(f, -EACCES, "the ticket is of a peer at 192.0.2.9");
	f->ticket.addr = addr("192.0.2.2");
	f->ticket.expires_ms = NOW;
	refused(f, -EKEYEXPIRED, "the ticket expired");
}

static void not_where_it_is_off(void **state)
{
	struct fixture *f = *state;

	f->ticket.peer = PLAIN;
	f->ticket.addr = f->ask.remote = f->out.req[0].dst = addr("192.0.2.3");
	refused(f, -EACCES, "generate_policy of peer 'plain' is off");
}

static void not_before_the_user_is_known(void **state)
{
	struct fixture *f = *state;

	f->ticket.peer = ASKED;
	f->ticket.addr = f->ask.remote = f->out.req[0].dst = addr("192.0.2.4");
	f->out.req[0].level = LEVEL_UNIQUE;
	refused(f, -EACCES, "has not said who its user is");
	strcpy(f->ticket.user, "alice");
	assert_int_equal(judge(f), 0);
}

static void no_other_shape(void **state)
{
	struct fixture *f = *state;
	const struct policy good = f->out;

	f->out.dir = POLICY_IN;
	refused(f, -EINVAL, "it is not outbound protection");
	f->out = good;
	f->out.action = POLICY_PASS;
	refused(f, -EINVAL, "it is not outbound protection");
	f->out = good;
	f->out.n_requests = 2;
	f->out.req[1] = good.req[0];
	refused(f, -EINVAL, "it is not outbound protection");
	f->out = good;
	f->out.req[0].proto = IPSEC_IPCOMP;
	refused(f, -EINVAL, "it is not outbound protection");
	f->out = good;
	f->out.req[0].level = LEVEL_USE;
	refused(f, -EINVAL, "of level require");
	f->out = good;
	f->out.req[0].dst = addr("192.0.2.66");
	refused(f, -EACCES, "its tunnel does not end at the peer");
	f->out = good;
	f->out.req[0].mode = IPSEC_MODE_ANY;
	refused(f, -EINVAL, "neither tunnel nor transport");
}

static void transport_is_between_the_two(void **state)
{
	struct fixture *f = *state;

	f->out.req[0] =
	    (struct policy_request){.proto = IPSEC_ESP, .mode = IPSEC_TRANSPORT, .level = LEVEL_REQUIRE};
	refused(f, -EACCES, "between the two hosts themselves");
	f->out.sel = (struct selector){.src = net("192.0.2.1", 32),
	    .dst = net("192.0.2.2", 32),
	    .proto = 17,
	    .sport = 1701,
	    .dport = 1701};
	assert_int_equal(judge(f), 0);
	assert_int_equal(f->pair.in.sel.sport, 1701);
}

static void no_address_of_ours_or_of_nobodys(void **state)
{
	static const struct {
		const char *net;
		uint8_t plen;
		const char *why;
	} rows[] = {{"0.0.0.0", 0, "this host is in it"}, {"192.0.2.0", 24, "this host is in it"},
	    {"192.0.2.1", 32, "this host is in it"}, {"127.0.0.1", 32, "no client's"},
	    {"224.0.0.0", 4, "no client's"}, {"0.0.0.0", 32, "no client's"},
	    {"255.255.255.255", 32, "no client's"}};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f->out.sel.dst = net(rows[i].net, rows[i].plen);
		refused(f, -EACCES, rows[i].why);
	}
}

static void what_sainfo_allows(void **state)
{
	struct fixture *f = *state;

	/* anonymous: whatever the peer says */
	f->out.sel.dst = net("10.77.0.0", 16);
	assert_int_equal(judge(f), 0);
	/* clientaddr: itself; a branch that is named: exactly that */
	with_view(f, false, false);
	refused(f, -EACCES, "no sainfo allows 0.0.0.0/0 here and 10.77.0.0/16 there");
	f->out.sel.dst = net("192.0.2.2", 32);
	assert_int_equal(judge(f), 0);
	f->out.sel.dst = net("10.2.0.0", 16);
	refused(f, -EACCES, "no sainfo allows");
	f->out.sel.src = net("10.1.0.0", 16);
	assert_int_equal(judge(f), 0);
	f->out.sel.dst = net("10.2.0.0", 15);
	refused(f, -EACCES, "no sainfo allows");
	f->out.sel.dst = net("10.2.0.0", 17);
	refused(f, -EACCES, "no sainfo allows");
	f->out.sel.dst = net("10.2.0.0", 16);
	f->out.sel.proto = 6;
	refused(f, -EACCES, "no sainfo allows");
}

static void with_a_pool_an_address_of_it(void **state)
{
	struct fixture *f = *state;

	with_view(f, true, true);
	assert_int_equal(judge(f), 0);
	f->out.sel.dst = net("10.9.9.21", 32);
	refused(f, -EACCES, "no sainfo allows");
	f->out.sel.dst = net("10.9.9.8", 30);
	refused(f, -EACCES, "no sainfo allows");
	f->out.sel.dst = net("192.0.2.2", 32);
	assert_int_equal(judge(f), 0);
	/* A branch that root has named may be one beside the clients; a user who has logged in may not. */
	f->out.sel.src = net("10.1.0.0", 16);
	f->out.sel.dst = net("10.2.0.0", 16);
	assert_int_equal(judge(f), 0);
	strcpy(f->ticket.user, "alice");
	refused(f, -EACCES, "10.2.0.0/16 is not one address of the pool of mode_cfg");
}

/* --- in the book --- */

static uint32_t put(struct fixture *f, const char *who, int want)
{
	uint32_t id = 0;

	f->ticket.id.len = (uint16_t)strlen(who);
	memcpy(f->ticket.id.data, who, strlen(who));
	assert_int_equal(judge(f), 0);
	assert_int_equal(generated_put(&f->set, &f->book, &f->opened, &f->pair, NOW, &id, &f->e), want);
	return id;
}

static size_t count(const struct fixture *f)
{
	return spd_count(f->book.spd, POLICY_DIR_NONE);
}

static void both_go_together(void **state)
{
	struct fixture *f = *state;
	uint32_t id = put(f, "a", 0);

	assert_int_equal(count(f), 2);
	assert_true(spd_find_id(f->book.spd, id)->policy.generated);
	assert_false(generated_drop(&f->set, &f->book, NULL, id + 1));
	assert_true(generated_drop(&f->set, &f->book, NULL, id));
	assert_int_equal(count(f), 0);
	assert_int_equal(f->set.n, 0);
}

static void his_own_stays_or_is_replaced_and_nobody_elses(void **state)
{
	struct fixture *f = *state;
	uint32_t first = put(f, "a", 0), second;

	assert_int_equal(put(f, "a", 1), first); /* keys are renewed */
	assert_int_equal(f->set.n, 1);
	f->out.req[0].dst = f->ask.remote = f->ticket.addr = addr("192.0.2.20");
	second = put(f, "a", 0); /* from elsewhere */
	assert_true(second != first);
	assert_int_equal(count(f), 2);
	assert_int_equal(f->set.n, 1);
	put(f, "b", -EEXIST);
	assert_non_null(strstr(f->e.s, "another client's"));
	assert_int_equal(count(f), 2);
}

static void roots_is_never_touched(void **state)
{
	struct fixture *f = *state;
	struct policy root;
	uint32_t id;

	assert_int_equal(judge(f), 0);
	root = f->pair.in;
	root.generated = false;
	root.priority = 0;
	root.req[0].level = LEVEL_REQUIRE;
	assert_int_equal(book_put(&f->book, &root, false, &id, &f->e), 0);
	put(f, "a", -EEXIST);
	assert_non_null(strstr(f->e.s, "root has written policy 1"));
	assert_int_equal(count(f), 1);
	/* And root may take the place of a client's at any time, first in line. */
	assert_true(book_expire(&f->book, id, &root));
	put(f, "a", 0);
	root.action = POLICY_DISCARD;
	assert_int_equal(book_put(&f->book, &root, false, &id, &f->e), 0);
	assert_int_equal(spd_first(f->book.spd, POLICY_IN)->policy.id, id);
}

/* However late it comes, what root writes is looked at first. */
static void roots_comes_first(void **state)
{
	struct fixture *f = *state;
	struct policy root;
	uint32_t id;

	put(f, "a", 0);
	root = f->pair.out;
	root.generated = false;
	root.priority = 0;
	root.sel.dst.plen = 8;
	root.action = POLICY_PASS;
	assert_int_equal(book_put(&f->book, &root, false, &id, &f->e), 0);
	assert_int_equal(spd_first(f->book.spd, POLICY_OUT)->policy.id, id);
}

static void one_client_has_a_bound(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < GENERATED_OF_ONE_MAX; i++) {
		f->out.sel.dport = (uint16_t)(i + 1);
		f->out.sel.proto = 6;
		put(f, "a", 0);
	}
	f->out.sel.dport = 1000;
	put(f, "a", -ENOSPC);
	put(f, "b", 0);
}

static void what_nobody_uses_ends(void **state)
{
	struct fixture *f = *state;
	uint32_t id = put(f, "a", 0);

	assert_int_equal(generated_next_ms(&f->set), NOW + GENERATED_NEW_MS);
	assert_int_equal(generated_expire(&f->set, &f->book, NULL, NOW + GENERATED_NEW_MS - 1), 0);
	generated_used(&f->set, id, NOW + 5);
	assert_int_equal(generated_expire(&f->set, &f->book, NULL, NOW + GENERATED_NEW_MS), 0);
	assert_int_equal(generated_expire(&f->set, &f->book, NULL, NOW + 5 + GENERATED_LIFE_MS), 1);
	assert_int_equal(count(f), 0);
	assert_int_equal(generated_next_ms(&f->set), UINT64_MAX);
}

/* root has flushed. */
static void what_is_not_in_the_book_is_forgotten(void **state)
{
	struct fixture *f = *state;

	put(f, "a", 0);
	book_flush(&f->book);
	assert_int_equal(generated_expire(&f->set, &f->book, NULL, NOW), 0);
	assert_int_equal(f->set.n, 0);
}

/* A transaction that is open does not bring it back. */
static void it_goes_from_a_staged_copy_too(void **state)
{
	struct fixture *f = *state;
	uint32_t id = put(f, "a", 0);
	struct book staged;

	assert_int_equal(book_stage(&f->book, &staged), 0);
	assert_true(generated_drop(&f->set, &f->book, &staged, id));
	assert_int_equal(spd_count(staged.spd, POLICY_DIR_NONE), 0);
	book_forget(&f->book, &staged);
}

/* As from a file of a release before, which did not keep whose they are. */
static void what_is_nobodys_goes(void **state)
{
	struct fixture *f = *state;
	struct spd_entry *out = spd_find_id(f->book.spd, put(f, "a", 0)),
	                 *in = spd_first(f->book.spd, POLICY_IN);

	memset(out->owner, 0, sizeof(out->owner));
	memset(in->owner, 0, sizeof(in->owner));
	generated_fini(&f->set);
	generated_init(&f->set);
	assert_int_equal(generated_adopt(&f->set, &f->book, NOW), 2);
	assert_int_equal(count(f), 0);
}

static void after_a_restart(void **state)
{
	struct fixture *f = *state;
	uint32_t id = put(f, "a", 0);

	generated_fini(&f->set);
	generated_init(&f->set);
	assert_int_equal(generated_adopt(&f->set, &f->book, NOW), 0);
	assert_int_equal(f->set.n, 1);
	put(f, "b", -EEXIST);
	assert_int_equal(put(f, "a", 1), id);
	/* After a boot its client has gone. */
	spd_first(f->book.spd, POLICY_OUT)->inherited = true;
	spd_first(f->book.spd, POLICY_IN)->inherited = true;
	generated_fini(&f->set);
	generated_init(&f->set);
	assert_int_equal(generated_adopt(&f->set, &f->book, NOW), 2);
	assert_int_equal(count(f), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_pair_behind_everything),
	    TEST(no_ticket_or_another_peers),
	    TEST(not_where_it_is_off),
	    TEST(not_before_the_user_is_known),
	    TEST(no_other_shape),
	    TEST(transport_is_between_the_two),
	    TEST(no_address_of_ours_or_of_nobodys),
	    TEST(what_sainfo_allows),
	    TEST(with_a_pool_an_address_of_it),
	    TEST(both_go_together),
	    TEST(his_own_stays_or_is_replaced_and_nobody_elses),
	    TEST(roots_is_never_touched),
	    TEST(roots_comes_first),
	    TEST(one_client_has_a_bound),
	    TEST(what_nobody_uses_ends),
	    TEST(what_is_not_in_the_book_is_forgotten),
	    TEST(it_goes_from_a_staged_copy_too),
	    TEST(after_a_restart),
	    TEST(what_is_nobodys_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
