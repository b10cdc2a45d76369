/*
 * setkey's blocks, to the byte. test_roundtrip.c has the way back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/rng.h"
#include "cli/dump/dump.h"
#include "cli/dump/stamp.h"
#include "support/random_ipsec.h"
#include "support/setkey_rig.h"

static const struct dump_style plain = {.now_wall_ms = 1741000600000, .pid = 4711};

static struct setkey_rig rig;

static char *sa_text(
    const struct sa_desc *d, const struct sa_status *s, uint32_t seq, const struct dump_style *style)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	dump_sa(f, d, s, seq, style);
	fclose(f);
	return text;
}

static char *policy_text(const struct policy *p, uint32_t seq, const struct dump_style *style)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	dump_policy(f, p, seq, style);
	fclose(f);
	return text;
}

static struct sa_desc reference_sa(void)
{
	static const uint8_t enc[24] = "0123456789abcdefghijklmn";
	static const uint8_t auth[20] = {
	    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
	struct sa_desc d = {.proto = IPSEC_ESP,
	    .spi = 65537,
	    .mode = IPSEC_TUNNEL,
	    .reqid = 7,
	    .replay_bytes = 4,
	    .flags = SA_F_CYCLIC,
	    .enc = ALG_ENC_3DES_CBC,
	    .auth = ALG_AUTH_HMAC_SHA1,
	    .enc_key = enc,
	    .auth_key = auth,
	    .enc_key_len = 24,
	    .auth_key_len = 20,
	    .life = {.soft_s = 2880, .hard_s = 3600}};

	inet_addr_parse("192.0.2.10", &d.src);
	inet_addr_parse("192.0.2.20", &d.dst);
	return d;
}

static const struct sa_status reference_status = {.state = SA_MATURE,
    .seq = 42,
    .created_wall_ms = 1741000500000,
    .last_used_wall_ms = 1741000598000,
    .age_ms = 100900,
    .bytes = 5712,
    .packets = 42,
    .pid = 4711};

/* The example of the reference, in the zone UTC. */
static void test_sa_block_is_ipsec_tools_to_the_byte(void **state)
{
	const struct sa_desc d = reference_sa();
	AUTO_FREE char *text = sa_text(&d, &reference_status, 1, &plain);

	(void)state;
	assert_string_equal(text, "192.0.2.10 192.0.2.20 \n"
	                          "\tesp mode=tunnel spi=65537(0x00010001) reqid=7(0x00000007)\n"
	                          "\tE: 3des-cbc  30313233 34353637 38396162 63646566 6768696a 6b6c6d6e\n"
	                          "\tA: hmac-sha1  00010203 04050607 08090a0b 0c0d0e0f 10111213\n"
	                          "\tseq=0x0000002a replay=4 flags=0x00000040 state=mature \n"
	                          "\tcreated: Mar  3 11:15:00 2025\tcurrent: Mar  3 11:16:40 2025\n"
	                          "\tdiff: 100(s)\thard: 3600(s)\tsoft: 2880(s)\n"
	                          "\tlast: Mar  3 11:16:38 2025\thard: 0(s)\tsoft: 0(s)\n"
	                          "\tcurrent: 5712(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n"
	                          "\tallocated: 42\thard: 0\tsoft: 0\n"
	                          "\tsadb_seq=1 pid=4711 refcnt=0\n");
}

static void test_sa_block_without_keys_keeps_its_columns(void **state)
{
	struct sa_desc d = reference_sa();
	AUTO_FREE char *text = NULL;

	(void)state;
	d.enc_key = d.auth_key = NULL;
	text = sa_text(&d, &reference_status, 0, &plain);
	assert_non_null(
	    strstr(text, "\tE: 3des-cbc  -------- -------- -------- -------- -------- --------\n"));
	assert_non_null(strstr(text, "\tA: hmac-sha1  -------- -------- -------- -------- --------\n"));
}

static void test_sa_block_of_ah_with_a_long_key_and_ports(void **state)
{
	static uint8_t key[64];
	struct dump_style style = plain;
	struct sa_desc d = reference_sa();
	AUTO_FREE char *text = NULL;

	(void)state;
	style.ports = true;
	d.proto = IPSEC_AH;
	d.enc = ALG_ENC_NONE;
	d.auth = ALG_AUTH_HMAC_SHA512;
	d.auth_key = key;
	d.auth_key_len = 64;
	d.mode = IPSEC_MODE_ANY;
	text = sa_text(&d, &(struct sa_status){.state = SA_LARVAL}, 0, &style);
	assert_non_null(strstr(text, "192.0.2.10[0] 192.0.2.20[0] \n\tah mode=any "));
	assert_null(strstr(text, "\tE:"));
	/* A new line after each 32 bytes. */
	assert_non_null(strstr(text,
	    "\tA: hmac-sha512  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
	    " 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n\tseq="));
	assert_non_null(strstr(text, "\tcreated:                     \tcurrent: Mar"));
	assert_non_null(strstr(text, "\tlast:                     \thard: 0(s)"));
	assert_non_null(strstr(text, "state=larval \n"));
}

static void test_sa_block_of_esp_in_udp(void **state)
{
	struct sa_desc d = reference_sa();
	AUTO_FREE char *text = NULL, *plain_text = NULL;

	(void)state;
	d.auth = ALG_AUTH_HMAC_SHA512;
	d.icv_len = 12;
	d.auth_key = NULL;
	d.flags = SA_F_ESN | SA_F_ZEROPAD;
	d.encap = (struct sa_encap){
	    .sport = 4500, .dport = 40000, .frag = 1000, .nat_oa = inet_addr_v4(0x0a010101)};
	text = sa_text(&d, &(struct sa_status){.state = SA_DYING, .seq = 0x123456789a}, 0, &plain);
	assert_non_null(strstr(text, "192.0.2.10[4500] 192.0.2.20[40000] \n"
	                             "\tesp-udp mode=tunnel spi=65537(0x00010001) reqid=7(0x00000007)\n"
	                             "\tNAT OA=10.1.1.1\n"
	                             "\tNAT-T esp_frag=1000\n"
	                             "\tE: 3des-cbc  3031"));
	assert_non_null(strstr(text, "\tA: hmac-sha512-96  -------- "));
	/* Extended numbers have more digits. */
	assert_non_null(strstr(text, "\tseq=0x123456789a replay=4 flags=0x00000600 state=dying \n"));
	d.encap = (struct sa_encap){.sport = 1, .dport = 4500};
	plain_text = sa_text(&d, &reference_status, 0, &plain);
	assert_non_null(strstr(plain_text, "192.0.2.10[1] 192.0.2.20[4500] \n\tesp-udp mode="));
	assert_null(strstr(plain_text, "NAT"));
}

static void test_sa_block_of_ipcomp_and_of_a_reserved_spi(void **state)
{
	struct sa_desc d = {.proto = IPSEC_IPCOMP,
	    .spi = 0x1000,
	    .mode = IPSEC_TRANSPORT,
	    .flags = SA_F_CYCLIC | SA_F_RAWCPI,
	    .comp = ALG_COMP_DEFLATE,
	    .life = {.soft_packets = 4000, .hard_packets = 5000}};
	AUTO_FREE char *text = NULL, *larval = NULL;

	(void)state;
	inet_addr_parse("2001:db8::1", &d.src);
	inet_addr_parse("2001:db8::2", &d.dst);
	text = sa_text(&d, &(struct sa_status){.state = SA_MATURE}, 2, &plain);
	assert_string_equal(text, "2001:db8::1 2001:db8::2 \n"
	                          "\tipcomp mode=transport spi=4096(0x00001000) reqid=0(0x00000000)\n"
	                          "\tC: deflate \n"
	                          "\tseq=0x00000000 replay=0 flags=0x000000c0 state=mature \n"
	                          "\tcreated:                     \tcurrent: Mar  3 11:16:40 2025\n"
	                          "\tdiff: 0(s)\thard: 0(s)\tsoft: 0(s)\n"
	                          "\tlast:                     \thard: 0(s)\tsoft: 0(s)\n"
	                          "\tcurrent: 0(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n"
	                          "\tallocated: 0\thard: 5000\tsoft: 4000\n"
	                          "\tsadb_seq=2 pid=0 refcnt=0\n");
	d = (struct sa_desc){
	    .src = d.src, .dst = d.dst, .proto = IPSEC_AH, .spi = 0x1234, .mode = IPSEC_MODE_ANY};
	larval = sa_text(&d, &(struct sa_status){.state = SA_LARVAL}, 0, &plain);
	assert_non_null(strstr(larval, "\tah mode=any spi=4660(0x00001234) reqid=0(0x00000000)\n"
	                               "\tseq=0x00000000 replay=0 flags=0x00000000 state=larval \n"));
}

static void test_short_form_has_its_columns(void **state)
{
	struct sa_desc d = reference_sa();
	struct sa_status s = reference_status;
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	dump_sa_short_head(f);
	dump_sa_short(f, &d, &s, &plain);
	d.proto = IPSEC_AH;
	d.life.hard_s = 0;
	s.state = SA_DEAD;
	s.age_ms = 1000000;
	dump_sa_short(f, &d, &s, &plain);
	d.proto = IPSEC_ESP;
	d.encap = (struct sa_encap){.sport = 4500, .dport = 7};
	dump_sa_short(f, &d, &s, &plain);
	d.encap = (struct sa_encap){0};
	d.proto = IPSEC_IPCOMP;
	s.state = SA_LARVAL;
	dump_sa_short(f, &d, &s, &plain);
	fclose(f);
	assert_string_equal(text, "time p   s spi      ltime   src -> dst\n"
	                          "1640 esp M 00010001 100/big 192.0.2.10 -> 192.0.2.20\n"
	                          "1640 ah  d 00010001 big/0   192.0.2.10 -> 192.0.2.20\n"
	                          "1640 esp d 00010001 big/0   192.0.2.10[4500] -> 192.0.2.20[7]\n"
	                          "1640 #108 L 00010001 big/0   192.0.2.10 -> 192.0.2.20\n");
	free(text);
}

static void test_policy_block_is_ipsec_tools_to_the_byte(void **state)
{
	struct policy *p;
	AUTO_FREE char *text = NULL, *dns = NULL;

	(void)state;
	setkey_rig_read(&rig, "spdadd 192.0.2.0/24 198.51.100.7[53] udp -P out ipsec\n"
	                      "esp/tunnel/192.0.2.1-198.51.100.1/require ah/transport//use;\n"
	                      "spdadd ::1 ::2 icmp6 135,0 -P in prio high - 5 none;");
	assert_int_equal(rig.n, 2);
	p = &rig.stmts[0].policy;
	p->id = 3;
	p->created_wall_ms = 1741000500000;
	text = policy_text(p, 1, &plain);
	assert_string_equal(text, "192.0.2.0/24[any] 198.51.100.7[53] udp\n"
	                          "\tout ipsec\n"
	                          "\tesp/tunnel/192.0.2.1-198.51.100.1/require\n"
	                          "\tah/transport//use\n"
	                          "\tcreated: Mar  3 11:15:00 2025  lastused:                     \n"
	                          "\tlifetime: 0(s) validtime: 0(s)\n"
	                          "\tspid=3 seq=1 pid=4711\n"
	                          "\trefcnt=1\n");
	dns = policy_text(&rig.stmts[1].policy, 0, &plain);
	assert_string_equal(dns,
	    "::1 ::2 ipv6-icmp 135,0\n\tin prio high - 5 none\n\tlifetime: 0(s) validtime: 0(s)\n"
	    "\tspid=0 seq=0 pid=4711\n\trefcnt=1\n");
}

static void test_policy_block_with_lifetimes_ports_and_use(void **state)
{
	struct dump_style style = plain;
	AUTO_FREE char *text = NULL, *with_ports = NULL, *gre = NULL;
	struct policy *p;

	(void)state;
	setkey_rig_read(&rig,
	    "spdadd 192.0.2.1 192.0.2.2 gre 65537 -lh 3600 -lv 60 -P fwd prio low - 1 ipsec\n"
	    "ipcomp/transport//use esp/tunnel/192.0.2.1[4500]-192.0.2.2[7]/unique:9;\n"
	    "spdadd ::1 ::2 mh 5 -P fwd prio def + 2 discard;");
	assert_int_equal(rig.n, 2);
	p = &rig.stmts[0].policy;
	p->created_wall_ms = 1741000500000;
	p->last_used_wall_ms = 1741000598000;
	text = policy_text(p, 1, &plain);
	assert_string_equal(text, "192.0.2.1 192.0.2.2 gre 65537\n"
	                          "\tfwd prio low - 1 ipsec\n"
	                          "\tipcomp/transport//use\n"
	                          "\tesp/tunnel/192.0.2.1-192.0.2.2/unique:9\n"
	                          "\tcreated: Mar  3 11:15:00 2025  lastused: Mar  3 11:16:38 2025\n"
	                          "\tlifetime: 3600(s) validtime: 60(s)\n"
	                          "\tspid=0 seq=1 pid=4711\n"
	                          "\trefcnt=1\n");
	style.ports = true;
	with_ports = policy_text(p, 1, &style);
	assert_non_null(strstr(with_ports, "\tesp/tunnel/192.0.2.1[4500]-192.0.2.2[7]/unique:9\n"));
	gre = policy_text(&rig.stmts[1].policy, 0, &plain);
	assert_non_null(strstr(gre, " 5,0\n\tfwd prio def + 2 discard\n"));
}

static void test_policy_ids_are_told_apart_by_origin(void **state)
{
	AUTO_FREE char *manual = NULL, *automatic = NULL;
	struct dump_style style = plain;
	struct policy *p;

	(void)state;
	style.ports = true;
	setkey_rig_read(&rig, "spdadd ::1 ::2 any -P in ipsec esp/tunnel/::1-::2/unique:7;");
	p = &rig.stmts[0].policy;
	manual = policy_text(p, 0, &style);
	assert_non_null(strstr(manual, "\tesp/tunnel/::1[0]-::2[0]/unique:7\n"));
	p->req[0].reqid_auto = true;
	p->req[0].reqid = 32768;
	automatic = policy_text(p, 0, &style);
	assert_non_null(strstr(automatic, "/unique#32768\n"));
}

/* Line by line, for any SA. A key of more than 32 bytes goes on in a line of its own. */
static void test_every_sa_block_fits_the_line_grammar(void **state)
{
	static const struct {
		bool may_miss;
		const char *re;
	} lines[] = {
	    {false, "^[0-9a-f.:]+(\\[[0-9]+\\])? [0-9a-f.:]+(\\[[0-9]+\\])? $"},
	    {false, "^\t(ah|esp|esp-udp|ipcomp) mode=(any|transport|tunnel) spi=[0-9]+\\(0x[0-9a-f]{8}\\) "
	            "reqid=[0-9]+\\(0x[0-9a-f]{8}\\)$"},
	    {true, "^\tNAT OA=[0-9a-f.:]+$"},
	    {true, "^\tNAT-T esp_frag=[0-9]+$"},
	    {true, "^\tE: [a-z0-9-]+ ( [0-9a-f]{2,8}){0,8}$"},
	    {true, "^( [0-9a-f]{2,8}){1,8}$"},
	    {true, "^\tA: [a-z0-9-]+ ( [0-9a-f]{8}){4,8}$"},
	    {true, "^( [0-9a-f]{8}){1,8}$"},
	    {true, "^\tC: [a-z]+ $"},
	    {false, "^\tseq=0x[0-9a-f]{8,16} replay=[0-9]+ flags=0x[0-9a-f]{8} "
	            "state=(larval|mature|dying|dead) $"},
	    {false, "^\tcreated: .{20}\tcurrent: [A-Z][a-z]{2} [ 123][0-9] [0-9:]{8} [0-9]{4}$"},
	    {false, "^\tdiff: [0-9]+\\(s\\)\thard: [0-9]+\\(s\\)\tsoft: [0-9]+\\(s\\)$"},
	    {false, "^\tlast: .{20}\thard: 0\\(s\\)\tsoft: 0\\(s\\)$"},
	    {false, "^\tcurrent: [0-9]+\\(bytes\\)\thard: [0-9]+\\(bytes\\)\tsoft: [0-9]+\\(bytes\\)$"},
	    {false, "^\tallocated: [0-9]+\thard: [0-9]+\tsoft: [0-9]+$"},
	    {false, "^\tsadb_seq=[0-9]+ pid=[0-9]+ refcnt=[0-9]+$"},
	};
	regex_t re[ARRAY_SIZE(lines)];
	struct rng_seeded rng;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(regcomp(&re[i], lines[i].re, REG_EXTENDED | REG_NOSUB), 0);
	rng_seeded_init(&rng, 99);
	for (int round = 0; round < 2000; round++) {
		AUTO_FREE char *text = NULL;
		struct random_sa sa;
		size_t at = 0;

		random_sa(&rng.rng, &sa);
		text = sa_text(&sa.desc, &sa.status, 5, &plain);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), at++) {
			while (at < ARRAY_SIZE(lines) && regexec(&re[at], line, 0, NULL, 0) != 0 &&
			       lines[at].may_miss)
				at++;
			if (at == ARRAY_SIZE(lines) || regexec(&re[at], line, 0, NULL, 0) != 0)
				fail_msg("line %zu: \"%s\"", at, line);
		}
		assert_int_equal(at, ARRAY_SIZE(lines));
	}
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		regfree(&re[i]);
}

static void expect_same(const struct policy *a, const struct policy *b, const char *text)
{
	bool same = policy_same_entry(a, b) && a->action == b->action && a->priority == b->priority &&
	            a->n_requests == b->n_requests && a->lifetime_s == b->lifetime_s &&
	            a->validtime_s == b->validtime_s && inet_addr_equal(&a->sel.src.addr, &b->sel.src.addr);

	for (uint8_t i = 0; same && i < a->n_requests; i++) {
		const struct policy_request *q = &a->req[i], *r = &b->req[i];

		same = q->proto == r->proto && q->mode == r->mode && q->level == r->level &&
		       q->reqid == r->reqid && inet_addr_equal(&q->src, &r->src) &&
		       inet_addr_equal(&q->dst, &r->dst) && q->src_port == r->src_port &&
		       q->dst_port == r->dst_port;
	}
	if (!same)
		fail_msg("did not come back: %s", text);
}

static void test_policy_line_is_a_statement(void **state)
{
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 7);
	for (int round = 0; round < 500; round++) {
		struct policy p = random_policy(&rng.rng);
		AUTO_FREE char *text = NULL;
		size_t n;
		FILE *f = open_memstream(&text, &n);

		/* What a statement sends has no ids from a service yet. */
		for (uint8_t i = 0; i < p.n_requests; i++)
			p.req[i].reqid = p.req[i].reqid_auto ? 0 : p.req[i].reqid;
		fputs("spdadd ", f);
		dump_policy_line(f, &p);
		fputc(';', f);
		fclose(f);
		setkey_rig_read(&rig, text);
		if (rig.code != 0 || rig.n != 1)
			fail_msg("%s\n%s", text, rig.messages);
		expect_same(&p, &rig.stmts[0].policy, text);
	}
}

static void test_stamp_of_never_is_blank(void **state)
{
	char buf[DUMP_STAMP_LEN + 1];

	(void)state;
	assert_string_equal(dump_stamp(0, buf), "                    ");
	assert_string_equal(dump_stamp(1735689599000, buf), "Dec 31 23:59:59 2024");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sa_block_is_ipsec_tools_to_the_byte),
	    cmocka_unit_test(test_sa_block_without_keys_keeps_its_columns),
	    cmocka_unit_test(test_sa_block_of_ah_with_a_long_key_and_ports),
	    cmocka_unit_test(test_sa_block_of_esp_in_udp),
	    cmocka_unit_test(test_sa_block_of_ipcomp_and_of_a_reserved_spi),
	    cmocka_unit_test(test_policy_block_with_lifetimes_ports_and_use),
	    cmocka_unit_test(test_short_form_has_its_columns),
	    cmocka_unit_test(test_policy_block_is_ipsec_tools_to_the_byte),
	    cmocka_unit_test(test_policy_ids_are_told_apart_by_origin),
	    cmocka_unit_test(test_every_sa_block_fits_the_line_grammar),
	    cmocka_unit_test(test_policy_line_is_a_statement),
	    cmocka_unit_test(test_stamp_of_never_is_blank),
	};
	int r;

	setenv("TZ", "UTC", 1);
	tzset();
	setkey_rig_init(&rig);
	rig.names = &setkey_names_system; /* a dump uses the system's names of protocols */
	r = cmocka_run_group_tests_name("cli/dump", tests, NULL, NULL);
	setkey_rig_fini(&rig);
	return r;
}
