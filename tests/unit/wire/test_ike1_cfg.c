/*
 * XAuth's and mode config's attributes: what real clients send, and what must not be taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/ike/v1_cfg.h"

static struct ike1_config parse(const uint8_t *body, size_t n)
{
	const struct ike_payload p = {.type = IKE1_P_ATTRIBUTES, .body = body, .len = (uint32_t)n};
	struct ike1_config c;

	assert_int_equal(ike1_config_parse(&p, &c), IKE_OK);
	return c;
}
#define PARSE(...) parse((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* What vpnc answers: type as a number, then two texts. */
static void test_xauth_reply(void **state)
{
	static const uint8_t body[] = {2, 0, 0, 9, 0xc0, 0x88, 0, 0, 0x40, 0x89, 0, 5, 'a', 'l', 'i', 'c',
	    'e', 0x40, 0x8a, 0, 2, 'p', 'w'};
	const struct ike1_config c = parse(body, sizeof(body));
	struct ike1_xauth x;

	assert_int_equal(ike1_xauth_decode(&c, &x), IKE_OK);
	assert_true(x.any && x.user.there && x.password.there && !x.passcode.there && !x.has_status);
	assert_int_equal(x.type, IKE1_XAUTH_GENERIC);
	assert_int_equal(x.user.n, 5);
	assert_memory_equal(x.user.p, "alice", 5);
	assert_memory_equal(x.password.p, "pw", 2);
	assert_int_equal(c.id, 9);
}

static void test_xauth_status(void **state)
{
	const struct ike1_config c = PARSE(3, 0, 0, 1, 0xc0, 0x8f, 0, 1);
	struct ike1_xauth x;

	assert_int_equal(ike1_xauth_decode(&c, &x), IKE_OK);
	assert_true(x.has_status && x.status == IKE1_XAUTH_OK);
}

static void test_xauth_refused(void **state)
{
	const struct ike1_config twice = PARSE(2, 0, 0, 9, 0x40, 0x89, 0, 1, 'a', 0x40, 0x89, 0, 1, 'b'),
	                         number = PARSE(2, 0, 0, 9, 0xc0, 0x89, 0, 7),
	                         wide = PARSE(3, 0, 0, 1, 0x40, 0x8f, 0, 4, 0, 1, 0, 1);
	struct ike1_xauth x;

	assert_int_equal(ike1_xauth_decode(&twice, &x), IKE_BAD_VALUE);
	assert_int_equal(ike1_xauth_decode(&number, &x), IKE_BAD_VALUE);
	assert_int_equal(ike1_xauth_decode(&wide, &x), IKE_BAD_VALUE);
}

/* Asked for with empty texts, by others with a zero. */
static void test_request(void **state)
{
	const struct ike1_config c = PARSE(1, 0, 0, 9, 0, 1, 0, 0, 0x80, 2, 0, 0, 0, 3, 0, 0, 0x70, 1, 0, 0);
	struct ike1_values v;

	assert_int_equal(ike1_values_decode(&c, &v), IKE_OK);
	assert_int_equal(v.has, IKE1_HAS_ADDRESS | IKE1_HAS_NETMASK | IKE1_HAS_DNS | IKE1_HAS_SAVE_PASSWD);
	assert_int_equal(v.address.family, INET_NONE);
}

static void test_values_are_read_as_written(void **state)
{
	struct ike1_values v = {.has = IKE1_CFG_ALL,
	                       .address = inet_addr_v4(0x0a090901),
	                       .netmask = inet_addr_v4(0xffffff00),
	                       .dns = {inet_addr_v4(1), inet_addr_v4(2)},
	                       .nbns = {inet_addr_v4(3)},
	                       .n_dns = 2,
	                       .n_nbns = 1,
	                       .expiry_s = 70000,
	                       .save_passwd = 1,
	                       .pfs = 14,
	                       .domain = {(const uint8_t *)"x.y", 3, true},
	                       .include = {.net = {{inet_addr_v4(0x0a010000), 16}}, .n = 1}},
	                   w;
	uint8_t buf[512], first;
	struct ike1_config c;
	struct ike_out o;
	size_t n;

	ike_out_init_chain(&o, buf, sizeof(buf), &first);
	ike1_put_config(&o, IKE1_CFG_REPLY, 9);
	ike1_put_values(&o, &v);
	n = ike_out_end(&o);
	assert_int_equal(first, IKE1_P_ATTRIBUTES);
	c = parse(buf + IKE_PAYLOAD_HDR_LEN, n - IKE_PAYLOAD_HDR_LEN);
	assert_int_equal(ike1_values_decode(&c, &w), IKE_OK);
	assert_int_equal(w.has, IKE1_CFG_ALL);
	assert_true(inet_addr_equal(&w.address, &v.address) && inet_addr_equal(&w.netmask, &v.netmask));
	assert_int_equal(w.n_dns, 2);
	assert_int_equal(w.expiry_s, 70000);
	assert_int_equal(w.pfs, 14);
	assert_int_equal(w.include.net[0].plen, 16);
	assert_int_equal(w.local.n, 0);
}

/* The network of a Cisco: fourteen octets, or eight. */
static void test_networks(void **state)
{
	const struct ike1_config c = PARSE(2, 0, 0, 9, 0x70, 4, 0, 22, 10, 1, 0, 0, 255, 255, 0, 0, 0, 0, 0,
	    0, 0, 0, 10, 2, 0, 0, 255, 0, 0, 0);
	struct ike1_values v;

	assert_int_equal(ike1_values_decode(&c, &v), IKE_OK);
	assert_int_equal(v.include.n, 2);
	assert_int_equal(v.include.net[1].plen, 8);
}

static void test_values_refused(void **state)
{
	const struct ike1_config mask = PARSE(2, 0, 0, 9, 0, 2, 0, 4, 255, 0, 255, 0),
	                         short_addr = PARSE(2, 0, 0, 9, 0, 1, 0, 3, 10, 0, 0),
	                         two = PARSE(2, 0, 0, 9, 0, 1, 0, 4, 10, 0, 0, 1, 0, 1, 0, 4, 10, 0, 0, 2),
	                         net = PARSE(2, 0, 0, 9, 0x70, 4, 0, 9, 10, 0, 0, 0, 255, 0, 0, 0, 0),
	                         cut = PARSE(2, 0, 0, 9, 0x70, 4, 0, 3, 10, 0, 0);
	struct ike1_values v;

	assert_int_equal(ike1_values_decode(&mask, &v), IKE_BAD_VALUE);
	assert_int_equal(ike1_values_decode(&short_addr, &v), IKE_BAD_VALUE);
	assert_int_equal(ike1_values_decode(&two, &v), IKE_BAD_VALUE);
	assert_int_equal(ike1_values_decode(&net, &v), IKE_BAD_VALUE);
	assert_int_equal(ike1_values_decode(&cut, &v), IKE_BAD_VALUE);
}

/* More than there is room for: the first ones. */
static void test_many_servers(void **state)
{
	const struct ike1_config c =
	    PARSE(2, 0, 0, 9, 0, 3, 0, 20, 1, 0, 0, 1, 1, 0, 0, 2, 1, 0, 0, 3, 1, 0, 0, 4, 1, 0, 0, 5);
	struct ike1_values v;

	assert_int_equal(ike1_values_decode(&c, &v), IKE_OK);
	assert_int_equal(v.n_dns, IKE1_CFG_SERVERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xauth_reply),
	    cmocka_unit_test(test_xauth_status),
	    cmocka_unit_test(test_xauth_refused),
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_values_are_read_as_written),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_values_refused),
	    cmocka_unit_test(test_many_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
