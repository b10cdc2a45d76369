/*
 * Connections as peers, children and policies.
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

#include "config/native/compile.h"

enum { TEXT_MAX = 4096 };

#define HEAD "version 1; secret \"0123456789abcdef0\";"

static char heard[TEXT_MAX];

static void hear(void *arg, const struct native_note *n)
{
	size_t at = strlen(heard);

	(void)arg;
	if (n->is_error)
		snprintf(
		    heard + at, sizeof(heard) - at, "%s:%u:%u: %s\n", n->file, n->line, n->column, n->text);
}

static int resolve(void *arg, const char *name, enum inet_family family, struct inet_addr *ret)
{
	(void)arg;
	if (strcmp(name, "both.example.org") == 0)
		return inet_addr_parse(family == INET_V6 ? "2001:db8::77" : "192.0.2.77", ret);
	if (strcmp(name, "later.example.org") == 0)
		return -EAGAIN;
	return strcmp(name, "gate.example.org") == 0 ? inet_addr_parse("192.0.2.77", ret) : -ENOENT;
}

static bool is_cut_off; /* the host has no network */

static int source(void *arg, const struct inet_addr *to, struct inet_addr *ret)
{
	(void)arg;
	if (is_cut_off)
		return -ENETUNREACH;
	return inet_addr_parse(to->family == INET_V4 ? "192.0.2.1" : "2001:db8::1", ret);
}

static const struct native_host_facts host = {.resolve = resolve, .source = source};

static int compile(const char *text, struct native_plan *ret)
{
	const struct native_options o = {.say = hear};
	const struct native_text t = {.p = (char *)(uintptr_t)text, .n = strlen(text), .mode = 0600};
	AUTO_NATIVE_CONF struct native_conf *c = NULL;

	heard[0] = '\0';
	if (native_read_text("f", &t, &o, &c) < 0)
		fail_msg("%s", heard);
	return native_compile(c, &host, hear, NULL, ret);
}

static void good(const char *text, struct native_plan *ret)
{
	if (compile(text, ret) < 0)
		fail_msg("%s", heard);
}

static void expect_fault(const char *text, const char *fault)
{
	struct native_plan p = {0};

	assert_int_equal(compile(text, &p), -EINVAL);
	assert_null(p.ike);
	assert_string_equal(heard, fault);
}

/* "out 10.1.0.0/24 10.2.0.0/24 256 0 0 esp/tunnel/192.0.2.1-192.0.2.2" */
static const char *policy_text(const struct policy *p, char buf[512])
{
	char a[INET_PREFIX_STRLEN], b[INET_PREFIX_STRLEN], c[INET_ADDR_STRLEN], d[INET_ADDR_STRLEN];
	const char *why = NULL;
	int n;

	if (policy_check(p, &why) < 0)
		fail_msg("%s", why);
	n = snprintf(buf, 512, "%s %s %s %u %u %u %s", policy_dir_name(p->dir),
	    inet_prefix_format(&p->sel.src, a), inet_prefix_format(&p->sel.dst, b), p->sel.proto,
	    p->sel.sport, p->sel.dport, policy_action_name(p->action));
	for (uint8_t i = 0; i < p->n_requests; i++) {
		const struct policy_request *r = &p->req[i];

		n += snprintf(buf + n, 512 - (size_t)n, " %s/%s/%s-%s/%s", ipsec_proto_name(r->proto),
		    ipsec_mode_name(r->mode), r->src.family ? inet_addr_format(&r->src, c) : "",
		    r->dst.family ? inet_addr_format(&r->dst, d) : "", policy_level_name(r->level));
	}
	return buf;
}

static void expect_policy(const struct native_plan *p, uint32_t i, const char *text)
{
	char buf[512];

	assert_true(i < p->n_policies);
	assert_string_equal(policy_text(&p->policy[i], buf), text);
}

static void test_compile_a_tunnel(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};
	const struct ike_peer *peer;
	const struct ike_child *k;

	(void)state;
	good("connection office { " HEAD " remote 192.0.2.2; child 10.1.0.0/24 = 10.2.0.0/24 }\n", &p);
	assert_int_equal(p.n_policies, 2);
	expect_policy(
	    &p, 0, "out 10.1.0.0/24 10.2.0.0/24 256 0 0 ipsec esp/tunnel/192.0.2.1-192.0.2.2/unique");
	expect_policy(
	    &p, 1, "in 10.2.0.0/24 10.1.0.0/24 256 0 0 ipsec esp/tunnel/192.0.2.2-192.0.2.1/unique");
	assert_int_equal(p.ike->n_peers, 1);
	peer = &p.ike->peer[0];
	assert_string_equal(peer->name, "office");
	assert_true(peer->n_modes == 1 && peer->mode[0] == IKE_MODE_MAIN);
	assert_true(
	    peer->n_offers > 0 && peer->offer[0].auth == IKE_AUTH_PSK && peer->offer[0].seconds == 28800);
	assert_true(peer->my_id.kind == IKE_ID_ADDRESS && !peer->n_peer_ids && !peer->passive);
	assert_int_equal(peer->nat_traversal, IKE_ON);
	assert_int_equal(p.ike->n_children, 1);
	k = &p.ike->child[0];
	assert_true(k->remoteid == peer->ph1id && k->remoteid != 0);
	assert_true(k->local.kind == IKE_SIDE_NET && k->local.plen == 24 && k->remote.first.b[1] == 2);
	assert_true(k->n_enc == 4 && k->n_auth == 1 && k->says_comp && !k->n_comp);
	assert_int_equal(k->pfs, peer->offer[0].group);
}

static void test_compile_transport_between_the_gateways(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};

	(void)state;
	good("connection x { " HEAD " local 192.0.2.9; remote gate.example.org\n"
	     " child local[tcp] = remote[tcp/443] { mode transport; ah sha256; pfs no } }\n",
	    &p);
	assert_int_equal(p.n_policies, 2);
	expect_policy(&p, 0, "out 192.0.2.9 192.0.2.77 6 0 443 ipsec ah/transport/-/unique");
	expect_policy(&p, 1, "in 192.0.2.77 192.0.2.9 6 443 0 ipsec ah/transport/-/unique");
	assert_true(p.ike->child[0].local.kind == IKE_SIDE_HOST && p.ike->child[0].remote.port == 443);
	assert_int_equal(p.ike->child[0].pfs, ALG_GROUP_NONE);
}

static void test_compile_compression_is_inside(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};

	(void)state;
	good("connection x { " HEAD " remote 192.0.2.2; child 10.0.0.0/8 = any { compress yes } }\n", &p);
	expect_policy(&p, 0,
	    "out 10.0.0.0/8 0.0.0.0/0 256 0 0 ipsec ipcomp/tunnel/192.0.2.1-192.0.2.2/use "
	    "esp/transport/-/unique");
	assert_int_equal(p.ike->child[0].n_comp, 1);
}

static void test_compile_every_pair_that_can_meet(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};

	(void)state;
	good("connection x { " HEAD " remote 192.0.2.2\n"
	     " child 10.1.0.0/16, 10.2.0.0/16[tcp], 2001:db8:1::/48 = 10.9.0.0/16[udp], 10.8.0.0/16, "
	     "2001:db8:2::/48 }\n",
	    &p);
	assert_int_equal(p.n_policies, 2 * 4);
	assert_int_equal(p.ike->n_children, 4);
	expect_policy(
	    &p, 0, "out 10.1.0.0/16 10.9.0.0/16 17 0 0 ipsec esp/tunnel/192.0.2.1-192.0.2.2/unique");
	expect_policy(
	    &p, 2, "out 10.1.0.0/16 10.8.0.0/16 256 0 0 ipsec esp/tunnel/192.0.2.1-192.0.2.2/unique");
	expect_policy(&p, 4, "out 10.2.0.0/16 10.8.0.0/16 6 0 0 ipsec esp/tunnel/192.0.2.1-192.0.2.2/unique");
	expect_policy(
	    &p, 6, "out 2001:db8:1::/48 2001:db8:2::/48 256 0 0 ipsec esp/tunnel/192.0.2.1-192.0.2.2/unique");
}

#define HEAD2 "version 2; secret \"a secret of the test\"; "

/* How many children of each connection go together with how many others: sets as they are in the plan. */
static uint32_t set_at(const struct native_plan *p, uint32_t i)
{
	assert_true(i < p->ike->n_children);
	return p->ike->child[i].set;
}

static void test_compile_children_of_version_2_go_together(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};

	(void)state;
	good("connection x { " HEAD2 " remote 192.0.2.2\n"
	     " child 10.9.0.0/24 = 10.8.0.0/24\n"
	     " child 10.1.0.0/16, 10.2.0.0/16[tcp] = 10.3.0.0/16, 10.4.0.0/16[udp]\n"
	     " child 10.1.1.1 = 10.3.0.1, 10.3.0.2 }\n"
	     "connection y { " HEAD2 " remote 192.0.2.3; child 10.5.0.1-10.5.0.3 = 10.6.0.0/16 }\n"
	     "connection z { " HEAD " remote 192.0.2.4; child 10.5.0.0/24, 10.5.2.0/24 = 10.7.0.0/16 }\n",
	    &p);
	assert_int_equal(p.ike->n_children, 1 + 3 + 2 + 2 + 2);
	assert_int_equal(set_at(&p, 0), 0); /* one policy alone */
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(set_at(&p, i), 2);
	for (uint32_t i = 4; i < 6; i++)
		assert_int_equal(set_at(&p, i), 3);
	for (uint32_t i = 6; i < 8; i++)
		assert_int_equal(set_at(&p, i), 1); /* a range, and counted anew in each connection */
	for (uint32_t i = 8; i < 10; i++)
		assert_int_equal(set_at(&p, i), 0); /* version 1 has one pair of selectors */
}

/* What has no room in a message is as it is in version 1. */
static void test_compile_too_many_selectors_stay_apart(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0}, q = {0};

	(void)state;
	/* The range is 46 prefixes. */
	good("connection x { " HEAD2 " remote 192.0.2.2\n"
	     " child 10.0.0.1-10.255.255.254 = 10.1.0.0-10.1.0.7, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16, "
	     "10.5.0.0/16 }\n",
	    &p);
	assert_int_equal(p.ike->n_children, 46 * 5);
	assert_int_equal(set_at(&p, 0), 1);
	good("connection x { " HEAD2 " remote 192.0.2.2\n"
	     " child 10.0.0.1-10.255.255.254 = 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16, "
	     "10.5.0.0/16, 10.6.0.0/16, 10.7.0.0/16 }\n",
	    &q);
	assert_int_equal(q.ike->n_children, 46 * 6);
	assert_int_equal(set_at(&q, 0), 0);
}

static void test_compile_plain_policies_come_first(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};

	(void)state;
	good("connection x { " HEAD " remote 192.0.2.2; child 10.0.0.0/8 = any }\n"
	     "policy none 10.0.0.0/8 = 10.0.0.0/8\npolicy discard in any[tcp/23] = any\n",
	    &p);
	assert_int_equal(p.n_policies, 2 + 2 + 2);
	expect_policy(&p, 0, "out 10.0.0.0/8 10.0.0.0/8 256 0 0 none");
	expect_policy(&p, 1, "in 10.0.0.0/8 10.0.0.0/8 256 0 0 none");
	expect_policy(&p, 2, "in 0.0.0.0/0 0.0.0.0/0 6 0 23 discard");
	expect_policy(&p, 3, "in ::/0 ::/0 6 0 23 discard");
}

static void expect_prefixes(const char *first, const char *last, const char *expected)
{
	struct native_ts t = {.kind = NATIVE_TS_RANGE};
	struct inet_prefix list[NATIVE_PREFIXES_MAX];
	char text[NATIVE_PREFIXES_MAX * INET_PREFIX_STRLEN] = "", one[INET_PREFIX_STRLEN];
	uint32_t n;

	assert_int_equal(inet_addr_parse(first, &t.first), 0);
	assert_int_equal(inet_addr_parse(last, &t.last), 0);
	n = native_prefixes(&t, NULL, INET_NONE, list);
	for (uint32_t i = 0; i < n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, inet_prefix_format(&list[i], one));
	}
	assert_string_equal(text, expected);
}

static void test_compile_a_range_is_its_prefixes(void **state)
{
	struct native_ts t = {.kind = NATIVE_TS_RANGE};
	struct inet_prefix list[NATIVE_PREFIXES_MAX];

	(void)state;
	expect_prefixes("10.0.0.1", "10.0.0.1", "10.0.0.1");
	expect_prefixes("10.0.0.0", "10.0.0.255", "10.0.0.0/24");
	expect_prefixes("10.0.0.1", "10.0.0.9", "10.0.0.1 10.0.0.2/31 10.0.0.4/30 10.0.0.8/31");
	expect_prefixes("0.0.0.0", "255.255.255.255", "0.0.0.0/0");
	expect_prefixes("255.255.255.254", "255.255.255.255", "255.255.255.254/31");
	expect_prefixes("2001:db8::ffff", "2001:db8::1:0", "2001:db8::ffff 2001:db8::1:0");
	assert_int_equal(inet_addr_parse("::1", &t.first), 0);
	assert_int_equal(inet_addr_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", &t.last), 0);
	assert_int_equal(native_prefixes(&t, NULL, INET_NONE, list), NATIVE_PREFIXES_MAX);
}

static void test_compile_whoever_comes(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};
	const struct ike_peer *peer;

	(void)state;
	good("connection x { version 1; remote any; certificate /c; key /k; authority /a, /b; local-id "
	     "gate.example.org\n"
	     " remote-id \"CN=peer\"; child 10.0.0.0/8 = remote; child any = any }\n",
	    &p);
	assert_int_equal(p.n_policies, 0);
	peer = &p.ike->peer[0];
	assert_true(peer->addr.family == INET_NONE && peer->generate == IKE_GENERATE_UNIQUE && peer->passive);
	assert_int_equal(peer->offer[0].auth, IKE_AUTH_RSA);
	assert_true(peer->verify_identifier && peer->n_peer_ids == 1 && peer->my_id.kind == IKE_ID_FQDN);
	assert_string_equal(peer->ca[0], "/a");
	assert_string_equal(peer->ca[1], "/b");
	assert_null(peer->ca[2]);
	assert_int_equal(p.ike->n_children, 2);
	assert_int_equal(p.ike->child[0].remote.kind, IKE_SIDE_CLIENT);
	assert_int_equal(p.ike->child[1].local.kind, IKE_SIDE_ANY);
}

static void test_compile_what_cannot_be_done_is_told_all_at_once(void **state)
{
	(void)state;
	expect_fault(
	    "connection c { version 1; remote 192.0.2.3; secret-file /s; child any = any }\n"
	    "connection d { version 1; remote 192.0.2.3; secret-file /s; child 10.2.0.0/16 = any }\n"
	    "connection e { version 1; remote nobody.example.org; secret-file /s; child 10.3.0.0/16 = any }\n"
	    "connection f { version 1; remote any; secret-file /s; child 10.0.0.1-10.0.0.9 = any }\n"
	    "connection g { version 1; remote 192.0.2.4; secret-file /s\n"
	    " child 10.4.0.0/16 = any { esp aes128-sha1, aes256-sha256 } }\n",
	    "f:2:34: connection d has the same remote as c, and before a peer has said who it is nothing "
	    "else tells them apart: make them one connection with several children\n"
	    "f:3:34: connection e: the name nobody.example.org has no address now: No such file or "
	    "directory\n"
	    "f:4:55: with `remote any` a child has one prefix or `any` on this side, and `any` or `remote` "
	    "on the other\n"
	    "f:6:32: its ciphers are not all with the same hashes, which key exchange wants: write every "
	    "pair, or leave some out\n");
}

/* What would load, and then carry nothing. */
static void test_compile_children_that_carry_nothing(void **state)
{
	(void)state;
	expect_fault(
	    "connection a { remote 192.0.2.2; secret-file /s; child 10.1.0.0/16 = 10.2.0.0/16 { mode "
	    "transport } }\n"
	    "connection b { remote 192.0.2.3; secret-file /s; child local = 192.0.2.9 { mode transport } }\n"
	    "connection c { remote 192.0.2.4; secret-file /s; child 192.0.2.1 = 192.0.2.4 { mode transport } "
	    "}\n"
	    "connection d { remote 192.0.2.5; secret-file /s\n child 10.5.0.0/16 = 10.6.0.0/16\n"
	    " child again 10.5.0.0/16 = 10.7.0.0/16, 10.6.0.0/16 }\n"
	    "connection e { remote 192.0.2.6; secret-file /s; child 10.5.0.0/16[tcp] = 10.6.0.0/16[tcp] }\n"
	    "connection f { remote 192.0.2.7; secret-file /s; child 10.5.0.0/16 = 10.6.0.0/16 }\n",
	    "f:1:50: has mode transport, which is between the two gateways themselves: write local = remote, "
	    "or "
	    "mode tunnel for what is behind them\n"
	    "f:2:50: has mode transport, which is between the two gateways themselves: write local = remote, "
	    "or "
	    "mode tunnel for what is behind them\n"
	    "f:6:2: protects 10.5.0.0/16 = 10.6.0.0/16, as the child in line 5 of f does: leave one out\n"
	    "f:8:50: protects 10.5.0.0/16 = 10.6.0.0/16, as the child in line 5 of f does: leave one out\n");
}

/* A key without a certificate, on either side and beside each of the others. */
static void test_compile_keys_without_certificates(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan plan = {0};
	const struct ike_peer *peer;

	(void)state;
	good("connection a { remote 192.0.2.2; key /k; remote-key /p; child any = any }\n"
	     "connection b { remote 192.0.2.3; key /k; authority /a; child 10.2.0.0/16 = any }\n"
	     "connection c { remote 192.0.2.4; certificate /c; key /k; remote-key /p; child 10.3.0.0/16 = "
	     "any }\n"
	     "connection d { remote 192.0.2.5; key /k; secret-file /s; child 10.4.0.0/16 = any }\n"
	     "connection e { remote 192.0.2.6; secret-file /s; remote-key /p; child 10.5.0.0/16 = any }\n"
	     "connection f { remote 192.0.2.7; key /k; remote-certificate /r; local-id a; child 10.6.0.0/16 "
	     "= any }\n",
	    &plan);
	peer = &plan.ike->peer[0];
	assert_true(peer->offer[0].auth == IKE_AUTH_RSA && !peer->peer_auth);
	assert_true(!peer->cert && strcmp(peer->key, "/k") == 0 && strcmp(peer->peer_key, "/p") == 0);
	assert_true(peer->my_id.kind == IKE_ID_ADDRESS && !peer->my_id.len);
	peer = &plan.ike->peer[1];
	assert_true(peer->offer[0].auth == IKE_AUTH_RSA && !peer->peer_auth);
	assert_true(!peer->cert && peer->key && !peer->peer_key && peer->ca[0]);
	peer = &plan.ike->peer[2];
	assert_true(peer->offer[0].auth == IKE_AUTH_RSA && !peer->peer_auth);
	assert_true(peer->cert && peer->peer_key && peer->my_id.kind == IKE_ID_DN);
	peer = &plan.ike->peer[3];
	assert_true(peer->offer[0].auth == IKE_AUTH_RSA && peer->peer_auth == IKE_AUTH_PSK);
	peer = &plan.ike->peer[4];
	assert_true(peer->offer[0].auth == IKE_AUTH_PSK && peer->peer_auth == IKE_AUTH_RSA);
	assert_true(!peer->key && peer->peer_key);
	peer = &plan.ike->peer[5];
	assert_true(peer->key && !peer->cert && peer->peer_cert && peer->my_id.kind == IKE_ID_FQDN);
}

/* Whose certificate it is, is said by which half of the words is there; the secret is for the other side. */
static void test_compile_each_side_proves_itself_in_its_own_way(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};
	const struct ike_peer *peer;

	(void)state;
	good("connection a { remote 192.0.2.2; certificate /c; key /k; secret-file /s; child any = any }\n"
	     "connection b { remote 192.0.2.3; secret-file /s; authority /a; child 10.2.0.0/16 = any }\n"
	     "connection c { remote 192.0.2.4; certificate /c; key /k; authority /a; child 10.3.0.0/16 = any "
	     "}\n"
	     "connection d { remote 192.0.2.5; secret-file /s; child 10.4.0.0/16 = any }\n",
	    &p);
	peer = &p.ike->peer[0];
	assert_true(peer->offer[0].auth == IKE_AUTH_RSA && peer->peer_auth == IKE_AUTH_PSK);
	assert_true(peer->my_id.kind == IKE_ID_DN && peer->cert && !peer->ca[0]);
	peer = &p.ike->peer[1];
	assert_true(peer->offer[0].auth == IKE_AUTH_PSK && peer->peer_auth == IKE_AUTH_RSA);
	assert_true(peer->my_id.kind != IKE_ID_DN && !peer->cert && peer->ca[0]);
	peer = &p.ike->peer[2];
	assert_true(peer->offer[0].auth == IKE_AUTH_RSA && !peer->peer_auth);
	peer = &p.ike->peer[3];
	assert_true(peer->offer[0].auth == IKE_AUTH_PSK && !peer->peer_auth);
}

/* A name has addresses of both families, and the one of the other side's is taken. */
static void test_compile_both_ends_are_of_one_family(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};
	char buf[512];

	(void)state;
	good("connection a { local both.example.org; remote 2001:db8::2; secret-file /s; child local = "
	     "remote }\n"
	     "connection b { local 2001:db8::1; remote both.example.org; secret-file /s; child local = "
	     "remote }\n",
	    &p);
	assert_int_equal(p.n_policies, 4);
	assert_non_null(strstr(policy_text(&p.policy[0], buf), "esp/tunnel/2001:db8::77-2001:db8::2/"));
	assert_non_null(strstr(policy_text(&p.policy[2], buf), "esp/tunnel/2001:db8::1-2001:db8::77/"));
}

/* Nothing of the file needs mending; one fault that stays makes all of it one that does. */
static void test_compile_what_the_network_does_not_know_yet_may_be_tried_again(void **state)
{
	static const char text[] =
	    "connection a { remote later.example.org; secret-file /s; child any = any }\n"
	    "connection b { remote 192.0.2.3; secret-file /s; child any = any }\n";
	struct native_plan p = {0};

	(void)state;
	is_cut_off = true;
	assert_int_equal(compile(text, &p), -EAGAIN);
	assert_null(p.ike);
	assert_string_equal(heard,
	    "f:1:23: connection a: the name later.example.org has no address now: Resource temporarily "
	    "unavailable\n"
	    "f:2:23: connection b: there is no way to its remote: Network is unreachable\n");
	expect_fault("connection a { remote 192.0.2.3; secret-file /s; child any = any }\n"
	             "connection b { remote nobody.example.org; secret-file /s; child any = any }\n",
	    "f:1:23: connection a: there is no way to its remote: Network is unreachable\n"
	    "f:2:23: connection b: the name nobody.example.org has no address now: No such file or "
	    "directory\n");
	is_cut_off = false;
}

static void test_compile_version_2_and_what_is_kept_up(void **state)
{
	AUTO_NATIVE_PLAN struct native_plan p = {0};
	const struct ike_peer *peer;

	(void)state;
	good("connection a { remote 192.0.2.2; secret-file /s; keep up; encap always; child any = any\n"
	     " ike aes256gcm-sha384-ecp384 }\n"
	     "connection b { remote 192.0.2.3; certificate /c; key /k; authority /a; keep respond\n"
	     " child 10.2.0.0/16 = any }\n"
	     "connection c { remote 192.0.2.4; secret-file /s; dpd no; keep up; child 10.3.0.0/16 = any }\n",
	    &p);
	peer = &p.ike->peer[0];
	assert_true(peer->version == 2 && peer->keep_up && !peer->passive && !peer->n_modes);
	assert_true(peer->dpd.delay_s == 10 && peer->dpd.maxfail == 3);
	assert_int_equal(peer->nat_traversal, IKE_FORCE);
	assert_int_equal(peer->n_offers, 1);
	assert_int_equal(peer->offer[0].enc, ALG_ENC_AES_GCM_16);
	assert_int_equal(peer->offer[0].hash, ALG_PRF_HMAC_SHA384);
	assert_int_equal(peer->offer[0].auth, IKE_AUTH_PSK);
	peer = &p.ike->peer[1];
	assert_true(peer->version == 2 && !peer->keep_up && peer->passive);
	assert_true(peer->dpd.delay_s == 30 && peer->dpd.maxfail == 5);
	assert_true(p.ike->peer[2].keep_up && !p.ike->peer[2].dpd.delay_s);
	assert_int_equal(peer->offer[0].auth, IKE_AUTH_RSA);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compile_a_tunnel),
	    cmocka_unit_test(test_compile_transport_between_the_gateways),
	    cmocka_unit_test(test_compile_compression_is_inside),
	    cmocka_unit_test(test_compile_every_pair_that_can_meet),
	    cmocka_unit_test(test_compile_children_of_version_2_go_together),
	    cmocka_unit_test(test_compile_too_many_selectors_stay_apart),
	    cmocka_unit_test(test_compile_plain_policies_come_first),
	    cmocka_unit_test(test_compile_a_range_is_its_prefixes),
	    cmocka_unit_test(test_compile_whoever_comes),
	    cmocka_unit_test(test_compile_what_cannot_be_done_is_told_all_at_once),
	    cmocka_unit_test(test_compile_each_side_proves_itself_in_its_own_way),
	    cmocka_unit_test(test_compile_children_that_carry_nothing),
	    cmocka_unit_test(test_compile_keys_without_certificates),
	    cmocka_unit_test(test_compile_both_ends_are_of_one_family),
	    cmocka_unit_test(test_compile_what_the_network_does_not_know_yet_may_be_tried_again),
	    cmocka_unit_test(test_compile_version_2_and_what_is_kept_up),
	};
	struct err_text e = {""};

	if (secret_init(1 << 16, &e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		return 2;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
