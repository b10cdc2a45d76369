/*
 * A racoon.conf with setkey's policies, converted, read and compiled again: the same model where it is
 * carried, and a name and a place for everything else.
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

#include "base/rng.h"
#include "config/convert/convert.h"
#include "config/native/compile.h"
#include "config/racoon/racoon.h"
#include "support/setkey_rig.h"

enum { TEXT = 16384, POLICIES = 64, ROUNDS = 300 };

static const char *guide_dir;
static char said[TEXT];
static struct setkey_rig rig;
static struct convert_policy policies[POLICIES];

static void quiet(void *arg, bool is_error, const char *text)
{
	(void)arg;
	if (is_error)
		fail_msg("%s", text);
}

static void silent(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static void hear(void *arg, enum convert_fate fate, const char *file, uint32_t line, const char *text)
{
	size_t n = strlen(said);

	(void)arg;
	snprintf(said + n, sizeof(said) - n, "%s:%u: %s: %s\n", file, line,
	    fate == CONVERT_DROPPED ? "dropped" : "approximated", text);
}

static void refuse(void *arg, const struct native_note *note)
{
	if (note->is_error)
		fail_msg("%u:%u: %s\n%s", note->line, note->column, note->text, (const char *)arg);
}

static int resolve(void *arg, const char *name, enum inet_family family, struct inet_addr *ret)
{
	(void)arg;
	(void)name;
	(void)family;
	(void)ret;
	return -ENOENT;
}

static int source(void *arg, const struct inet_addr *to, struct inet_addr *ret)
{
	(void)arg;
	(void)to;
	(void)ret;
	return -ENETUNREACH;
}

static const struct native_host_facts host = {.resolve = resolve, .source = source};

struct both {
	struct ike_conf *ike;
	struct native_plan plan;
	struct sbuf text;
	uint32_t n_policies;
};

static void both_fini(struct both *b)
{
	ike_conf_free(b->ike);
	native_plan_fini(&b->plan);
	sbuf_fini(&b->text);
}
#define AUTO_BOTH AUTO(both_fini)

static void convert(const char *racoon, const char *setkey, struct both *ret)
{
	const struct racoon_options o = {.say = quiet};
	AUTO_RC_TREE struct rc_tree *tree = NULL;
	AUTO_NATIVE_CONF struct native_conf *c = NULL;
	struct convert_input in;

	said[0] = '\0';
	*ret = (struct both){0};
	assert_int_equal(racoon_read_text("r", racoon, strlen(racoon), &o, &ret->ike), 0);
	assert_int_equal(rc_tree_parse("r", racoon, strlen(racoon), silent, NULL, &tree), 0);
	setkey_rig_init(&rig);
	setkey_rig_read(&rig, setkey);
	assert_int_equal(rig.n_errors, 0);
	for (size_t i = 0; i < rig.n; i++)
		if (rig.stmts[i].verb == SETKEY_SPDADD)
			policies[ret->n_policies++] = (struct convert_policy){
			    .p = rig.stmts[i].policy, .file = "s", .line = rig.stmts[i].at.line};
	in = (struct convert_input){ret->ike, tree, policies, ret->n_policies};
	assert_int_equal(convert_write(&in, &ret->text, hear, NULL), 0);

	const struct native_options no = {.say = refuse, .arg = (void *)(uintptr_t)sbuf_str(&ret->text)};
	const struct native_text t = {
	    .p = (char *)(uintptr_t)sbuf_str(&ret->text), .n = ret->text.len, .mode = 0600};

	assert_int_equal(native_read_text("n", &t, &no, &c), 0);
	assert_int_equal(native_compile(c, &host, refuse, no.arg, &ret->plan), 0);
}

/* --- a random file, of what can be carried --- */

#define PICK(rng, list) list[rng_below(rng, ARRAY_SIZE(list))]

static unsigned add_remote(struct rng *rng, unsigned i, char *to, size_t room)
{
	static const char *const modes[] = {"main", "aggressive"},
	                         *const ids[] = {"", "my_identifier fqdn \"a.example.org\";",
	                             "my_identifier user_fqdn \"joe@example.org\";",
	                             "my_identifier address 192.0.2.77;",
	                             "my_identifier keyid tag \"office\";"};
	static const char *const ciphers[] = {"aes 256", "aes 192", "aes", "3des", "camellia 128"};
	static const char *const hashes[] = {"sha1", "sha256", "sha512", "md5"};
	static const unsigned groups[] = {2, 5, 14, 15, 16};
	static const char *const nat[] = {
	    "", "nat_traversal on;", "nat_traversal force;", "nat_traversal off;"};
	unsigned n = 1 + rng_below(rng, 3), life = 5 + rng_below(rng, 1400), group = PICK(rng, groups);
	unsigned at = (unsigned)snprintf(to, room,
	    "remote 192.0.2.%u { exchange_mode %s; %s %s %s dpd_delay %u; dpd_maxfail %u; %s lifetime time "
	    "%u min;\n",
	    i, PICK(rng, modes), PICK(rng, ids), rng_below(rng, 2) ? "passive on;" : "", PICK(rng, nat),
	    rng_below(rng, 2) * 20, 1 + rng_below(rng, 9),
	    rng_below(rng, 2) ? "verify_identifier on; peers_identifier fqdn \"peer.example.org\";" : "",
	    life);

	while (n--)
		at += (unsigned)snprintf(to + at, room - at,
		    " proposal { encryption_algorithm %s; hash_algorithm %s; authentication_method "
		    "pre_shared_key; dh_group "
		    "%u; }\n",
		    PICK(rng, ciphers), PICK(rng, hashes), group);
	return at + (unsigned)snprintf(to + at, room - at, "}\n");
}

static unsigned add_sainfo(struct rng *rng, const char *who, char *to, size_t room)
{
	static const char *const enc[] = {
	    "aes 256, aes 128", "aes", "3des, aes 192", "aes_gcm_16 256, aes 256", "null_enc"};
	static const char *const auth[] = {"hmac_sha1", "hmac_sha256, hmac_md5", "hmac_sha512"};
	static const char *const more[] = {"", "pfs_group 2;", "pfs_group 14;", "lifetime byte 500 MB;"};

	return (unsigned)snprintf(to, room,
	    "sainfo %s { %s lifetime time %u min; encryption_algorithm %s; authentication_algorithm %s; "
	    "compression_algorithm deflate; }\n",
	    who, PICK(rng, more), 2 + rng_below(rng, 600), PICK(rng, enc), PICK(rng, auth));
}

static unsigned add_policies(struct rng *rng, unsigned i, char *to, size_t room)
{
	static const char *const upper[] = {"any", "tcp", "udp"}, *const levels[] = {"require", "unique"};
	const char *u = PICK(rng, upper), *l = PICK(rng, levels);
	bool tunnel = rng_below(rng, 2), comp = rng_below(rng, 3) == 0;
	bool ah = rng_below(rng, 4) == 0 && !(tunnel && comp); /* which has no word */
	char mine[40], theirs[40], out[120], in[120];

	snprintf(mine, sizeof(mine), tunnel ? "10.%u.0.0/16" : "192.0.2.200", i);
	snprintf(theirs, sizeof(theirs), tunnel ? "10.1%02u.0.0/16" : "192.0.2.%u", i);
	for (unsigned k = 0; k < 2; k++) {
		char ends[60] = "";

		if (tunnel)
			snprintf(
			    ends, sizeof(ends), k ? "192.0.2.%u-192.0.2.200" : "192.0.2.200-192.0.2.%u", i);
		snprintf(k ? in : out, sizeof(out),
		    comp ? "ipcomp/%s/%s/use %s/transport//%s" : "%.0s%.0s%s/%s/%s/%s",
		    comp ? (tunnel ? "tunnel" : "transport") : "", comp ? ends : "", ah ? "ah" : "esp",
		    comp     ? l
		    : tunnel ? "tunnel"
		             : "transport",
		    comp ? "" : ends, comp ? "" : l);
	}
	return (unsigned)snprintf(to, room,
	    "spdadd %s %s %s -P out ipsec %s;\nspdadd %s %s %s -P in ipsec %s;\n", mine, theirs, u, out,
	    theirs, mine, u, in);
}

/* --- compared --- */

static const struct ike_peer *peer_at(const struct ike_conf *c, const struct inet_addr *a)
{
	const struct ike_peer *p = ike_conf_find_peer(c, a);

	assert_non_null(p);
	return p;
}

static uint16_t bits_of(enum alg_enc id, uint16_t bits)
{
	const struct alg_enc_info *a = alg_enc_by_id(id);

	return bits || a->key_min == a->key_max ? bits : 128;
}

static void same_peer(const struct ike_peer *was, const struct ike_peer *is)
{
	assert_int_equal(is->version, 1);
	assert_int_equal(is->mode[0], was->mode[0]);
	assert_true(ike_id_equal(&is->my_id, &was->my_id));
	assert_int_equal(is->verify_identifier, was->verify_identifier);
	assert_int_equal(is->passive, was->passive);
	assert_int_equal(is->nat_traversal, was->nat_traversal);
	assert_int_equal(is->dpd.delay_s, was->dpd.delay_s);
	assert_true(!was->dpd.delay_s || is->dpd.maxfail == was->dpd.maxfail);
	assert_int_equal(is->n_offers, was->n_offers);
	for (uint8_t i = 0; i < is->n_offers; i++) {
		const struct ike_offer *a = &was->offer[i], *b = &is->offer[i];

		assert_true(a->enc == b->enc &&
		            bits_of(a->enc, a->key_bits) == bits_of(b->enc, b->key_bits) &&
		            a->hash == b->hash && a->group == b->group && a->auth == b->auth &&
		            a->seconds == b->seconds);
	}
	for (uint8_t i = 0; was->verify_identifier && i < was->n_peer_ids; i++)
		assert_true(ike_id_equal(&is->peer_id[i], &was->peer_id[i]));
}

static void same_child(const struct ike_child *was, const struct ike_child *is, bool ah)
{
	assert_int_equal(is->pfs, was->pfs);
	assert_true(is->seconds == was->seconds && is->bytes == was->bytes);
	assert_int_equal(is->n_enc, ah ? 0 : was->n_enc);
	for (uint8_t i = 0; i < is->n_enc; i++)
		assert_true(
		    is->enc[i].id == was->enc[i].id && bits_of(is->enc[i].id, is->enc[i].key_bits) ==
		                                           bits_of(was->enc[i].id, was->enc[i].key_bits));
	assert_int_equal(is->n_auth, was->n_auth);
	for (uint8_t i = 0; i < is->n_auth; i++)
		assert_int_equal(is->auth[i].id, was->auth[i].id);
}

/* The one child of a random file's peer, in either configuration. */
static const struct ike_child *child_at(
    const struct ike_conf *c, const struct ike_peer *p, const struct policy *q)
{
	for (uint32_t i = 0; i < c->n_children; i++) {
		const struct ike_side *s = &c->child[i].local;
		bool fits = s->kind == IKE_SIDE_ANY ||
		            (inet_addr_equal(&s->first, &q->sel.src.addr) && s->proto == q->sel.proto);

		if ((!c->child[i].remoteid || c->child[i].remoteid == p->ph1id) && fits)
			return &c->child[i];
	}
	return NULL;
}

static void same_policy(const struct policy *was, const struct native_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_policies; i++) {
		const struct policy *p = &plan->policy[i];

		if (p->dir != was->dir || !selector_equal(&p->sel, &was->sel))
			continue;
		assert_int_equal(p->n_requests, was->n_requests);
		for (uint8_t k = 0; k < p->n_requests; k++)
			assert_true(p->req[k].proto == was->req[k].proto &&
			            p->req[k].mode == was->req[k].mode &&
			            inet_addr_equal(&p->req[k].src, &was->req[k].src) &&
			            inet_addr_equal(&p->req[k].dst, &was->req[k].dst));
		return;
	}
	fail_msg("a policy is not there again");
}

static void compare(const struct both *b, unsigned n_remotes)
{
	assert_int_equal(b->plan.n_policies, b->n_policies);
	assert_int_equal(b->plan.ike->n_peers, n_remotes);
	for (uint32_t i = 0; i < b->n_policies; i++) {
		const struct policy *p = &policies[i].p;
		const struct inet_addr *far =
		    p->req[0].mode == IPSEC_TUNNEL ? &p->req[0].dst : &p->sel.dst.addr;
		const struct ike_child *was, *is;

		same_policy(p, &b->plan);
		if (p->dir != POLICY_OUT)
			continue;
		same_peer(peer_at(b->ike, far), peer_at(b->plan.ike, far));
		was = child_at(b->ike, peer_at(b->ike, far), p);
		is = child_at(b->plan.ike, peer_at(b->plan.ike, far), p);
		assert_true(was && is);
		same_child(was, is, p->req[p->n_requests - 1].proto == IPSEC_AH);
	}
}

static void test_convert_random_files_come_back(void **state)
{
	struct rng_seeded rng;
	char r[TEXT], s[TEXT];

	(void)state;
	rng_seeded_init(&rng, 11);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned n = 1 + rng_below(&rng.rng, 6), at, to = 0;
		AUTO_BOTH struct both b;

		at = (unsigned)snprintf(r, sizeof(r), "path pre_shared_key \"/etc/psk.txt\";\n");
		for (unsigned i = 1; i <= n; i++) {
			at += add_remote(&rng.rng, i, r + at, sizeof(r) - at);
			to += add_policies(&rng.rng, i, s + to, sizeof(s) - to);
		}
		at += add_sainfo(&rng.rng, "anonymous", r + at, sizeof(r) - at);
		convert(r, s, &b);
		if (said[0])
			fail_msg("%s\n%s\n%s", said, r, s);
		compare(&b, n);
	}
}

/* --- the guide's own, and what is told --- */

static void slurp(const char *name, char to[TEXT])
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", guide_dir, name);
	f = fopen(path, "re");
	assert_non_null(f);
	to[fread(to, 1, TEXT - 1, f)] = '\0';
	fclose(f);
}

static void test_convert_the_guide(void **state)
{
	static const char *const hosts[] = {"elmer", "relent"}, *const ways[] = {"psk", "cert"};
	char name[64], r[TEXT], s[TEXT];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		AUTO_BOTH struct both b;

		snprintf(name, sizeof(name), "%s-%s.racoon.conf", ways[i % 2], hosts[i / 2]);
		slurp(name, r);
		snprintf(name, sizeof(name), "ike-%s.ipsec.conf", hosts[i / 2]);
		slurp(name, s);
		convert(r, s, &b);
		assert_int_equal(b.plan.ike->n_peers, 1);
		assert_int_equal(b.plan.ike->peer[0].mode[0], IKE_MODE_AGGRESSIVE);
		assert_int_equal(b.plan.ike->peer[0].offer[0].auth, i % 2 ? IKE_AUTH_RSA : IKE_AUTH_PSK);
		assert_int_equal(b.plan.ike->child[0].seconds, 36000);
		assert_int_equal(b.plan.n_policies, 2);
		assert_non_null(strstr(said, "dropped: log: "));
		assert_non_null(strstr(said, "approximated: remote proposal_check: "));
		assert_null(strstr(said, "sainfo"));
	}
}

/* Everything that has no word, by its name and line. */
static void test_convert_says_what_it_leaves_out(void **state)
{
	AUTO_BOTH struct both b;

	(void)state;
	convert("path pre_shared_key \"/k\";\n"
	        "timer { counter 3; }\n"
	        "remote 192.0.2.1 {\n"
	        " exchange_mode base, main;\n"
	        " rekey off;\n"
	        " initial_contact on;\n"
	        " lifetime time 1 min;\n"
	        " proposal { encryption_algorithm aes 256; hash_algorithm sha256; authentication_method "
	        "pre_shared_key; dh_group 14; }\n"
	        "}\n"
	        "remote 192.0.2.2 {\n"
	        " exchange_mode main;\n"
	        " proposal { encryption_algorithm aes 256; hash_algorithm sha256; authentication_method "
	        "pre_shared_key; dh_group 14; }\n"
	        "}\n"
	        "sainfo anonymous { encryption_algorithm aes 256; authentication_algorithm hmac_sha256; "
	        "compression_algorithm deflate; lifetime time 10 sec; }\n",
	    "spdadd 10.1.0.0/16 10.2.0.0/16 any -P out prio high ipsec esp/tunnel/192.0.2.9-192.0.2.1/use;\n"
	    "spdadd 10.1.0.0/16 10.2.1.0/24 any -P out none;\n"
	    "spdadd 10.1.0.0/16 10.3.0.0/16 any -P out ipsec esp/transport//require "
	    "ah/tunnel/192.0.2.9-192.0.2.1/require;\n"
	    "spdadd 10.4.0.0/16 10.5.0.0/16 any -P in ipsec esp/tunnel/192.0.2.1-192.0.2.9/require;\n"
	    "spdadd 10.1.0.0/16 10.6.0.0/16 any -P out ipsec esp/tunnel/192.0.2.9-192.0.2.33/require;\n",
	    &b);
	assert_string_equal(said,
	    "s:2: approximated: spdadd: it is tried before connections here, and stood behind an ipsec "
	    "policy for some of "
	    "the same packets\n"
	    "s:1: approximated: spdadd: a priority: the order of the file counts\n"
	    "s:1: approximated: spdadd: level use or default: packets are always protected\n"
	    "s:1: approximated: spdadd: there is no `in` for it: packets back are protected too\n"
	    "r:14: approximated: sainfo lifetime: 2 minutes to 7 days are possible\n"
	    "r:3: approximated: remote 192.0.2.1: exchange_mode: one mode is begun and answered, main or "
	    "aggressive\n"
	    "r:3: approximated: remote 192.0.2.1: lifetime: 5 minutes to a day are possible\n"
	    "s:3: dropped: spdadd: a child has ESP or AH, compression inside of it, and two ends: this one "
	    "is something "
	    "else\n"
	    "s:5: dropped: spdadd: no remote is for its peer: it was for keys set by hand\n"
	    "r:10: dropped: remote 192.0.2.2: no policy is with it\n"
	    "s:4: dropped: spdadd: an `in` or `fwd` without an `out` that is its mirror has no word\n"
	    "r:2: dropped: timer: repetitions have their usual times\n"
	    "r:5: dropped: remote rekey: IKE SAs are renewed while they are used\n");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_convert_random_files_come_back),
	    cmocka_unit_test(test_convert_the_guide),
	    cmocka_unit_test(test_convert_says_what_it_leaves_out),
	};

	if (argc != 2)
		return 2;
	guide_dir = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
