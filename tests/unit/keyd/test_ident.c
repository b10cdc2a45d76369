/*
 * Identities: each kind to its ID payload's body and back, and selectors to two bodies and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>

#include "base/rng.h"
#include "keyd/core/ident.h"

enum { ROUNDS = 5000 };

static struct rng_seeded dice;

static uint32_t below(uint32_t n)
{
	return rng_below(&dice.rng, n);
}

static struct inet_addr addr(const char *text)
{
	struct inet_addr a;

	assert_int_equal(inet_addr_parse(text, &a), 0);
	return a;
}

/* A body as the peer parses it. The data stay in `body`. */
static struct ike1_ident parsed(const struct octets *body)
{
	const struct ike_payload p = {.type = IKE1_P_ID, .body = body->p, .len = (uint32_t)body->n};
	struct ike1_ident id;

	assert_int_equal(ike1_ident_parse(&p, &id), IKE_OK);
	return id;
}

static struct ike_id make_id(enum ike_id_kind kind, const void *data, size_t n)
{
	struct ike_id id = {.kind = kind, .len = (uint16_t)n};

	memcpy(id.data, data, n);
	return id;
}

static void there_and_back(const struct ike_id *id, const struct ike_id *want, uint8_t type)
{
	const struct inet_addr local = addr("10.0.0.100");
	const struct ike1_octets subject = {"the subject", 11};
	struct octets body = {0};
	struct ike1_ident wire;
	struct ike_id back;

	assert_int_equal(ident_body(id, &local, &subject, &body), 0);
	wire = parsed(&body);
	assert_int_equal(wire.type, type);
	/* With addresses the port of the exchange itself, with everything else nothing. */
	assert_int_equal(wire.proto, want->kind == IKE_ID_ADDRESS ? IPPROTO_UDP : 0);
	assert_int_equal(wire.port, want->kind == IKE_ID_ADDRESS ? IKE_PORT : 0);
	assert_int_equal(ident_peer(&wire, &back), 0);
	assert_true(ike_id_equal(&back, want));
	octets_fini(&body);
}

static void test_ident_each_kind_there_and_back(void **state)
{
	static const struct {
		enum ike_id_kind kind;
		uint8_t type;
	} rows[] = {{IKE_ID_FQDN, IKE1_ID_FQDN}, {IKE_ID_USER_FQDN, IKE1_ID_USER_FQDN},
	    {IKE_ID_KEYID, IKE1_ID_KEY}, {IKE_ID_DN_DER, IKE1_ID_DN}};
	const struct inet_addr v4 = addr("10.1.2.3"), v6 = addr("2001:db8::7"), local = addr("10.0.0.100");
	struct ike_id id, want;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		id = make_id(rows[i].kind, "moon@example.org", 16);
		there_and_back(&id, &id, rows[i].type);
		id.len = 1;
		there_and_back(&id, &id, rows[i].type);
		id.len = IKE_ID_DATA_MAX;
		there_and_back(&id, &id, rows[i].type);
	}
	id = make_id(IKE_ID_ADDRESS, v4.b, 4);
	there_and_back(&id, &id, IKE1_ID_IPV4);
	id = make_id(IKE_ID_ADDRESS, v6.b, 16);
	there_and_back(&id, &id, IKE1_ID_IPV6);
	/* Not said: the address in use, and the certificate's name. */
	id = make_id(IKE_ID_ADDRESS, "", 0);
	want = make_id(IKE_ID_ADDRESS, local.b, 4);
	there_and_back(&id, &want, IKE1_ID_IPV4);
	id = make_id(IKE_ID_DN, "", 0);
	want = make_id(IKE_ID_DN_DER, "the subject", 11);
	there_and_back(&id, &want, IKE1_ID_DN);
	id = make_id(IKE_ID_DN, "CN=text", 7);
	there_and_back(&id, &want, IKE1_ID_DN);
}

static void test_ident_that_cannot_be_said(void **state)
{
	const struct inet_addr local = addr("10.0.0.100");
	const struct ike1_octets empty = {"", 0};
	struct ike_id dn = make_id(IKE_ID_DN, "", 0), none = {0};
	struct octets body = {0};

	assert_int_equal(ident_body(&dn, &local, NULL, &body), -ENOENT);
	assert_int_equal(ident_body(&dn, &local, &empty, &body), -ENOENT);
	assert_int_equal(ident_body(&none, &local, NULL, &body), -EOPNOTSUPP);
	assert_null(body.p);
}

static void test_ident_ports_of_phase_1(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
		int want;
	} rows[] = {{0, 0, 0}, {17, 500, 0}, {17, 4500, 0}, {17, 0, 0}, {17, 501, -EBADMSG},
	    {6, 500, -EBADMSG}, {0, 500, -EBADMSG}, {6, 0, -EBADMSG}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct ike1_ident id = {.type = IKE1_ID_FQDN,
		    .proto = rows[i].proto,
		    .port = rows[i].port,
		    .data = (const uint8_t *)"moon",
		    .len = 4};
		struct ike_id ret;

		if (ident_peer(&id, &ret) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

/* What names networks, or nothing known, names no peer. */
static void test_ident_types_that_are_no_peer(void **state)
{
	static const uint8_t data[IKE_ID_DATA_MAX + 1] = {1};
	struct ike_id ret = {.kind = IKE_ID_KEYID, .len = 1};

	for (unsigned type = 0; type <= UINT8_MAX; type++) {
		const struct ike1_ident id = {.type = (uint8_t)type, .data = data, .len = 4};
		bool ok = type == IKE1_ID_IPV4 || type == IKE1_ID_FQDN || type == IKE1_ID_USER_FQDN ||
		          type == IKE1_ID_IPV6 || type == IKE1_ID_DN || type == IKE1_ID_KEY;

		assert_int_equal(ident_peer(&id, &ret), ok ? 0 : -EBADMSG);
	}
	ret = (struct ike_id){.kind = IKE_ID_KEYID, .len = 1};
	assert_int_equal(
	    ident_peer(&(struct ike1_ident){.type = IKE1_ID_KEY, .data = data, .len = sizeof(data)}, &ret),
	    -EBADMSG);
	assert_int_equal(ret.len, 1);
}

/* --- selectors --- */

static struct inet_prefix any_prefix(bool v6)
{
	uint8_t b[16];
	struct inet_prefix p;

	dice.rng.fill(&dice.rng, b, sizeof(b));
	p.addr = inet_addr_from_bytes(b, v6 ? 16 : 4);
	p.plen = (uint8_t)below(inet_addr_bits(&p.addr) + 1U);
	return p;
}

static struct selector any_selector(void)
{
	static const uint16_t protos[] = {
	    IPPROTO_ANY_, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE, 50, 255};
	bool v6 = below(2);
	struct selector s = {.src = any_prefix(v6), .dst = any_prefix(v6), .proto = protos[below(7)]};

	if (ip_proto_has_ports(s.proto) || ip_proto_has_misc(s.proto)) {
		s.sport = (uint16_t)(below(2) * below(65536));
		s.dport = (uint16_t)(below(2) * below(65536));
	}
	s.misc = ip_proto_has_misc(s.proto) && (s.sport || s.dport);
	return s;
}

/* Of what is one network on each side; -EXDEV: it is more. */
static int one_selector(const struct ike1_ident *src, const struct ike1_ident *dst, struct selector *ret)
{
	struct selector s[IDENT_NETS_MAX];
	uint8_t n = 0;
	int r = ident_selectors(src, dst, s, &n);

	if (r == 0 && n == 1)
		*ret = s[0];
	return r == 0 && n > 1 ? -EXDEV : r;
}

static void test_ident_selectors_there_and_back(void **state)
{
	rng_seeded_init(&dice, 1);
	for (int i = 0; i < ROUNDS; i++) {
		struct selector s = any_selector(), back;
		struct octets src = {0}, dst = {0};
		struct ike1_ident a, b;
		const char *why;
		int r;

		assert_int_equal(ident_side_body(&s.src, s.proto, s.sport, &src), 0);
		assert_int_equal(ident_side_body(&s.dst, s.proto, s.dport, &dst), 0);
		a = parsed(&src);
		b = parsed(&dst);
		r = one_selector(&a, &b, &back);
		/* ICMP's types and codes have a range, which a random one may miss. */
		if (selector_check(&s, &why) < 0) {
			assert_int_equal(r, -EBADMSG);
		} else {
			assert_int_equal(r, 0);
			s.src.addr = inet_prefix_first(&s.src);
			s.dst.addr = inet_prefix_first(&s.dst);
			assert_true(selector_equal(&s, &back));
		}
		octets_fini(&src);
		octets_fini(&dst);
	}
}

static struct ike1_ident range(const struct inet_addr *first, const struct inet_addr *last, uint8_t *data)
{
	size_t n = inet_addr_len(first);

	memcpy(data, first->b, n);
	memcpy(data + n, last->b, n);
	return (struct ike1_ident){
	    .type = n == 4 ? IKE1_ID_IPV4_RANGE : IKE1_ID_IPV6_RANGE, .data = data, .len = (uint32_t)(2 * n)};
}

static int ranged(const char *first, const char *last, struct selector *ret)
{
	const struct inet_addr a = addr(first), b = addr(last);
	uint8_t d[32], e[32];
	struct ike1_ident src = range(&a, &b, d), dst = range(&a, &a, e);

	return one_selector(&src, &dst, ret);
}

static void test_ident_ranges(void **state)
{
	struct selector s = {0};
	char text[INET_PREFIX_STRLEN];

	assert_int_equal(ranged("10.0.0.0", "10.0.0.255", &s), 0);
	assert_string_equal(inet_prefix_format(&s.src, text), "10.0.0.0/24");
	assert_string_equal(inet_prefix_format(&s.dst, text), "10.0.0.0");
	assert_int_equal(ranged("10.0.0.4", "10.0.0.4", &s), 0);
	assert_string_equal(inet_prefix_format(&s.src, text), "10.0.0.4");
	assert_int_equal(ranged("0.0.0.0", "255.255.255.255", &s), 0);
	assert_string_equal(inet_prefix_format(&s.src, text), "0.0.0.0/0");
	assert_int_equal(ranged("2001:db8::", "2001:db8::ffff", &s), 0);
	assert_string_equal(inet_prefix_format(&s.src, text), "2001:db8::/112");
	/* More than one network: a policy cannot say it. */
	assert_int_equal(ranged("10.0.0.1", "10.0.0.2", &s), -EXDEV);
	assert_int_equal(ranged("10.0.0.0", "10.0.0.254", &s), -EXDEV);
	assert_int_equal(ranged("10.0.0.255", "10.0.1.0", &s), -EXDEV);
	/* Backwards. */
	assert_int_equal(ranged("10.0.0.2", "10.0.0.1", &s), -EBADMSG);
}

/* Ranges on both sides are every pair of their networks, which hold each address once and no other. */
static void test_ident_ranges_like_a_list(void **state)
{
	enum { SPAN = 32, BASE = 0x0a000000 };

	for (uint32_t from = 0; from < SPAN; from++)
		for (uint32_t to = from; to < SPAN; to++) {
			const struct inet_addr a = inet_addr_v4(BASE + from), b = inet_addr_v4(BASE + to),
			                       six = addr("2001:db8::1");
			uint8_t d[32], e[32], n = 0;
			struct ike1_ident src = range(&a, &b, d), dst = range(&a, &a, e),
			                  v6 = range(&six, &six, e);
			struct selector s[IDENT_NETS_MAX];

			assert_int_equal(ident_selectors(&src, &v6, s, &n), -EBADMSG);
			dst = range(&a, &a, e);
			assert_int_equal(ident_selectors(&src, &dst, s, &n), 0);
			for (uint32_t at = 0; at < SPAN + 1; at++) {
				const struct inet_addr x = inet_addr_v4(BASE + at);
				unsigned held = 0;

				for (uint8_t i = 0; i < n; i++)
					held += inet_prefix_contains(&s[i].src, &x);
				assert_int_equal(held, at >= from && at <= to);
			}
		}
}

static void test_ident_ranges_are_bounded(void **state)
{
	/* 1 + 2 + 4 + 8, and down again: four networks up, four down. */
	static const struct {
		const char *first, *last;
		int n;
	} rows[] = {{"10.0.0.1", "10.0.0.2", 2 * 2}, {"10.0.0.1", "10.0.0.6", 4 * 4},
	    {"2001:db8::1", "2001:db8::6", 4 * 4}, {"10.0.0.1", "10.0.0.14", -E2BIG},
	    {"2001:db8::1", "2001:db8::e", -E2BIG}, {"0.0.0.1", "255.255.255.254", -E2BIG},
	    {"::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", -E2BIG}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct inet_addr a = addr(rows[i].first), b = addr(rows[i].last);
		uint8_t d[32], n = 0;
		const struct ike1_ident id = range(&a, &b, d);
		struct selector s[IDENT_NETS_MAX];
		int r = ident_selectors(&id, &id, s, &n);

		assert_int_equal(r < 0 ? r : n, rows[i].n);
	}
}

static void test_ident_range_there_and_back(void **state)
{
	static const char *const rows[][2] = {
	    {"10.0.0.1", "10.0.0.9"}, {"10.0.0.0", "10.0.0.255"}, {"2001:db8::1", "2001:db8::2:0"}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct inet_addr a = addr(rows[i][0]), b = addr(rows[i][1]);
		struct inet_addr first, last;
		struct octets body = {0};
		struct ike1_ident id;

		assert_int_equal(ident_range_body(&a, &b, IPPROTO_TCP, 80, &body), 0);
		id = parsed(&body);
		assert_int_equal(id.type, a.family == INET_V4 ? IKE1_ID_IPV4_RANGE : IKE1_ID_IPV6_RANGE);
		assert_true(id.proto == IPPROTO_TCP && id.port == 80);
		assert_int_equal(ike1_ident_range(&id, &first, &last), IKE_OK);
		assert_true(inet_addr_equal(&first, &a) && inet_addr_equal(&last, &b));
		octets_fini(&body);
	}
}

static void test_ident_selectors_that_are_none(void **state)
{
	const struct inet_addr four = addr("10.0.0.1"), six = addr("2001:db8::1");
	const struct ike1_ident v4 = {.type = IKE1_ID_IPV4, .data = four.b, .len = 4},
	                        v6 = {.type = IKE1_ID_IPV6, .data = six.b, .len = 16},
	                        name = {.type = IKE1_ID_FQDN, .data = (const uint8_t *)"moon", .len = 4},
	                        tcp = {.type = IKE1_ID_IPV4, .proto = IPPROTO_TCP, .data = four.b, .len = 4},
	                        port = {.type = IKE1_ID_IPV4, .port = 80, .data = four.b, .len = 4};
	struct selector s;

	assert_int_equal(one_selector(&v4, &v4, &s), 0);
	assert_int_equal(one_selector(&v4, &v6, &s), -EBADMSG);
	assert_int_equal(one_selector(&v4, &name, &s), -EBADMSG);
	assert_int_equal(one_selector(&name, &v4, &s), -EBADMSG);
	assert_int_equal(one_selector(&v4, &tcp, &s), -EBADMSG);
	assert_int_equal(one_selector(&tcp, &v4, &s), -EBADMSG);
	/* A port of whatever protocol is one of setkey's selectors too. */
	assert_int_equal(one_selector(&port, &port, &s), 0);
	assert_int_equal(s.sport, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ident_each_kind_there_and_back),
	    cmocka_unit_test(test_ident_that_cannot_be_said),
	    cmocka_unit_test(test_ident_ports_of_phase_1),
	    cmocka_unit_test(test_ident_types_that_are_no_peer),
	    cmocka_unit_test(test_ident_selectors_there_and_back),
	    cmocka_unit_test(test_ident_ranges),
	    cmocka_unit_test(test_ident_ranges_like_a_list),
	    cmocka_unit_test(test_ident_ranges_are_bounded),
	    cmocka_unit_test(test_ident_range_there_and_back),
	    cmocka_unit_test(test_ident_selectors_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
