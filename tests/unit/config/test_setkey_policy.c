/*
 * Policy statements that are right: selectors, and every spelling of the text behind -P.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "support/setkey_rig.h"

static struct setkey_rig rig;

/* `before`, `part` and `;` make the statement. */
static const struct policy *read_between(const char *before, const char *part, const char *behind)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s %s%s;", before, part, behind);
	setkey_rig_read(&rig, text);
	if (rig.code != 0 || rig.n != 1 || rig.n_errors)
		fail_msg("%s\n%s", text, rig.messages);
	return &rig.stmts[0].policy;
}

static const struct policy *read_policy(const char *text)
{
	return read_between("spdadd 192.0.2.1 192.0.2.2 any -P", text, "");
}

static const struct policy *read_policy_6(const char *text)
{
	return read_between("spdadd 2001:db8::1 2001:db8::2 any -P", text, "");
}

static const struct selector *read_selector(const char *text)
{
	return &read_between("spdadd", text, " -P in none")->sel;
}

static void print_request(const struct policy_request *q, char *buf, size_t room)
{
	char src[INET_ADDR_STRLEN], dst[INET_ADDR_STRLEN];

	snprintf(buf, room, "%s/%s/%s-%s/%s:%u", ipsec_proto_name(q->proto), ipsec_mode_name(q->mode),
	    inet_addr_format(&q->src, src), inet_addr_format(&q->dst, dst), policy_level_name(q->level),
	    q->reqid);
}

static void test_request_every_spelling(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"esp/tunnel/10.0.0.1-10.0.0.2/require", "esp/tunnel/10.0.0.1-10.0.0.2/require:0"},
	    {"esp/tunnel/10.0.0.1-10.0.0.2/", "esp/tunnel/10.0.0.1-10.0.0.2/default:0"},
	    {"esp/tunnel/10.0.0.1-10.0.0.2", "esp/tunnel/10.0.0.1-10.0.0.2/default:0"},
	    {"ah/transport/", "ah/transport/none-none/default:0"},
	    {"ah/transport//", "ah/transport/none-none/default:0"},
	    {"ah/transport//use", "ah/transport/none-none/use:0"},
	    {"ah/transport", "ah/transport/none-none/default:0"},
	    {"ipcomp/transport//default", "ipcomp/transport/none-none/default:0"},
	    {"esp/transport//unique", "esp/transport/none-none/unique:0"},
	    {"esp/transport//unique:1", "esp/transport/none-none/unique:1"},
	    {"esp/transport//unique:32767", "esp/transport/none-none/unique:32767"},
	    {"esp/transport//unique:0", "esp/transport/none-none/unique:0"},
	    {"esp/transport/10.0.0.1-10.0.0.2/use", "esp/transport/10.0.0.1-10.0.0.2/use:0"},
	    {"esp/transport/me-any/require", "esp/transport/none-none/require:0"},
	    {"esp / transport / / use", "esp/transport/none-none/use:0"},
	    {"esp\n/\ttransport\n/ 10.0.0.1\n-\n10.0.0.2 # comment ; \" here\n / use",
	        "esp/transport/10.0.0.1-10.0.0.2/use:0"},
	    {"esp/tunnel/2001:db8::1-2001:db8::2/require", "esp/tunnel/2001:db8::1-2001:db8::2/require:0"},
	    {"esp/tunnel/::1-::2", "esp/tunnel/::1-::2/default:0"},
	    {"esp/tunnel/10.0.0.1[0]-10.0.0.2[0]/use", "esp/tunnel/10.0.0.1-10.0.0.2/use:0"},
	    {"ah/tunnel/10.0.0.1[0]-10.0.0.2[0]/use", "ah/tunnel/10.0.0.1-10.0.0.2/use:0"},
	    {"\\\nesp/transport\\\r\n//use", "esp/transport/none-none/use:0"},
	};
	char text[256], got[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy *p;

		snprintf(text, sizeof(text), "out ipsec %s", cases[i].text);
		p = read_policy(text);
		assert_int_equal(p->n_requests, 1);
		print_request(&p->req[0], got, sizeof(got));
		assert_string_equal(got, cases[i].want);
		assert_int_equal(rig.n_warnings, 0);
	}
}

/* The rows of stats-and-libipsec.md 8.1 that a policy of the SPD can have. */
static void test_policy_acceptance_table(void **state)
{
	static const struct {
		const char *text;
		bool six;
		enum policy_dir dir;
		enum policy_action action;
		uint8_t n;
		unsigned warnings;
	} cases[] = {
	    {"out ipsec", false, POLICY_OUT, POLICY_IPSEC, 0, 1},
	    {"out discard", false, POLICY_OUT, POLICY_DISCARD, 0, 0},
	    {"out none", false, POLICY_OUT, POLICY_PASS, 0, 0},
	    {"in discard", false, POLICY_IN, POLICY_DISCARD, 0, 0},
	    {"fwd none", false, POLICY_FWD, POLICY_PASS, 0, 0},
	    {"in ipsec ah/transport", false, POLICY_IN, POLICY_IPSEC, 1, 0},
	    {"out ipsec ah/transport/", false, POLICY_OUT, POLICY_IPSEC, 1, 0},
	    {"out ipsec ah/transport//use", false, POLICY_OUT, POLICY_IPSEC, 1, 0},
	    {"out ipsec esp/transport/fec0::10-fec0::11/use", true, POLICY_OUT, POLICY_IPSEC, 1, 0},
	    {"in ipsec esp / transport / 10.0.0.1-10.0.0.2", false, POLICY_IN, POLICY_IPSEC, 1, 0},
	    {"in ipsec esp/tunnel/::1-::2", true, POLICY_IN, POLICY_IPSEC, 1, 0},
	    {"in ipsec esp/tunnel/::1-::2/require", true, POLICY_IN, POLICY_IPSEC, 1, 0},
	    {"in ipsec ah/transport esp/tunnel/::1-::1", true, POLICY_IN, POLICY_IPSEC, 2, 0},
	    {"in ipsec\nah/transport\nesp/tunnel/::1-::1\n", true, POLICY_IN, POLICY_IPSEC, 2, 0},
	    {"in ipsec ah/transport esp/transport ah/transport/ esp/tunnel/::1-::1/ ah/transport//use "
	     "esp/transport "
	     "ah/tunnel/::1-::2/require ipcomp/transport//use esp/tunnel/::3-::4",
	        true, POLICY_IN, POLICY_IPSEC, 9, 0},
	    {"out ipsec esp/tunnel/10.1.1.2-10.1.1.1/use", false, POLICY_OUT, POLICY_IPSEC, 1, 0},
	    {"in ipsec ipcomp/transport//use\nesp/transport//use", false, POLICY_IN, POLICY_IPSEC, 2, 0},
	    {"in ipsec esp/transport/any-me/require", false, POLICY_IN, POLICY_IPSEC, 1, 0},
	    {"out none esp/transport//use", false, POLICY_OUT, POLICY_PASS, 0, 1},
	    {"in discard esp/transport//use ah/transport//use", false, POLICY_IN, POLICY_DISCARD, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy *p =
		    cases[i].six ? read_policy_6(cases[i].text) : read_policy(cases[i].text);

		assert_int_equal(p->dir, cases[i].dir);
		assert_int_equal(p->action, cases[i].action);
		assert_int_equal(p->n_requests, cases[i].n);
		assert_int_equal(rig.n_warnings, cases[i].warnings);
	}
}

/* Both may stand in front of -P, in any order; the last of each counts. */
static void test_policy_lifetimes(void **state)
{
	static const struct {
		const char *text;
		uint32_t life, valid;
	} cases[] = {
	    {"", 0, 0},
	    {"-lh 3600", 3600, 0},
	    {"-lv 60", 0, 60},
	    {"-lv 60 -lh 3600", 3600, 60},
	    {"-lh 1 -lh 4294967295 -lv 0", UINT32_MAX, 0},
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy *p;

		snprintf(text, sizeof(text), "192.0.2.1 192.0.2.2 tcp %s", cases[i].text);
		p = read_between("spdadd", text, " -P fwd discard");
		assert_int_equal(p->lifetime_s, cases[i].life);
		assert_int_equal(p->validtime_s, cases[i].valid);
		assert_false(p->in_only);
		p = read_between("spddelete", text, " -P fwd");
		assert_int_equal(p->lifetime_s | p->validtime_s, 0);
	}
}

static void test_request_ports_of_endpoints(void **state)
{
	static const struct {
		const char *text;
		uint16_t src, dst;
	} cases[] = {
	    {"esp/tunnel/10.0.0.1[4500]-10.0.0.2[4500]/require", 4500, 4500},
	    {"esp/tunnel/10.0.0.1 [ 1 ] - 10.0.0.2 [ 65535 ] / use", 1, 65535},
	    {"esp/transport/10.0.0.1[4500]-10.0.0.2[7]", 4500, 7},
	    {"esp/tunnel/2001:db8::1[4500]-2001:db8::2[4500]/unique:9", 4500, 4500},
	    {"esp/tunnel/10.0.0.1[0]-10.0.0.2[0]/require", 0, 0},
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy *p;

		snprintf(text, sizeof(text), "out ipsec %s", cases[i].text);
		p = read_policy(text);
		assert_int_equal(p->req[0].src_port, cases[i].src);
		assert_int_equal(p->req[0].dst_port, cases[i].dst);
	}
}

/* The originals' own tests have nine; the order is the one of the text. */
static void test_policy_bundle_of_ten(void **state)
{
	static const enum ipsec_proto protos[] = {IPSEC_IPCOMP, IPSEC_ESP, IPSEC_AH};
	char text[1024] = "out ipsec";
	const struct policy *p;

	(void)state;
	for (unsigned i = 0; i < POLICY_REQUESTS_MAX; i++)
		sprintf(text + strlen(text), "\n%s/tunnel/10.0.0.%u-10.0.1.%u/unique:%u",
		    ipsec_proto_name(protos[i % 3]), i, i, i + 1);
	p = read_policy(text);
	assert_int_equal(p->n_requests, POLICY_REQUESTS_MAX);
	for (unsigned i = 0; i < POLICY_REQUESTS_MAX; i++) {
		assert_int_equal(p->req[i].proto, protos[i % 3]);
		assert_int_equal(p->req[i].reqid, i + 1);
		assert_int_equal(p->req[i].src.b[3], i);
	}
}

static void test_policy_priorities(void **state)
{
	static const struct {
		const char *text;
		int32_t want;
	} cases[] = {
	    {"out none", 0},
	    {"out prio 5 none", 5},
	    {"out priority -5 none", -5},
	    {"out prio - 5 none", -5},
	    {"out prio 2147483647 none", INT32_MAX},
	    {"out prio low none", -1073741824},
	    {"out prio def none", 0},
	    {"out prio high none", 1073741824},
	    {"out prio high+5 none", 1073741829},
	    {"out priority high - 5 none", 1073741819},
	    {"out prio low-1073741823 none", -2147483647},
	    {"out prio high + 1073741824 none", INT32_MAX},
	    {"out prio def + 7 ipsec esp/transport//use", 7},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(read_policy(cases[i].text)->priority, cases[i].want);
}

static void test_selector_every_form(void **state)
{
	static const struct {
		const char *text;
		uint8_t src_plen, dst_plen;
		uint16_t proto, sport, dport;
		bool misc;
	} cases[] = {
	    {"192.0.2.1 192.0.2.2 any", 32, 32, IPPROTO_ANY_, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 all", 32, 32, IPPROTO_ANY_, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 255", 32, 32, IPPROTO_ANY_, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 0", 32, 32, 0, 0, 0, false},
	    {"0.0.0.0/0 192.0.2.2/31 tcp", 0, 31, 6, 0, 0, false},
	    {"192.0.2.1[any] 192.0.2.2[0] 6", 32, 32, 6, 0, 0, false},
	    {"192.0.2.0/24[80] 192.0.2.2[65535] tcp", 24, 32, 6, 80, 65535, false},
	    {"192.0.2.0/24 [ http ] 192.0.2.2[domain] tcp", 24, 32, 6, 80, 53, false},
	    {"192.0.2.1[ike] 192.0.2.2[ike] udp", 32, 32, 17, 500, 500, false},
	    {"192.0.2.1[ike] 192.0.2.2[53] any", 32, 32, IPPROTO_ANY_, 500, 53, false},
	    {"::/0 2001:db8::/127 udp", 0, 127, 17, 0, 0, false},
	    {"hostA DNSserver[domain] udp", 32, 32, 17, 0, 53, false},
	    {"-6 dual six tcp", 128, 128, 6, 0, 0, false},
	    {"-4 twice 192.0.2.2 tcp", 32, 32, 6, 0, 0, false},
	    {"-n -4 192.0.2.1 192.0.2.2 tcp", 32, 32, 6, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 esp", 32, 32, 50, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 ah", 32, 32, 51, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 ipcomp", 32, 32, 108, 0, 0, false},
	    {"esp ah esp", 32, 32, 50, 0, 0, false},
	    {"get all ah", 32, 32, 51, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 icmp", 32, 32, 1, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 icmp 0,0", 32, 32, 1, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 icmp 8", 32, 32, 1, 8, 0, true},
	    {"192.0.2.1 192.0.2.2 icmp 8,0", 32, 32, 1, 8, 0, true},
	    {"192.0.2.1[7] 192.0.2.2[9] icmp 3 , 4", 32, 32, 1, 3, 4, true},
	    {"192.0.2.1[http] 192.0.2.2[domain] icmp 8,0", 32, 32, 1, 8, 0, true},
	    {"::1 ::2 icmp6 135,0", 128, 128, 58, 135, 0, true},
	    {"::1 ::2 ipv6-icmp 255,255", 128, 128, 58, 255, 255, true},
	    {"::1 ::2 58 135", 128, 128, 58, 135, 0, true},
	    {"::1 ::2 mh 5,0", 128, 128, 135, 5, 0, true},
	    {"192.0.2.1 192.0.2.2 gre", 32, 32, 47, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 gre 4294967295", 32, 32, 47, 0xffff, 0xffff, true},
	    {"192.0.2.1 192.0.2.2 gre 65537", 32, 32, 47, 1, 1, true},
	    {"192.0.2.1 192.0.2.2 gre 1.2.3.4", 32, 32, 47, 0x0102, 0x0304, true},
	    {"192.0.2.1 192.0.2.2 ip4", 32, 32, 4, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 ospf -lh 1", 32, 32, 89, 0, 0, false},
	    {"192.0.2.1 192.0.2.2 icmp 8 -lh 1 -lv 2", 32, 32, 1, 8, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct selector *s = read_selector(cases[i].text);

		assert_int_equal(s->src.plen, cases[i].src_plen);
		assert_int_equal(s->dst.plen, cases[i].dst_plen);
		assert_int_equal(s->proto, cases[i].proto);
		assert_int_equal(s->sport, cases[i].sport);
		assert_int_equal(s->dport, cases[i].dport);
		assert_int_equal(s->misc, cases[i].misc);
	}
}

static void test_selector_keeps_host_bits_as_typed(void **state)
{
	char text[INET_PREFIX_STRLEN];

	(void)state;
	assert_string_equal(
	    inet_prefix_format(&read_selector("192.0.2.77/24 192.0.2.2 any")->src, text), "192.0.2.77/24");
}

/* S44: the guide writes `all` where KAME has `any`. */
static void test_S44_all_is_any(void **state)
{
	struct selector any = *read_selector("192.0.2.1 192.0.2.2 any");

	(void)state;
	assert_true(selector_equal(&any, read_selector("192.0.2.1 192.0.2.2 all")));
}

static void test_spddelete_needs_only_a_direction(void **state)
{
	(void)state;
	read_between("spddelete 192.0.2.1 192.0.2.2 any -P", "out", "");
	assert_int_equal(rig.stmts[0].verb, SETKEY_SPDDELETE);
	assert_int_equal(rig.stmts[0].policy.dir, POLICY_OUT);
	read_between("spddelete 192.0.2.1 192.0.2.2 any -P", "in ipsec esp/transport//require", "");
	assert_int_equal(rig.stmts[0].policy.n_requests, 0);
	read_between("spdupdate 192.0.2.1 192.0.2.2 any -P", "in none", "");
	assert_int_equal(rig.stmts[0].verb, SETKEY_SPDUPDATE);
}

static void test_policy_warnings_say_what_happens(void **state)
{
	(void)state;
	read_policy("out ipsec");
	assert_string_equal(rig.messages, "f:1:39: WARNING: ipsec without a request protects nothing: these "
	                                  "packets pass in clear at [ipsec]\n");
	read_between("spdadd 192.0.2.1 192.0.2.2 any -lv 5 -P", "in none", "");
	assert_string_equal(rig.messages,
	    "f:1:44: WARNING: the kernel keeps no times for packets that pass or are "
	    "dropped: the seconds of -lv count from now at [none]\n");
	read_between("spdadd 192.0.2.1 192.0.2.2 any -lv 5 -P", "in ipsec esp/transport//use", "");
	assert_string_equal(rig.messages, "");
	read_policy("out none esp/transport//use");
	assert_string_equal(
	    rig.messages, "f:1:44: WARNING: requests behind none or discard are ignored at [esp]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request_every_spelling),
	    cmocka_unit_test(test_policy_acceptance_table),
	    cmocka_unit_test(test_policy_lifetimes),
	    cmocka_unit_test(test_request_ports_of_endpoints),
	    cmocka_unit_test(test_policy_bundle_of_ten),
	    cmocka_unit_test(test_policy_priorities),
	    cmocka_unit_test(test_selector_every_form),
	    cmocka_unit_test(test_selector_keeps_host_bits_as_typed),
	    cmocka_unit_test(test_S44_all_is_any),
	    cmocka_unit_test(test_spddelete_needs_only_a_direction),
	    cmocka_unit_test(test_policy_warnings_say_what_happens),
	};
	int r;

	setkey_rig_init(&rig);
	r = cmocka_run_group_tests_name("config/setkey policies", tests, NULL, NULL);
	setkey_rig_fini(&rig);
	return r;
}
