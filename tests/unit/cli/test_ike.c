/*
 * Rows of key exchange on their way: as messages there and back, as text within 80 columns, as JSON, as
 * racoonctl's tables; and what is typed about them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/auto.h"
#include "cli/ike/words.h"
#include "cli/racoonctl/racoonctl.h"
#include "ipc/model_ike_row.h"

static struct inet_addr addr(const char *text)
{
	struct inet_addr a;

	assert_int_equal(inet_addr_parse(text, &a), 0);
	return a;
}

static struct ike_row_sa sa_of(const char *remote)
{
	struct ike_row_sa sa = {.version = 1,
	    .state = IKE_ROW_UP,
	    .detail = "established",
	    .progress = 9,
	    .initiator = true,
	    .mode = IKE_MODE_AGGRESSIVE,
	    .local = addr("192.168.100.100"),
	    .remote = addr(remote),
	    .local_port = 4500,
	    .remote_port = 4500,
	    .spi_i = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef},
	    .spi_r = {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10},
	    .name = "anonymous",
	    .peer_id = {.kind = IKE_ID_FQDN, .len = 4, .data = "peer"},
	    .agreed = true,
	    .enc = ALG_ENC_AES_CBC,
	    .key_bits = 256,
	    .prf = ALG_PRF_HMAC_SHA256,
	    .group = ALG_GROUP_MODP2048,
	    .auth = IKE_AUTH_PSK,
	    .age_ms = 3599000,
	    .up_ms = 3598000,
	    .left_ms = 3597000,
	    .renew_ms = 3596000,
	    .idle_ms = 3595000,
	    .nat_here = true,
	    .nat_there = true,
	    .dpd_delay_s = 20,
	    .dpd_unanswered = 3,
	    .n_children = 1};

	return sa;
}

static struct ike_row_child child_of(const char *remote)
{
	struct ike_row_child k = {.version = 1,
	    .state = IKE_ROW_UP,
	    .detail = "established",
	    .local = addr("192.168.100.100"),
	    .remote = addr(remote),
	    .policy = 16777215,
	    .sel = {.src = inet_prefix_host(&k.local), .proto = IPPROTO_ANY_},
	    .n_parts = 2,
	    .part = {{.proto = IPSEC_ESP,
	                 .mode = IPSEC_TRANSPORT,
	                 .spi_in = 0xabcdef01,
	                 .spi_out = 0x12345678,
	                 .enc = ALG_ENC_CAMELLIA_CBC,
	                 .key_bits = 256,
	                 .auth = ALG_AUTH_HMAC_SHA512},
	        {.proto = IPSEC_IPCOMP,
	            .mode = IPSEC_TUNNEL,
	            .spi_in = 0x1001,
	            .spi_out = 0x1002,
	            .comp = ALG_COMP_DEFLATE}},
	    .age_ms = 1234,
	    .life_ms = 36000000,
	    .left_ms = 35000000,
	    .renew_ms = 28000000};

	k.sel.src = inet_prefix_host(&k.local);
	k.sel.dst = inet_prefix_host(&k.remote);
	return k;
}

static struct ike_row_kept kept_of(const char *remote, enum ike_row_keeping state)
{
	const struct inet_addr local = addr("192.168.100.100"), there = addr(remote);

	return (struct ike_row_kept){.state = state,
	    .name = "office",
	    .remote = there,
	    .sel = {.src = inet_prefix_host(&local), .dst = inet_prefix_host(&there), .proto = IPPROTO_ANY_},
	    .tries = 17,
	    .down_ms = 61000,
	    .next_ms = state == IKE_KEPT_DOWN ? 350 : 0,
	    .why = "no answer (the request of IKE_SA_INIT is out)"};
}

/* As a message and back: nothing is lost, whatever the row says. */
static void travel(const struct ike_row *row, struct model_ike_row *ret)
{
	AUTO_FREE struct model_ike_row_pb *pb = malloc(sizeof(*pb));
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = NULL;
	AUTO_FREE uint8_t *packed = NULL;
	struct ipc_record rec = {0};
	struct err_text e = {{0}};

	assert_non_null(pb);
	model_ike_row_encode(row, pb);
	rec.body_len = protobuf_c_message_get_packed_size(&pb->m.base);
	packed = malloc(rec.body_len + 1);
	assert_non_null(packed);
	protobuf_c_message_pack(&pb->m.base, packed);
	rec.body = packed;
	m = ipc_unpack(&postern__ike_row__descriptor, &rec, 65536);
	assert_non_null(m);
	if (model_ike_row_decode((const Postern__IkeRow *)m, ret, &e) < 0)
		fail_msg("%s", e.s);
}

static void test_rows_travel(void **state)
{
	AUTO_FREE struct model_ike_row *got = malloc(sizeof(*got));
	const struct ike_row_sa sa = sa_of("10.0.0.1");
	const struct ike_row_kept kept = kept_of("10.0.0.1", IKE_KEPT_DOWN);
	struct ike_row_child k = child_of("2001:db8::1");

	assert_non_null(got);
	k.local = k.sel.src.addr = addr("2001:db8::2");
	k.sel.src.plen = 64;
	k.has_parent = true;
	memcpy(k.spi_i, sa.spi_i, IKE_ROW_SPI);
	travel(&(struct ike_row){.sa = &sa}, got);
	assert_non_null(got->row.sa);
	assert_string_equal(got->sa.name, sa.name);
	assert_string_equal(got->sa.detail, sa.detail);
	assert_true(ike_id_equal(&got->sa.peer_id, &sa.peer_id));
	got->sa.name = sa.name;
	got->sa.detail = sa.detail;
	got->sa.peer_id = sa.peer_id;
	assert_memory_equal(&got->sa.version, &sa.version, 1);
	assert_int_equal(got->sa.group, sa.group);
	assert_int_equal(got->sa.idle_ms, sa.idle_ms);
	assert_int_equal(got->sa.renew_ms, sa.renew_ms);
	assert_int_equal(got->sa.dpd_unanswered, sa.dpd_unanswered);
	assert_memory_equal(got->sa.spi_r, sa.spi_r, IKE_ROW_SPI);
	travel(&(struct ike_row){.child = &k}, got);
	assert_non_null(got->row.child);
	assert_true(selector_equal(&got->child.sel, &k.sel));
	assert_true(inet_addr_equal(&got->child.local, &k.local));
	assert_true(got->child.has_parent);
	assert_memory_equal(got->child.spi_i, sa.spi_i, IKE_ROW_SPI);
	assert_int_equal(got->child.n_parts, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(got->child.part[i].spi_in, k.part[i].spi_in);
		assert_int_equal(got->child.part[i].enc, k.part[i].enc);
		assert_int_equal(got->child.part[i].comp, k.part[i].comp);
		assert_int_equal(got->child.part[i].key_bits, k.part[i].key_bits);
	}
	travel(&(struct ike_row){.kept = &kept}, got);
	assert_true(got->row.kept && !got->row.sa && !got->row.child);
	assert_true(selector_equal(&got->kept.sel, &kept.sel));
	assert_true(inet_addr_equal(&got->kept.remote, &kept.remote));
	assert_int_equal(got->kept.state, kept.state);
	assert_int_equal(got->kept.tries, kept.tries);
	assert_int_equal(got->kept.down_ms, kept.down_ms);
	assert_int_equal(got->kept.next_ms, kept.next_ms);
	assert_string_equal(got->kept.name, kept.name);
	assert_string_equal(got->kept.why, kept.why);
	travel(&(struct ike_row){0}, got);
	assert_true(!got->row.sa && !got->row.child && !got->row.kept);
}

/* What makes no sense is refused, with a reason. */
static void test_bad_rows(void **state)
{
	AUTO_FREE struct model_ike_row *got = malloc(sizeof(*got));
	AUTO_FREE struct model_ike_row_pb *pb = malloc(sizeof(*pb));
	struct ike_row_sa sa = sa_of("10.0.0.1");
	const struct ike_row_kept kept = kept_of("10.0.0.1", IKE_KEPT_UP);
	struct ike_row_child k = child_of("10.0.0.1");
	struct err_text e;

	assert_true(got && pb);
	for (int i = 0; i < 8; i++) {
		if (i < 4)
			model_ike_row_encode(&(struct ike_row){.sa = &sa}, pb);
		else if (i >= 6)
			model_ike_row_encode(&(struct ike_row){.kept = &kept}, pb);
		else
			model_ike_row_encode(&(struct ike_row){.child = &k}, pb);
		switch (i) {
		case 0:
			pb->sa.version = 3;
			break;
		case 1:
			pb->sa.spi_r.len = 7;
			break;
		case 2:
			pb->sa.state = IKE_ROW_STATES;
			break;
		case 3:
			pb->sa.remote = NULL;
			break;
		case 4:
			pb->part[1].proto = 17;
			break;
		case 5:
			pb->child.selector = NULL;
			break;
		case 6:
			pb->kept.state = IKE_KEPT_STATES;
			break;
		default:
			pb->m.sa = &pb->sa;
			break;
		}
		e.s[0] = '\0';
		assert_int_equal(model_ike_row_decode(&pb->m, got, &e), -EBADMSG);
		assert_true(e.s[0]);
	}
}

static char *printed(const struct ike_rows *r, const char *only)
{
	const struct inet_addr peer = only ? addr(only) : (struct inet_addr){0};
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	ike_print(f, r, only ? &peer : NULL);
	fclose(f);
	return text;
}

static void test_text(void **state)
{
	static const char want[] =
	    "192.168.100.200[4500] up, IKEv1 aggressive mode, begun by us\n"
	    "    from     192.168.100.100[4500], NAT at both ends\n"
	    "    watched  every 20s, 3 unanswered\n"
	    "    remote   anonymous\n"
	    "    identity fqdn peer\n"
	    "    cookies  0123456789abcdef:fedcba9876543210\n"
	    "    agreed   aes-cbc 256, hmac-sha256, modp2048, pre_shared_key\n"
	    "    time     up 59m58s, ends in 59m57s, renewed in 59m56s, heard 59m55s ago\n"
	    "    up       192.168.100.100 -> 192.168.100.200 any\n"
	    "             192.168.100.100 -> 10.9.9.9 protocol 6\n"
	    "        esp/transport in 0xabcdef01 out 0x12345678 camellia-cbc 256 hmac-sha512\n"
	    "        ipcomp/tunnel in 0x00001001 out 0x00001002 deflate\n"
	    "        1.2s old, ends in 9h43m, renewed in 7h46m, policy 16777215\n"
	    "10.9.9.9 no SA of key exchange; one is begun when it is needed\n"
	    "    up       192.168.100.100 -> 10.9.9.9 any\n";
	struct ike_rows r = {0};
	struct ike_row_sa sa = sa_of("192.168.100.200"), other = sa_of("10.0.0.7");
	struct ike_row_child k = child_of("192.168.100.200"), orphan = child_of("10.9.9.9");
	AUTO_FREE char *text = NULL, *one = NULL, *none = NULL;

	orphan.n_parts = 0;
	other.state = IKE_ROW_CONNECTING;
	other.mode = IKE_MODE_NONE;
	other.version = 2;
	other.detail = "waiting for the key";
	other.peer_id.kind = IKE_ID_NONE;
	other.agreed = false;
	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.sa = &sa}), 0);
	const struct ike_row_also also = {
	    .policy = 5, .sel = {.src = k.sel.src, .dst = orphan.sel.dst, .proto = 6}};

	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.child = &k}), 0);
	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.also = &also}), 0);
	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.child = &orphan}), 0);
	text = printed(&r, NULL);
	assert_memory_equal(text, want, sizeof(want) - 1);
	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		assert_true(end - line <= 80);
	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.sa = &other}), 0);
	one = printed(&r, "10.0.0.7");
	assert_memory_equal(
	    one, "10.0.0.7[4500] connecting, IKEv2, begun by us\n    waits    waiting for", 60);
	assert_null(strstr(one, "192.168.100.200"));
	none = printed(&r, "10.0.0.8");
	assert_string_equal(none, "");
	ike_rows_fini(&r);
}

static void test_text_of_what_is_kept_up(void **state)
{
	static const char want[] = "10.0.0.7 is kept up: connection office\n"
	                           "    up       192.168.100.100 -> 10.0.0.7 any\n"
	                           "    down     192.168.100.100 -> 10.0.0.7 any\n"
	                           "        down for 1m1s, 17 tries failed, the next in 0.3s\n"
	                           "        last: no answer (the request of IKE_SA_INIT is out)\n"
	                           "10.0.0.8 is kept up: connection office\n"
	                           "    held     192.168.100.100 -> 10.0.0.8 any\n"
	                           "        ended by `ipsecctl down`, until `ipsecctl up`\n"
	                           "    trying   192.168.100.100 -> 10.0.0.8 any\n"
	                           "        down for 1m1s, 17 tries failed\n"
	                           "        last: no answer (the request of IKE_SA_INIT is out)\n";
	const struct ike_row_kept kept[] = {kept_of("10.0.0.7", IKE_KEPT_UP),
	    kept_of("10.0.0.8", IKE_KEPT_HELD), kept_of("10.0.0.7", IKE_KEPT_DOWN),
	    kept_of("10.0.0.8", IKE_KEPT_TRYING)};
	AUTO_FREE char *text = NULL, *one = NULL;
	struct ike_rows r = {0};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		assert_int_equal(ike_rows_add(&r, &(struct ike_row){.kept = &kept[i]}), 0);
	text = printed(&r, NULL);
	assert_string_equal(text, want);
	one = printed(&r, "10.0.0.8");
	assert_string_equal(one, strstr(want, "10.0.0.8 is kept"));
	ike_rows_fini(&r);
}

static void test_json(void **state)
{
	struct ike_rows r = {0};
	struct ike_row_sa sa = sa_of("192.168.100.200");
	const struct ike_row_kept kept = kept_of("10.0.0.7", IKE_KEPT_DOWN);
	struct ike_row_child k = child_of("192.168.100.200");
	const struct ike_row_also also = {
	    .policy = 5, .sel = {.src = k.sel.src, .dst = k.sel.dst, .proto = 6}};
	AUTO_FREE char *text = NULL;
	size_t n = 0;
	struct cli cli = {.prog = "t", .err = stderr, .out = open_memstream(&text, &n)};
	const json_t *row;
	json_t *doc;

	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.sa = &sa}), 0);
	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.child = &k}), 0);
	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.also = &also}), 0);
	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.kept = &kept}), 0);
	assert_int_equal(ike_write_json(&cli, &r, NULL), CLI_OK);
	fclose(cli.out);
	doc = json_loads(text, 0, NULL);
	assert_non_null(doc);
	assert_int_equal(json_integer_value(json_object_get(doc, "schema_version")), 1);
	row = json_array_get(json_object_get(doc, "ike_sas"), 0);
	assert_string_equal(
	    json_string_value(json_object_get(row, "spis")), "0123456789abcdef:fedcba9876543210");
	assert_string_equal(json_string_value(json_object_get(row, "state")), "up");
	row = json_array_get(json_object_get(doc, "child_sas"), 0);
	assert_true(json_is_null(json_object_get(row, "under")));
	assert_int_equal(json_array_size(json_object_get(row, "selectors")), 2);
	assert_int_equal(json_integer_value(json_object_get(
	                     json_array_get(json_object_get(row, "selectors"), 1), "protocol")),
	    6);
	row = json_array_get(json_object_get(row, "parts"), 1);
	assert_string_equal(json_string_value(json_object_get(row, "compression")), "deflate");
	assert_true(json_is_null(json_object_get(row, "encryption")));
	row = json_array_get(json_object_get(doc, "kept_up"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "state")), "down");
	assert_int_equal(json_integer_value(json_object_get(row, "next_try_in_ms")), 350);
	json_decref(doc);
	ike_rows_fini(&r);
}

static void test_cookies_and_times(void **state)
{
	uint8_t i[IKE_ROW_SPI], r[IKE_ROW_SPI];
	char text[IKE_SPIS_LEN], at[IKE_TIME_LEN];

	assert_true(ike_spis_parse("0123456789ABCDEF:fedcba9876543210", i, r));
	assert_string_equal(ike_spis_text(i, r, text), "0123456789abcdef:fedcba9876543210");
	assert_false(ike_spis_parse("0123456789abcdef:fedcba987654321", i, r));
	assert_false(ike_spis_parse("0123456789abcdef fedcba9876543210", i, r));
	assert_false(ike_spis_parse("g123456789abcdef:fedcba9876543210", i, r));
	assert_false(ike_spis_parse("", i, r));
	assert_string_equal(ike_time_text(0, at), "0.0s");
	assert_string_equal(ike_time_text(59999, at), "59.9s");
	assert_string_equal(ike_time_text(60000, at), "1m0s");
	assert_string_equal(ike_time_text(86399000, at), "23h59m");
	(void)ike_time_text(UINT64_MAX, at);
	assert_true(strlen(at) < sizeof(at));
}

static void test_racoonctl_tables(void **state)
{
	struct ike_row_sa sa = sa_of("192.168.100.200");
	struct ike_rows r = {0};
	AUTO_FREE char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	setenv("TZ", "UTC", 1);
	sa.up_ms = 1000;
	assert_int_equal(ike_rows_add(&r, &(struct ike_row){.sa = &sa}), 0);
	for (unsigned detail = 0; detail < 3; detail++)
		racoonctl_print_isakmp(f, &r, detail, 1000000001000);
	fclose(f);
	assert_string_equal(text,
	    "Destination            Cookies                           Created\n"
	    "192.168.100.200.4500   0123456789abcdef:fedcba9876543210 2001-09-09 01:46:40\n"
	    "Destination            Cookies                           ST S  V E Created             Phase2\n"
	    "192.168.100.200.4500   0123456789abcdef:fedcba9876543210  9 I 10 A 2001-09-09 01:46:40      1\n"
	    "Source                                        Destination                                   "
	    "Cookies                           ST S  V E Created             Phase2\n"
	    "192.168.100.100.4500                          192.168.100.200.4500                          "
	    "0123456789abcdef:fedcba9876543210  9 I 10 A 2001-09-09 01:46:40      1\n");
	ike_rows_fini(&r);
}

static int parse(const char *line, struct racoonctl_sa *ret)
{
	char text[256], *words[16], *rest = text;
	struct err_text e;
	int n = 0;

	snprintf(text, sizeof(text), "%s", line);
	while ((words[n] = strtok_r(NULL, " ", &rest)))
		n++;
	return racoonctl_parse_sa(n, words, ret, &e);
}

static void test_racoonctl_words(void **state)
{
	static const char *const bad[] = {"", "isakmp", "isakmp inet 10.0.0.1",
	    "isakmp inet6 10.0.0.1 10.0.0.2", "isakmp inet 10.0.0.1 10.0.0.2 any",
	    "esp inet 10.0.0.1 10.0.0.2", "ipsec inet 10.0.0.1 10.0.0.2 any",
	    "esp inet 10.0.0.1/33/0 10.0.0.2 any", "esp inet 10.0.0.1/32/65536 10.0.0.2 tcp",
	    "esp inet 10.0.0.1 10.0.0.2 carp", "esp inet 10.0.0.1/32/ 10.0.0.2 tcp",
	    "esp ip 10.0.0.1 10.0.0.2 any"};
	struct racoonctl_sa sa;

	assert_int_equal(parse("isakmp inet 10.0.0.1 10.0.0.2", &sa), 0);
	assert_int_equal(sa.proto, IPSEC_PROTO_NONE);
	assert_true(inet_addr_equal(&sa.dst, &(struct inet_addr){.family = INET_V4, .b = {10, 0, 0, 2}}));
	assert_int_equal(parse("ah inet6 2001:db8::/64/0 2001:db8::1/128/80 tcp", &sa), 0);
	assert_int_equal(sa.proto, IPSEC_AH);
	assert_int_equal(sa.sel.src.plen, 64);
	assert_int_equal(sa.sel.dport, 80);
	assert_int_equal(sa.sel.proto, 6);
	assert_int_equal(parse("esp inet 10.0.0.1 10.0.0.2/24 any", &sa), 0);
	assert_int_equal(sa.sel.src.plen, 32);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse(bad[i], &sa), -EINVAL);
}

static void test_racoonctl_events(void **state)
{
	char line[RACOONCTL_EVENT_MAX];

	assert_true(racoonctl_event_text(
	    "isakmp.up", "ISAKMP-SA established 10.0.0.1[500]-10.0.0.2[500] spi:aa:bb peer=10.0.0.2", line));
	assert_string_equal(line, "Phase 1 established : 10.0.0.1 -> 10.0.0.2");
	assert_true(racoonctl_event_text(
	    "ipsec.up", "IPsec-SA established: ESP/Tunnel fe80::1%3[0]->2001:db8::2[0] spi=1(0x1)", line));
	assert_non_null(strstr(line, " -> 2001:db8::2"));
	assert_true(racoonctl_event_text("ipsec.failed",
	    "phase2 negotiation failed: time up waiting for phase1. 10.0.0.1<=>10.0.0.2 (waiting)", line));
	assert_string_equal(line, "Phase 2 error: no suitable phase 1 : 10.0.0.1 -> 10.0.0.2");
	assert_true(racoonctl_event_text("isakmp.end", "nothing [500] here", line));
	assert_string_equal(line, "Phase 1 deleted : unknown -> unknown");
	assert_false(racoonctl_event_text("conf.loaded", "generation=1", line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_travel),
	    cmocka_unit_test(test_bad_rows),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_text_of_what_is_kept_up),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_cookies_and_times),
	    cmocka_unit_test(test_racoonctl_tables),
	    cmocka_unit_test(test_racoonctl_words),
	    cmocka_unit_test(test_racoonctl_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
