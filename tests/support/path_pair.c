#include "support/path_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct path_rig pair_a, pair_b;
uint8_t pair_buf[PKT_LEN_MAX];

int pair_setup(void **state)
{
	(void)state;
	path_rig_init(&pair_a);
	path_rig_init(&pair_b);
	return 0;
}

int pair_teardown(void **state)
{
	(void)state;
	path_rig_fini(&pair_a);
	path_rig_fini(&pair_b);
	return 0;
}

/* The SA in both SADs. */
void pair_add(const struct sa_desc *d)
{
	assert_non_null(path_rig_add(&pair_a, d, NULL));
	assert_non_null(path_rig_add(&pair_b, d, NULL));
}

/* Policies out of A and into B for this selector, with the requests that `fill` adds. */
void pair_protect(const struct selector *sel, void (*fill)(struct policy *p))
{
	struct policy out = path_rig_policy(POLICY_OUT, sel, POLICY_IPSEC),
	              in = path_rig_policy(POLICY_IN, sel, POLICY_IPSEC);

	fill(&out);
	fill(&in);
	path_rig_spd(&pair_a, &out, 1);
	path_rig_spd(&pair_b, &in, 1);
}

void tunnel_esp(struct policy *p)
{
	path_rig_request(p, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_REQUIRE, A, B);
}

void tunnel_ah(struct policy *p)
{
	path_rig_request(p, IPSEC_AH, IPSEC_TUNNEL, LEVEL_REQUIRE, A, B);
}

void transport_esp(struct policy *p)
{
	path_rig_request(p, IPSEC_ESP, IPSEC_TRANSPORT, LEVEL_REQUIRE, NULL, NULL);
}

void transport_ah(struct policy *p)
{
	path_rig_request(p, IPSEC_AH, IPSEC_TRANSPORT, LEVEL_REQUIRE, NULL, NULL);
}

void transport_bundle(struct policy *p)
{
	transport_esp(p);
	transport_ah(p);
}

void tunnel_bundle(struct policy *p)
{
	tunnel_esp(p);
	tunnel_ah(p);
}

void use_tunnel_bundle(struct policy *p)
{
	path_rig_request(p, IPSEC_ESP, IPSEC_TUNNEL, LEVEL_USE, A, B);
	path_rig_request(p, IPSEC_AH, IPSEC_TUNNEL, LEVEL_USE, A, B);
}

struct selector pair_nets(void)
{
	return path_rig_selector(NET_A, NET_B, IPPROTO_ANY_);
}

struct selector pair_hosts(void)
{
	return path_rig_selector(A, B, IPPROTO_ANY_);
}

/* Sends one packet of `n` octets from A to B; it must arrive as it was. */
void pair_expect_arrives(const char *src, const char *dst, size_t n)
{
	size_t len = path_rig_udp(pair_buf, src, dst, 1000, 2000, n);

	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	assert_int_equal(pair_a.batch.pkt[0].reason, DROP_NONE);
	assert_int_equal(pair_a.batch.pkt[0].verdict, VERDICT_SEND);
	assert_int_equal(path_rig_wire(&pair_a, &pair_b), 1);
	path_rig_in(&pair_b);
	assert_int_equal(pair_b.batch.pkt[0].reason, DROP_NONE);
	assert_int_equal(pair_b.batch.pkt[0].verdict, VERDICT_DELIVER);
	assert_int_equal(pair_b.batch.pkt[0].len, len);
	assert_memory_equal(pair_b.batch.pkt[0].data, pair_buf, len);
}

size_t pair_send(const char *src, const char *dst)
{
	size_t len = path_rig_udp(pair_buf, src, dst, 1000, 2000, 64);

	path_rig_clear(&pair_a);
	path_rig_put(&pair_a, pair_buf, len);
	path_rig_out(&pair_a);
	return len;
}

struct sa_desc pair_esp(uint32_t spi, enum ipsec_mode mode)
{
	return path_rig_desc(A, B, IPSEC_ESP, spi, mode, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256);
}
