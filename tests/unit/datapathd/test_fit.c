/*
 * Path MTU: what a report teaches, and what is then cut, told or let through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "datapathd/sa/path_mtu.h"
#include "datapathd/stage/quoted.h"
#include "support/path_pair.h"
#include "wire/ip/csum.h"
#include "wire/ip/ip.h"

enum { SPI = 0x1000, MTU = 1300 };

#define A6 "2001:db8::a"
#define B6 "2001:db8::b"

static struct sa_rt *tunnel_of(const char *src, const char *dst)
{
	struct sa_desc d =
	    path_rig_desc(src, dst, IPSEC_ESP, SPI, IPSEC_TUNNEL, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256);
	const struct selector sel = pair_nets();
	struct policy out = path_rig_policy(POLICY_OUT, &sel, POLICY_IPSEC);

	path_rig_request(&out, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, src, dst);
	path_rig_spd(&pair_a, &out, 1);
	return path_rig_add(&pair_a, &d, NULL)->rt;
}

static uint32_t send_udp(size_t n, bool df)
{
	size_t len = path_rig_udp(pair_buf, HOST_A, HOST_B, 1000, 2000, n);

	ip_set_df(pair_buf, df);
	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	return (uint32_t)len;
}

static uint32_t count(enum verdict v)
{
	uint32_t n = 0;

	batch_foreach(p, &pair_a.batch) n += p->verdict == v;
	return n;
}

static void test_fit_without_knowledge_nothing_is_limited(void **state)
{
	(void)state;
	(void)tunnel_of(A, B);
	(void)send_udp(8000, true);
	assert_int_equal(count(VERDICT_SEND), 1);
	assert_int_equal(pair_a.batch.n, 1);
}

static void test_fit_cuts_before_it_protects(void **state)
{
	struct sa_rt *sa = tunnel_of(A, B);
	uint32_t total, len;

	(void)state;
	assert_true(sa_path_learn(sa, MTU, pair_a.clock.ms));
	len = send_udp(4000, false);
	total = (uint32_t)atomic_load(&sa->run->bytes);
	assert_int_equal(count(VERDICT_CUT), 1);
	assert_true(count(VERDICT_SEND) >= 4);
	batch_foreach(p, &pair_a.batch)
	{
		if (p->verdict != VERDICT_SEND)
			continue;
		assert_true(p->len <= MTU);
		total -= IP4_HDR_LEN;
	}
	assert_int_equal(total, len - IP4_HDR_LEN);
}

static void test_fit_tells_the_sender_of_what_must_not_be_cut(void **state)
{
	struct sa_rt *sa = tunnel_of(A, B);
	const struct pkt *answer = &pair_a.batch.pkt[1];
	uint32_t told, most = sa_inner_max(sa, IPSEC_TUNNEL, IP4_HDR_LEN, MTU);
	struct ip_view v;

	(void)state;
	assert_true(sa_path_learn(sa, MTU, pair_a.clock.ms));
	(void)send_udp(1400, true);
	assert_int_equal(pair_a.batch.n, 2);
	/* The outer packet may be cut on its way, so the packet is not lost for it; with DF outside it is. */
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_SEND);
	assert_int_equal(answer->verdict, VERDICT_DELIVER);
	pair_a.path.tune.dfbit = TUNE_DF_COPY;
	(void)send_udp(1400, true);
	assert_int_equal(pair_a.batch.n, 2);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_OUT_PATH);
	assert_int_equal(answer->verdict, VERDICT_DELIVER);
	assert_int_equal(ip_parse(answer->data, answer->len, IP_CHECK_SUM, &v), IP_OK);
	assert_int_equal(v.proto, 1);
	assert_int_equal(answer->data[20], 3);
	assert_int_equal(answer->data[21], 4);
	told = (uint32_t)answer->data[26] << 8 | answer->data[27];
	assert_int_equal(told, most);
	/* Exactly that much fits, and one octet more does not. */
	(void)send_udp(most - 28, true);
	assert_int_equal(count(VERDICT_SEND), 1);
	assert_true(pair_a.batch.pkt[0].len <= MTU);
	(void)send_udp(most - 27, true);
	assert_int_equal(count(VERDICT_SEND), 0);
}

/* What a packet is spared because one of its flow fitted, it is not spared because one was let through. */
static void test_fit_a_packet_behind_one_that_was_too_long_is_cut(void **state)
{
	struct sa_rt *sa = tunnel_of(A, B);
	size_t len = path_rig_udp(pair_buf, HOST_A, HOST_B, 1000, 2000, 1400);

	(void)state;
	assert_true(sa_path_learn(sa, MTU, pair_a.clock.ms));
	path_rig_clear(&pair_a);
	ip_set_df(pair_buf, true);
	path_rig_put(&pair_a, pair_buf, len);
	ip_set_df(pair_buf, false);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	assert_ptr_equal(pair_a.batch.pkt[1].like, &pair_a.batch.pkt[0]);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_SEND);
	assert_int_equal(pair_a.batch.pkt[1].verdict, VERDICT_CUT);
}

static void test_fit_answers_are_rationed(void **state)
{
	struct sa_rt *sa = tunnel_of(A, B);
	uint32_t n = 0;

	(void)state;
	pair_a.path.tune.dfbit = TUNE_DF_SET;
	assert_true(sa_path_learn(sa, MTU, pair_a.clock.ms));
	for (int i = 0; i < 1000; i++) {
		(void)send_udp(1400, true);
		n += count(VERDICT_DELIVER);
	}
	assert_in_range(n, 1, 200);
	assert_int_equal(path_rig_drops(&pair_a, DROP_OUT_PATH), 1000);
}

static void test_fit_learns_only_from_what_was_sent_lately(void **state)
{
	struct sa_rt *sa = tunnel_of(A, B);
	struct path_report r = {
	    .dst = path_rig_addr(B), .proto = IPSEC_ESP, .spi = SPI, .seq = 5, .has_seq = true, .mtu = MTU};
	static const struct {
		const char *what;
		uint32_t spi, seq;
		enum ipsec_proto proto;
		bool has_seq, learns;
	} row[] = {
	    {"a number not sent yet", SPI, 101, IPSEC_ESP, true, false},
	    {"number 0, which is never sent", SPI, 0, IPSEC_ESP, true, false},
	    {"a number before the first", SPI, UINT32_MAX - 5, IPSEC_ESP, true, false},
	    {"another SPI", SPI + 1, 50, IPSEC_ESP, true, false},
	    {"another protocol", SPI, 50, IPSEC_AH, true, false},
	    {"no number quoted", SPI, 50, IPSEC_ESP, false, false},
	    {"one of ours", SPI, 50, IPSEC_ESP, true, true},
	};
	const struct counters *n = &pair_a.counters;

	(void)state;
	pair_a.path.now_ms = pair_a.clock.ms;
	atomic_store(&sa->run->seq, 100);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		r.spi = row[i].spi;
		r.seq = row[i].seq;
		r.proto = row[i].proto;
		r.has_seq = row[i].has_seq;
		if (path_report(&pair_a.path, &r) != (row[i].learns ? REPORT_LEARNT : REPORT_DISBELIEVED))
			fail_msg("%s", row[i].what);
	}
	/* The packets that were under way bring the same news again: no lie, and nothing new. */
	assert_int_equal(path_report(&pair_a.path, &r), REPORT_KNOWN);
	assert_int_equal(atomic_load(&n->path[PATH_MTU_LEARNT]), 1);
	assert_int_equal(atomic_load(&n->path[PATH_MTU_IGNORED]), ARRAY_SIZE(row) - 1);
	atomic_store(&sa->run->seq, 1 << 20);
	r.mtu = MTU - 100;
	assert_int_equal(path_report(&pair_a.path, &r), REPORT_DISBELIEVED); /* too long ago */
	assert_int_equal(sa_path_mtu(sa, pair_a.clock.ms), MTU);
}

static void test_fit_a_path_is_only_lowered_and_forgotten_in_time(void **state)
{
	struct sa_rt *sa = tunnel_of(A, B);
	uint64_t now = pair_a.clock.ms;

	(void)state;
	assert_true(sa_path_learn(sa, MTU, now));
	assert_false(sa_path_learn(sa, MTU + 1, now));
	assert_true(
	    sa_path_learn(sa, 0, now)); /* an old router says nothing: the least that every host takes */
	assert_int_equal(sa_path_mtu(sa, now), PATH_MTU_MIN4);
	assert_int_equal(sa_path_mtu(sa, now + PATH_MTU_MS), 0);
	assert_true(sa_path_learn(sa, MTU, now + PATH_MTU_MS));
}

/* A SYN of TCP with an MSS option of 1460. */
static size_t syn(uint8_t *buf)
{
	static const uint8_t tcp[24] = {
	    0x10, 0, 0x20, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 2, 0xff, 0xff, 0, 0, 0, 0, 2, 4, 0x05, 0xb4};
	struct ip4_params ip = {.proto = 6, .ttl = 64, .id = 1, .total_len = 44, .df = true};
	const struct inet_addr a = path_rig_addr(HOST_A), b = path_rig_addr(HOST_B);
	struct ip_view v;

	memcpy(ip.src, a.b, 4);
	memcpy(ip.dst, b.b, 4);
	ip4_write(buf, &ip);
	memcpy(buf + 20, tcp, sizeof(tcp));
	assert_int_equal(ip_parse(buf, 44, IP_CHECK_SUM, &v), IP_OK);
	assert_true(csum_l4_fill(buf, &v));
	return 44;
}

static uint16_t mss_after(struct sa_rt *sa)
{
	const struct pkt *p = &pair_a.batch.pkt[0];

	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, syn(pair_buf));
	pair_a.path.now_ms = pair_a.clock.ms;
	stage_parse_out(&pair_a.path, &pair_a.batch);
	stage_classify_out(&pair_a.path, &pair_a.batch);
	stage_bind(&pair_a.path, &pair_a.batch);
	stage_fit(&pair_a.path, &pair_a.batch);
	assert_ptr_equal(p->bound[0].sa, sa);
	return (uint16_t)(p->data[42] << 8 | p->data[43]);
}

static void test_fit_lowers_the_segment_size_where_the_way_is_short(void **state)
{
	struct sa_rt *sa = tunnel_of(A, B);

	(void)state;
	assert_int_equal(mss_after(sa), 1460);
	assert_true(sa_path_learn(sa, MTU, pair_a.clock.ms));
	assert_int_equal(mss_after(sa), sa_inner_max(sa, IPSEC_TUNNEL, IP4_HDR_LEN, MTU) - 40);
}

static void test_fit_over_ipv6_tcp_never_relies_on_icmp(void **state)
{
	struct sa_rt *sa = tunnel_of(A6, B6);

	(void)state;
	assert_int_equal(mss_after(sa), sa_inner_max(sa, IPSEC_TUNNEL, IP4_HDR_LEN, PATH_MTU_MIN6) - 40);
}

static void test_fit_tcp_in_tunnels_with_df_never_relies_on_icmp(void **state)
{
	struct sa_rt *sa = tunnel_of(A, B);

	(void)state;
	for (unsigned df = TUNE_DF_SET; df <= TUNE_DF_COPY; df++) {
		pair_a.path.tune.dfbit = (uint8_t)df;
		assert_int_equal(
		    mss_after(sa), sa_inner_max(sa, IPSEC_TUNNEL, IP4_HDR_LEN, PATH_MTU_MIN6) - 40);
	}
	/* What is known counts for more than caution. */
	assert_true(sa_path_learn(sa, MTU, pair_a.clock.ms));
	assert_int_equal(mss_after(sa), sa_inner_max(sa, IPSEC_TUNNEL, IP4_HDR_LEN, MTU) - 40);
}

static void test_fit_an_ipv6_sender_is_never_told_less_than_every_link_carries(void **state)
{
	struct sa_rt *sa = tunnel_of(A6, B6);

	(void)state;
	assert_true(sa_path_learn(sa, 100, pair_a.clock.ms));
	assert_int_equal(sa_path_mtu(sa, pair_a.clock.ms), PATH_MTU_MIN6);
	/* IPv4 inside, longer than fits: cut; the far end has nothing to put together but the clear packet.
	 */
	(void)send_udp(1240, false);
	assert_int_equal(count(VERDICT_SEND), 2);
	batch_foreach(p, &pair_a.batch) if (p->verdict == VERDICT_SEND) assert_true(p->len <= PATH_MTU_MIN6);
}

/* UDP over IPv6 of `len` octets in all. */
static void put_udp6(uint32_t len)
{
	struct ip6_params ip = {.next = 17, .hops = 64, .payload_len = (uint16_t)(len - IP6_HDR_LEN)};
	const struct inet_addr a = path_rig_addr(A6), b = path_rig_addr(B6);

	memcpy(ip.src, a.b, sizeof(ip.src));
	memcpy(ip.dst, b.b, sizeof(ip.dst));
	memset(pair_buf, 1, len);
	ip6_write(pair_buf, &ip);
	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
}

static void test_fit_ipv6_inside_has_no_bit_to_copy(void **state)
{
	struct sa_desc d =
	    path_rig_desc(A, B, IPSEC_ESP, SPI, IPSEC_TUNNEL, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256);
	const struct selector sel = path_rig_selector(A6 "/128", B6 "/128", 256);
	struct policy out = path_rig_policy(POLICY_OUT, &sel, POLICY_IPSEC);
	struct sa_rt *sa;

	(void)state;
	path_rig_request(&out, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, A, B);
	path_rig_spd(&pair_a, &out, 1);
	sa = path_rig_add(&pair_a, &d, NULL)->rt;
	pair_a.path.tune.dfbit = TUNE_DF_COPY;
	assert_true(sa_path_learn(sa, MTU, pair_a.clock.ms));
	put_udp6(1400);
	path_rig_out(&pair_a);
	/* Told, and carried: the outer packet may be cut. */
	assert_int_equal(count(VERDICT_DELIVER), 1);
	assert_int_equal(count(VERDICT_SEND), 1);
	assert_int_equal(pair_a.batch.pkt[0].data[6] & 0x40, 0);
}

/* What an error quotes: octets and how far they go. */
static void test_quoted_header_as_far_as_it_goes(void **state)
{
	static const uint8_t esp[] = {0, 0, 0x10, 1, 0, 0, 2, 3},
	                     ah[] = {4, 4, 0, 0, 0, 0, 0x10, 1, 0, 0, 2, 3}, comp[] = {4, 0, 0x10, 1};
	static const struct {
		enum ipsec_proto proto;
		const uint8_t *at;
		size_t n, spi_n; /* octets in all; up to the end of the SPI */
		bool has_seq;
	} row[] = {
	    {IPSEC_ESP, esp, sizeof(esp), 4, true},
	    {IPSEC_AH, ah, sizeof(ah), 8, true},
	    {IPSEC_IPCOMP, comp, sizeof(comp), 4, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		for (size_t n = 0; n <= row[i].n; n++) {
			struct path_report r = {0};

			assert_int_equal(quoted_header(row[i].proto, row[i].at, n, &r), n >= row[i].spi_n);
			if (n < row[i].spi_n)
				continue;
			assert_int_equal(r.proto, row[i].proto);
			assert_int_equal(r.spi, 0x1001);
			assert_int_equal(r.has_seq, row[i].has_seq && n == row[i].n);
			if (r.has_seq)
				assert_int_equal(r.seq, 0x203);
		}
	}
}

/* ICMPv6 "too big" about `n_front` octets of extension headers, the first being `first`, and AH behind them.
 */
static size_t report6(uint8_t *b, uint8_t first, const uint8_t *front, size_t n_front)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 0, 0x05, 0x00},
	                     ah[] = {4, 4, 0, 0, 0, 0, 0x10, 1, 0, 0, 2, 3};
	struct ip6_params ip = {.next = first, .hops = 64, .payload_len = 1300};
	const struct inet_addr dst = path_rig_addr(B6);

	memcpy(ip.dst, dst.b, sizeof(ip.dst));
	memcpy(b, head, sizeof(head));
	ip6_write(b + 8, &ip);
	if (n_front)
		memcpy(b + 48, front, n_front);
	memcpy(b + 48 + n_front, ah, sizeof(ah));
	return 48 + n_front + sizeof(ah);
}

static void test_quoted_ah_over_ipv6_is_found_behind_its_headers(void **state)
{
	static const uint8_t options[] = {44, 0, 1, 4, 0, 0, 0, 0, 51, 0, 0, 1, 0, 0, 0, 9},
	                     first[] = {51, 0, 0, 1, 0, 0, 0, 9}, later[] = {51, 0, 1, 1, 0, 0, 0, 9};
	static const struct {
		uint8_t next;
		const uint8_t *front;
		size_t n;
		bool found;
	} row[] = {
	    {51, NULL, 0, true},
	    {0, options, sizeof(options), true},
	    {44, first, sizeof(first), true},
	    {44, later, sizeof(later), false},
	    {50, NULL, 0, false},
	    {17, first, sizeof(first), false},
	};
	const struct inet_addr b6 = path_rig_addr(B6);
	uint8_t b[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		size_t n = report6(b, row[i].next, row[i].front, row[i].n);

		for (size_t len = 0; len <= n; len++) {
			struct path_report r = {0};
			bool found = quoted_ah6(b, len, &r);

			assert_int_equal(found, row[i].found && len + 4 >= n);
			if (!found)
				continue;
			assert_int_equal(r.mtu, 1280);
			assert_int_equal(r.spi, 0x1001);
			assert_int_equal(r.has_seq, len == n);
			assert_true(inet_addr_equal(&r.dst, &b6));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
	    T(test_fit_without_knowledge_nothing_is_limited),
	    T(test_fit_cuts_before_it_protects),
	    T(test_fit_tells_the_sender_of_what_must_not_be_cut),
	    T(test_fit_a_packet_behind_one_that_was_too_long_is_cut),
	    T(test_fit_answers_are_rationed),
	    T(test_fit_learns_only_from_what_was_sent_lately),
	    T(test_fit_a_path_is_only_lowered_and_forgotten_in_time),
	    T(test_fit_lowers_the_segment_size_where_the_way_is_short),
	    T(test_fit_over_ipv6_tcp_never_relies_on_icmp),
	    T(test_fit_tcp_in_tunnels_with_df_never_relies_on_icmp),
	    T(test_fit_an_ipv6_sender_is_never_told_less_than_every_link_carries),
	    T(test_fit_ipv6_inside_has_no_bit_to_copy),
	    T(test_quoted_header_as_far_as_it_goes),
	    T(test_quoted_ah_over_ipv6_is_found_behind_its_headers),
	};

	return cmocka_run_group_tests_name("fit", tests, NULL, NULL);
}
