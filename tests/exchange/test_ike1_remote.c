/*
 * Remote access between two cores: XAuth in both roles, mode config both ways, policies made for clients, and
 * what of it may not happen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"
#include "support/ike_rig.h"

enum { TCP = 6, ENOUGH_MS = 3000, LONG_MS = 400000, FIRST = 0x0a090901 };

static struct rig rig;

/* A is the client. */
static struct ike_conf *client(enum ike_mode mode, bool xauth)
{
	struct ike_conf *c = rig_conf(mode, xauth ? IKE_AUTH_XAUTH_PSK_CLIENT : IKE_AUTH_PSK, true);

	c->peer[0].xauth_login = strdup("alice");
	return c;
}

static struct ike_conf *server(enum ike_mode mode, bool xauth)
{
	struct ike_conf *c = rig_conf(mode, xauth ? IKE_AUTH_XAUTH_PSK_SERVER : IKE_AUTH_PSK, true);

	c->pool = (struct ike_pool){.present = true,
	    .network4 = inet_addr_v4(FIRST),
	    .netmask4 = inet_addr_v4(0xffffff00),
	    .size = 2,
	    .dns4 = {inet_addr_v4(0x0a010035)},
	    .n_dns4 = 1,
	    .default_domain = strdup("example.com"),
	    .banner = strdup("be nice"),
	    .include = {.net = {{inet_addr_v4(0x0a010000), 16}}, .n = 1},
	    .local_lan = {.net = {{inet_addr_v4(0x0a020000), 16}, {inet_addr_v4(0x0a030000), 24}}, .n = 2},
	    .auth_throttle_s = 1};
	return c;
}

static void begin(struct ike_conf *a, struct ike_conf *b)
{
	rig_init(&rig, 1, a, b);
	rig.b.user = "alice";
	rig.a.password = rig.b.password = "s3cret";
	rig_policy(&rig, IPSEC_TUNNEL, TCP);
}

static void run(uint64_t ms)
{
	rig_packet(&rig.a, 0);
	rig_run(&rig, ms);
}

static void expect_pairs(size_t n)
{
	const char *why = "";

	assert_int_equal(rig_count(&rig.a, true), n);
	assert_int_equal(rig_count(&rig.b, true), n);
	if (!rig_agrees(&rig, &why) || !rig_is_calm(&rig, &why))
		fail_msg("%s", why);
}

static struct ike1_octets named(const char *owner)
{
	return (struct ike1_octets){owner, strlen(owner)};
}

static struct isakmp *only_sa(struct rig_side *s)
{
	assert_int_equal(s->core->n_isakmp, 1);
	return list_entry(s->core->isakmp.next, struct isakmp, all);
}

static void test_xauth(void **state)
{
	static const enum ike_mode modes[] = {IKE_MODE_MAIN, IKE_MODE_AGGRESSIVE, IKE_MODE_BASE};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		begin(client(modes[i], true), server(modes[i], true));
		run(ENOUGH_MS);
		expect_pairs(1);
		assert_int_equal(rig.b.n_logins, 1);
		assert_true(rig_logged(&rig.b, "login succeeded for user \"alice\""));
		assert_true(rig_logged(&rig.a, "the server has taken xauth_login \"alice\""));
		assert_false(rig_logged(&rig.a, "s3cret") || rig_logged(&rig.b, "s3cret"));
		rig_fini(&rig);
	}
}

/* The server begins, and asks all the same. */
static void test_xauth_when_the_server_begins(void **state)
{
	begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true));
	rig_packet(&rig.b, 0);
	rig_run(&rig, ENOUGH_MS);
	expect_pairs(1);
	assert_int_equal(rig.b.n_logins, 1);
	rig_fini(&rig);
}

/* Three tries, each a second apart; no quick mode, and nothing is left. */
static void test_xauth_wrong_password(void **state)
{
	begin(client(IKE_MODE_AGGRESSIVE, true), server(IKE_MODE_AGGRESSIVE, true));
	rig.a.password = "guess";
	run(ENOUGH_MS);
	assert_int_equal(rig_count(&rig.b, true), 0);
	rig_run(&rig, LONG_MS);
	assert_int_equal(rig.b.n_logins, 3);
	assert_int_equal(rig_count(&rig.b, true) + rig_count(&rig.a, true), 0);
	assert_int_equal(rig.a.core->n_isakmp + rig.b.core->n_isakmp, 0);
	assert_true(rig_logged(&rig.b, "login failed for user \"alice\": wrong password"));
	assert_true(rig_logged(&rig.a, "the server does not take xauth_login \"alice\""));
	assert_int_equal(rig.a.n_done_bad, 1);
	rig_fini(&rig);
}

/* The client has no password: it says so, and is not let in. */
static void test_xauth_without_a_password(void **state)
{
	begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true));
	rig.a.password = NULL;
	run(LONG_MS);
	assert_int_equal(rig.b.n_logins, 0);
	assert_int_equal(rig_count(&rig.b, true), 0);
	assert_true(rig_logged(&rig.a, "no password for xauth_login \"alice\": no line"));
	rig_fini(&rig);
}

/* A quick mode that does not wait for the user: the client believes it is up. */
static void test_xauth_no_quick_mode_before_it(void **state)
{
	struct isakmp *a;

	begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true));
	rig.a.password = "guess";
	rig_packet(&rig.a, 0);
	for (int i = 0; i < 1000 && (rig.a.core->n_isakmp == 0 || only_sa(&rig.a)->state != ISAKMP_XAUTH);
	     i++)
		rig_run(&rig, 1);
	a = only_sa(&rig.a);
	assert_int_equal(a->state, ISAKMP_XAUTH);
	a->ra.user_known = true;
	phase1_up(a);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig_count(&rig.b, true), 0);
	assert_int_equal(rig.b.n_grants, 0);
	rig_fini(&rig);
}

/* One side means to ask and the other does not know of it: no proposal meets. */
static void test_xauth_only_on_one_side(void **state)
{
	begin(client(IKE_MODE_MAIN, false), server(IKE_MODE_MAIN, true));
	run(LONG_MS);
	assert_int_equal(rig_count(&rig.b, true), 0);
	assert_true(rig_logged(&rig.b, "no suitable proposal found"));
	rig_fini(&rig);
}

/* Each message of the transaction exchange is lost once, and comes twice. */
static unsigned lose;
static bool lose_one(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	return n != lose;
}

static void test_xauth_every_message_lost_once(void **state)
{
	unsigned total;

	begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true));
	rig.a.core->conf->c->peer[0].mode_cfg = true;
	run(ENOUGH_MS);
	total = rig.n_datagrams;
	rig_fini(&rig);
	assert_in_range(total, 12, 60);
	for (lose = 0; lose < total; lose++) {
		begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true));
		rig.a.core->conf->c->peer[0].mode_cfg = true;
		rig.wire.tamper = lose_one;
		rig.wire.twice = 300;
		run(60000);
		if (rig_count(&rig.a, true) != 1 || rig_count(&rig.b, true) != 1)
			fail_msg("message %u of %u", lose, total);
		assert_int_equal(rig.b.n_logins, 1);
		rig_fini(&rig);
	}
}

/* What A says in the second exchange that B begins, its acknowledgement, is lost, however often. */
static bool lose_acknowledgements(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	uint32_t *begun = r->arg, id;

	memcpy(&id, d + 20, sizeof(id));
	if (d[18] != 6)
		return true;
	if (!from_a && (!begun[0] || (begun[0] != id && !begun[1])))
		begun[begun[0] ? 1 : 0] = id;
	return !from_a || id != begun[1];
}

/* A client that asks for its address has heard that its user is known. */
static void test_xauth_acknowledged_by_going_on(void **state)
{
	uint32_t begun[2] = {0};

	begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true));
	rig.a.core->conf->c->peer[0].mode_cfg = true;
	rig.arg = begun;
	rig.wire.tamper = lose_acknowledgements;
	run(LONG_MS);
	assert_int_not_equal(begun[1], 0);
	expect_pairs(1);
	assert_int_equal(rig.b.core->n_isakmp, 1);
	rig_fini(&rig);
}

static void expect_given(void)
{
	const struct mode_given *g = only_sa(&rig.a)->ra.given;
	const struct inet_addr first = inet_addr_v4(FIRST);

	assert_non_null(g);
	assert_true(inet_addr_equal(&g->v.address, &first));
	assert_int_equal(g->v.netmask.b[2], 255);
	assert_int_equal(g->v.n_dns, 1);
	assert_int_equal(g->v.include.n, 1);
	assert_int_equal(g->v.local.n, 2);
	assert_true(rig_logged(&rig.a, "the server gives a network behind it: 10.1.0.0/16"));
	assert_true(rig_logged(&rig.a, "the server gives a network that stays here: 10.3.0.0/24"));
	assert_int_equal(g->domain.n, 11);
	assert_memory_equal(g->domain.p, "example.com", 11);
	assert_true(inet_addr_equal(&only_sa(&rig.b)->ra.address, &first));
	assert_true(rig_logged(&rig.a, "the server gives the address 10.9.9.1, mask 255.255.255.0"));
	assert_true(rig_logged(&rig.a, "the server gives a banner: be nice"));
}

/* The server has heard all of main mode, and is not sure yet of whom. */
static void run_to_judgement(void)
{
	rig_packet(&rig.a, 0);
	while (list_is_empty(&rig.b.core->isakmp) || only_sa(&rig.b)->state != ISAKMP_R_CHECK)
		rig_run(&rig, 1);
}

/* A question of the transaction exchange from somebody who has seen the cookies. */
static void forge_question(void)
{
	static const uint8_t junk[64];
	struct isakmp *sa = only_sa(&rig.b);
	const struct ike_hdr h = isakmp_header(sa, IKE1_TRANSACTION, IKE1_F_ENCRYPTED, 9);
	struct ike_out o;
	uint8_t buf[200];
	size_t n;

	ike_out_init(&o, buf, sizeof(buf), &h);
	wr_bytes(&o.w, junk, sizeof(junk));
	n = ike_out_end(&o);
	core_datagram(rig.b.core, &sa->path, buf, n);
}

/* What was kept until then is no part of the message with which the client goes on. */
static void test_xauth_goes_on_beside_what_came_early(void **state)
{
	uint32_t begun[2] = {0};

	begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true));
	rig.a.core->conf->c->peer[0].mode_cfg = true;
	rig.arg = begun;
	rig.wire.tamper = lose_acknowledgements;
	run_to_judgement();
	forge_question();
	assert_int_not_equal(only_sa(&rig.b)->ra.early[0].n, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_not_equal(begun[1], 0);
	expect_pairs(1);
	expect_given();
	rig_fini(&rig);
}

static void test_mode_config_pull(void **state)
{
	struct ike_conf *a = client(IKE_MODE_MAIN, false);

	a->peer[0].mode_cfg = true;
	begin(a, server(IKE_MODE_MAIN, false));
	run(ENOUGH_MS);
	expect_pairs(1);
	expect_given();
	assert_true(rig_logged(&rig.b, "address 10.9.9.1 is for peer 10.0.0.100"));
	rig_fini(&rig);
}

static unsigned questions; /* messages of the transaction exchange that A has sent */

static bool count_questions(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	questions += from_a && d[18] == 6;
	return true;
}

/* The server tells right behind its proof, which the client is still judging: it need not ask. */
static void test_mode_config_push(void **state)
{
	struct ike_conf *a = client(IKE_MODE_MAIN, false), *b = server(IKE_MODE_MAIN, false);

	a->peer[0].mode_cfg = b->peer[0].mode_cfg = true;
	begin(a, b);
	rig.wire.tamper = count_questions;
	questions = 0;
	run(ENOUGH_MS);
	expect_given();
	expect_pairs(1);
	assert_int_equal(questions, 1); /* its acknowledgement */
	rig_fini(&rig);
}

/* One that was not told to take any does not. */
static void test_mode_config_push_that_nobody_wants(void **state)
{
	struct ike_conf *b = server(IKE_MODE_MAIN, false);

	b->peer[0].mode_cfg = true;
	begin(client(IKE_MODE_MAIN, false), b);
	run(ENOUGH_MS);
	assert_null(only_sa(&rig.a)->ra.given);
	expect_pairs(1);
	rig_fini(&rig);
}

/* A server that tells and never answers, and whose first telling is lost: the client has asked by then. */
static bool lose_questions(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	static uint8_t told[4]; /* the message id of the server's telling */
	bool *lost = r->arg, first = d[18] == 6 && !from_a && !*lost;

	if (d[18] != 6)
		return true;
	if (!from_a)
		memcpy(told, d + 20, sizeof(told));
	*lost = *lost || first;
	return !first && memcmp(told, d + 20, sizeof(told)) == 0;
}

static void test_mode_config_pushed_and_the_question_never_answered(void **state)
{
	struct ike_conf *a = client(IKE_MODE_MAIN, false), *b = server(IKE_MODE_MAIN, false);
	bool lost = false;

	a->peer[0].mode_cfg = b->peer[0].mode_cfg = true;
	begin(a, b);
	rig.arg = &lost;
	rig.wire.tamper = lose_questions;
	run(LONG_MS);
	assert_true(lost);
	expect_given();
	expect_pairs(1);
	assert_int_equal(rig.a.core->counters.failed1, 0);
	rig_fini(&rig);
}

/* The server that gives nothing: the client goes on, and says so. */
static void test_mode_config_without_a_pool(void **state)
{
	struct ike_conf *a = client(IKE_MODE_MAIN, false);

	a->peer[0].mode_cfg = true;
	begin(a, rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true));
	run(ENOUGH_MS);
	expect_pairs(1);
	assert_true(rig_logged(&rig.a, "the server gives no address"));
	rig_fini(&rig);
}

/* A user comes back and has his address; it is free when his ISAKMP SA has gone. */
static void test_mode_config_the_same_address_again(void **state)
{
	struct ike_conf *a = client(IKE_MODE_MAIN, true);

	a->peer[0].mode_cfg = true;
	begin(a, server(IKE_MODE_MAIN, true));
	run(ENOUGH_MS);
	assert_int_equal(rig.b.core->leases.slot[0].users, 1);
	core_shutdown(rig.a.core);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_isakmp, 0);
	assert_int_equal(rig.b.core->leases.slot[0].users, 0);
	run(ENOUGH_MS);
	expect_given();
	assert_int_equal(rig.b.core->leases.slot[0].users, 1);
	assert_int_equal(rig.b.core->leases.slot[1].owner.n, 0);
	rig_fini(&rig);
}

/* A server whose keyd was killed knows who its client is, what address it has, and gives that to nobody else.
 */
static void test_mode_config_address_after_a_kill(void **state)
{
	struct ike_conf *a = client(IKE_MODE_MAIN, true);
	const struct isakmp *sa;
	uint32_t n;

	a->peer[0].mode_cfg = true;
	begin(a, server(IKE_MODE_MAIN, true));
	run(ENOUGH_MS);
	rig_rebirth(&rig.b);
	sa = only_sa(&rig.b);
	assert_true(sa->ra.has_lease && sa->ra.user_known);
	assert_true(inet_addr_equal(&sa->ra.address, &rig.b.core->conf->c->pool.network4));
	assert_memory_equal(sa->ra.user.p, "alice", 5);
	assert_string_equal((const char *)sa->ra.groups.p, "staff");
	assert_int_equal(rig.b.core->leases.slot[0].users, 1);
	assert_int_equal(leases_take(&rig.b.core->leases, named("another"), &n), 0);
	assert_int_equal(n, 1);
	leases_give_back(&rig.b.core->leases, n);
	assert_int_equal(rig.b.n_logins, 1);
	expect_pairs(1);
	core_shutdown(rig.a.core);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->leases.slot[0].users, 0);
	rig_fini(&rig);
}

static void test_leases(void **state)
{
	struct ike_pool p = {.present = true, .network4 = inet_addr_v4(FIRST), .size = 2};
	struct leases l = {0};
	uint32_t n;

	assert_int_equal(leases_take(&l, named("a"), &n), -ENOENT);
	assert_int_equal(leases_follow(&l, &p), 0);
	assert_int_equal(leases_take(&l, named("a"), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(leases_take(&l, named("a"), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(leases_take(&l, named("b"), &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(leases_take(&l, named("c"), &n), -ENOSPC);
	leases_give_back(&l, 1);
	leases_give_back(&l, 0);
	assert_int_equal(leases_take(&l, named("c"), &n), 0);
	assert_int_equal(n, 1); /* "a" has two */
	leases_give_back(&l, 0);
	leases_give_back(&l, 1);
	assert_int_equal(leases_take(&l, named("d"), &n), 0);
	assert_int_equal(n, 0); /* free for longer than the other */
	assert_int_equal(leases_take(&l, named("c"), &n), 0);
	assert_int_equal(n, 1);
	leases_give_back(&l, 7);
	assert_int_equal(leases_claim(&l, named("c"), 1), 0);
	assert_int_equal(leases_claim(&l, named("a"), 1), -EEXIST);
	assert_int_equal(leases_claim(&l, named("a"), 2), -ENOENT);
	p.size = 3;
	assert_int_equal(leases_follow(&l, &p), 0);
	assert_int_equal(l.slot[0].owner.n, 0);
	leases_fini(&l);
}

/* B has no policies of its own. */
static void begin_generating(enum ike_generate g)
{
	struct ike_conf *b = server(IKE_MODE_MAIN, false);

	b->peer[0].generate = g;
	b->peer[0].passive = true;
	begin(client(IKE_MODE_MAIN, false), b);
	rig.b.n_policies = 0;
}

/* S147, S150: made at the client's request, and gone with it. */
static void test_generate(void **state)
{
	begin_generating(IKE_GENERATE_REQUIRE);
	run(ENOUGH_MS);
	expect_pairs(1);
	assert_int_equal(rig.b.n_made, 1);
	assert_int_equal(rig.b.n_policies, 1);
	assert_true(selector_equal(&rig.b.in[0].sel, &rig.a.out[0].sel));
	assert_int_equal(rig.b.out[0].req[0].level, LEVEL_REQUIRE);
	assert_int_equal(rig.b.out[0].req[0].mode, IPSEC_TUNNEL);
	assert_true(rig_logged(&rig.b, "no policy found, try to generate the policy : 10.0.0.100[0] "
	                               "10.0.0.110[0] proto=6 dir=in"));
	core_shutdown(rig.a.core);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig_count(&rig.b, true), 0);
	assert_int_equal(rig.b.n_policies, 0);
	assert_int_equal(rig.b.n_dropped, 1);
	rig_fini(&rig);
}

/* A renewal is under the same policy, which stays until the last pair has gone. */
static void test_generate_stays_for_the_successor(void **state)
{
	begin_generating(IKE_GENERATE_UNIQUE);
	rig.a.core->conf->c->child[0].seconds = rig.b.core->conf->c->child[0].seconds = 100;
	run(ENOUGH_MS);
	assert_int_equal(rig.b.out[0].req[0].level, LEVEL_UNIQUE);
	assert_true(rig_live(&rig, 250000));
	assert_int_equal(rig.b.n_made, 1);
	assert_int_equal(rig.b.n_dropped, 0);
	rig_fini(&rig);
}

/* S151: off, or not allowed: the negotiation ends, with the reason in the log. */
static void test_generate_refused(void **state)
{
	begin_generating(IKE_GENERATE_OFF);
	run(ENOUGH_MS);
	assert_int_equal(rig.b.n_made, 0);
	assert_true(rig_logged(&rig.b, "no policy found for what the peer asks for"));
	rig_fini(&rig);
	begin_generating(IKE_GENERATE_REQUIRE);
	rig.b.makes_none = true;
	run(ENOUGH_MS);
	assert_int_equal(rig_count(&rig.b, true), 0);
	assert_true(rig_logged(&rig.b, "and policyd makes none: no sainfo allows it"));
	rig_fini(&rig);
}

/* S149: who is passive begins nothing. */
static void test_generate_passive_begins_nothing(void **state)
{
	begin_generating(IKE_GENERATE_REQUIRE);
	rig_policy(&rig, IPSEC_TUNNEL, 17);
	rig_packet(&rig.b, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.n_datagrams, 0);
	assert_int_equal(rig.b.n_done_bad, 1);
	rig_fini(&rig);
}

/* A failure behind the making takes the policy back. */
static void test_generate_is_taken_back(void **state)
{
	begin_generating(IKE_GENERATE_REQUIRE);
	rig.b.core->conf->c->child[0].pfs = ALG_GROUP_MODP1024;
	rig.b.core->conf->c->peer[0].check = CHECK_STRICT;
	run(ENOUGH_MS);
	assert_int_equal(rig_count(&rig.b, true), 0);
	assert_int_equal(rig.b.n_policies, 0);
	rig_fini(&rig);
}

/* A client with an address may have that one, and no other. */
static void test_generate_only_the_address_given(void **state)
{
	struct ike_conf *a = client(IKE_MODE_MAIN, true), *b = server(IKE_MODE_MAIN, true);
	const struct inet_addr given = inet_addr_v4(FIRST);

	a->peer[0].mode_cfg = true;
	b->peer[0].generate = IKE_GENERATE_REQUIRE;
	begin(a, b);
	rig.b.n_policies = 0;
	run(LONG_MS);
	assert_int_equal(rig.b.n_made, 0);
	assert_true(rig_logged(&rig.b, "the peer asks for 10.0.0.100, and has been given 10.9.9.1"));
	rig.a.out[0].sel.src = rig.a.in[0].sel.dst = inet_prefix_host(&given);
	run(ENOUGH_MS);
	assert_int_equal(rig.b.n_made, 1);
	assert_int_equal(rig_count(&rig.b, true), 1);
	rig_fini(&rig);
}

static unsigned first_id;

/* The end of the first quick mode never arrives. */
static bool lose_the_first_end(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	uint32_t id;

	memcpy(&id, d + 20, sizeof(id));
	if (d[18] != IKE1_QUICK)
		return true;
	first_id = first_id ? first_id : id;
	return id != first_id || !from_a || !rig_count(&r->b, true);
}

static struct quick *quick_at(struct rig_side *s, unsigned n)
{
	list_foreach (q, &only_sa(s)->quicks, struct quick, node)
		if (n-- == 0)
			return q;
	return NULL;
}

/* Two negotiations of one client for one policy that was made: the first one's failure is not the second's.
 */
static void test_generate_is_not_taken_from_another_negotiation(void **state)
{
	struct ike_conf *b = server(IKE_MODE_MAIN, true);
	struct quick *second;

	b->peer[0].generate = IKE_GENERATE_REQUIRE;
	begin(client(IKE_MODE_MAIN, true), b);
	rig.b.n_policies = 0;
	first_id = 0;
	rig.wire.tamper = lose_the_first_end;
	rig_packet(&rig.a, 0);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_children, 0);
	assert_true(child_renew(list_entry(rig.a.core->children.next, struct child, node)));
	while (!(second = quick_at(&rig.b, 1)) || !second->out.id)
		rig_run(&rig, 1);
	assert_int_equal(second->out.id, quick_at(&rig.b, 0)->out.id);
	quick_fail(quick_at(&rig.b, 0), 0, "in this test");
	assert_int_equal(rig.b.n_policies, 1);
	rig_run(&rig, ENOUGH_MS);
	assert_int_equal(rig.b.core->n_children, 1);
	rig_fini(&rig);
}

/* Who was given none, because it did not ask, has none of those that others are given; and all others. */
static void test_generate_no_address_of_the_pool(void **state)
{
	const struct inet_addr pool = inet_addr_v4(FIRST), other = inet_addr_v4(FIRST + 0x10000);
	struct ike_conf *b = server(IKE_MODE_MAIN, true);

	b->peer[0].generate = IKE_GENERATE_REQUIRE;
	begin(client(IKE_MODE_MAIN, true), b);
	rig.b.n_policies = 0;
	rig.a.out[0].sel.src = rig.a.in[0].sel.dst = inet_prefix_host(&pool);
	run(LONG_MS);
	assert_int_equal(rig.b.n_made, 0);
	assert_true(
	    rig_logged(&rig.b, "the peer asks for 10.9.9.1, and has been given no address of the pool"));
	rig.a.out[0].sel.src = rig.a.in[0].sel.dst = inet_prefix_host(&other);
	run(ENOUGH_MS);
	assert_int_equal(rig.b.n_made, 1);
	rig_fini(&rig);
}

/* `group` of a sainfo: the user's groups decide. */
static void test_group(void **state)
{
	static const char *const groups[] = {"staff", "wheel"};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		begin(client(IKE_MODE_MAIN, true), server(IKE_MODE_MAIN, true));
		rig.b.core->conf->c->child[0].group = strdup(groups[i]);
		run(ENOUGH_MS);
		assert_int_equal(rig_count(&rig.b, true), i == 0);
		rig_fini(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xauth),
	    cmocka_unit_test(test_xauth_when_the_server_begins),
	    cmocka_unit_test(test_xauth_wrong_password),
	    cmocka_unit_test(test_xauth_without_a_password),
	    cmocka_unit_test(test_xauth_no_quick_mode_before_it),
	    cmocka_unit_test(test_xauth_only_on_one_side),
	    cmocka_unit_test(test_xauth_every_message_lost_once),
	    cmocka_unit_test(test_xauth_acknowledged_by_going_on),
	    cmocka_unit_test(test_xauth_goes_on_beside_what_came_early),
	    cmocka_unit_test(test_mode_config_pull),
	    cmocka_unit_test(test_mode_config_push),
	    cmocka_unit_test(test_mode_config_push_that_nobody_wants),
	    cmocka_unit_test(test_mode_config_pushed_and_the_question_never_answered),
	    cmocka_unit_test(test_mode_config_without_a_pool),
	    cmocka_unit_test(test_mode_config_the_same_address_again),
	    cmocka_unit_test(test_mode_config_address_after_a_kill),
	    cmocka_unit_test(test_leases),
	    cmocka_unit_test(test_generate),
	    cmocka_unit_test(test_generate_stays_for_the_successor),
	    cmocka_unit_test(test_generate_refused),
	    cmocka_unit_test(test_generate_passive_begins_nothing),
	    cmocka_unit_test(test_generate_is_taken_back),
	    cmocka_unit_test(test_generate_only_the_address_given),
	    cmocka_unit_test(test_generate_no_address_of_the_pool),
	    cmocka_unit_test(test_generate_is_not_taken_from_another_negotiation),
	    cmocka_unit_test(test_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
