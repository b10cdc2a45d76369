/*
 * ISAKMP SAs and pairs as octets that another process left: they come back the same, and what cannot be one
 * is refused field by field.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "keyd/ike1/kept.h"

enum { NOW = 5000000, ROOM = KEEP_OCTETS_MAX, MEMORY = 1 << 16 };

static struct ike_peer peers[4] = {[3] = {.block = 77}};
static struct ike_conf plain = {.peer = peers, .n_peers = 4};
static struct core_conf conf = {.generation = 7, .c = &plain};
static struct isakmp sa;
static struct child pair;
static struct party party;
static struct ike1_octets name; /* of the party, as it was decoded last */
static struct mode_given given;
static uint8_t octets[ROOM];
static size_t n_octets;

static struct ike_path some_path(void)
{
	return (struct ike_path){.local = inet_addr_v4(0x0a000001),
	    .remote = inet_addr_v4(0x0a000002),
	    .local_port = IKE_PORT_NATT,
	    .remote_port = 40000};
}

static struct secret *some_secret(uint8_t fill, size_t n)
{
	uint8_t b[64];
	struct secret *s;

	memset(b, fill, sizeof(b));
	s = secret_dup_bytes(b, n);
	assert_non_null(s);
	return s;
}

static int set_up(void **state)
{
	struct err_text e = {{0}};

	(void)state;
	if (secret_init(MEMORY, &e) < 0 || crypto_init(&e) < 0)
		return -1;
	sa = (struct isakmp){.conf = &conf,
	    .peer = 3,
	    .initiator = true,
	    .nat_here = true,
	    .peer_dpd = true,
	    .nat_form = 2,
	    .mode = IKE_MODE_MAIN,
	    .path = some_path(),
	    .icookie = {1, 2, 3},
	    .rcookie = {4, 5, 6},
	    .terms = {.enc = ALG_ENC_AES_CBC,
	        .key_len = 32,
	        .prf = ALG_PRF_HMAC_SHA256,
	        .group = ALG_GROUP_MODP2048,
	        .auth = IKE_AUTH_PSK,
	        .seconds = 28800},
	    .begun_ms = 1000,
	    .established_ms = 2000,
	    .block = 16,
	    .iv = {9, 9, 9},
	    .peer_id = {.kind = IKE_ID_FQDN, .len = 4, .data = "here"}};
	sa.keys.d = some_secret('d', 32);
	sa.keys.a = some_secret('a', 32);
	sa.cipher_key = some_secret('c', 32);
	assert_int_equal(octets_set(&sa.ticket, "ticket", 6), 0);
	assert_int_equal(octets_set(&sa.ra.user, "carol", 5), 0);
	assert_int_equal(octets_set(&sa.ra.groups, "staff", 6), 0);
	sa.ra.has_lease = true;
	sa.ra.lease = 12;
	sa.ra.address = inet_addr_v4(0xc0a80112);
	given.v.address = inet_addr_v4(0x0a000063);
	given.v.dns[0] = inet_addr_v4(0x0a000035);
	given.v.n_dns = 1;
	given.v.include.net[0] = inet_prefix_host(&given.v.address);
	given.v.include.n = 1;
	assert_int_equal(octets_set(&given.domain, "example.com", 11), 0);
	sa.ra.given = &given;
	assert_int_equal(octets_set(&party.name, "whose", 5), 0);
	pair = (struct child){.initiator = true,
	    .party = &party,
	    .path = some_path(),
	    .out = {.id = 21,
	        .dir = POLICY_OUT,
	        .action = POLICY_IPSEC,
	        .generated = true,
	        .sel = {.src = {inet_addr_v4(0x0a010000), 16},
	            .dst = {inet_addr_v4(0x0a020000), 16},
	            .proto = 6,
	            .sport = 80}},
	    .grant = 99,
	    .made_ms = 3000,
	    .seconds = 3600,
	    .n_parts = 2,
	    .part = {{IPSEC_ESP, IPSEC_TUNNEL, 0x1000, 0x2000, 5, 6, ALG_ENC_AES_CBC, 256,
	                 ALG_AUTH_HMAC_SHA256, ALG_COMP_NONE},
	        {IPSEC_IPCOMP, IPSEC_TRANSPORT, 2, 2, 7, 8, ALG_ENC_NONE, 0, ALG_AUTH_NONE,
	            ALG_COMP_DEFLATE}}};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ike1_keys_fini(&sa.keys);
	secret_free(sa.cipher_key);
	octets_fini(&sa.ticket);
	octets_fini(&sa.ra.user);
	octets_fini(&sa.ra.groups);
	octets_fini(&given.domain);
	octets_fini(&party.name);
	given = (struct mode_given){0};
	return 0;
}

static void encode(void (*fn)(struct wr *w, const void *what), const void *what)
{
	struct wr w = wr_init(octets, sizeof(octets));

	fn(&w, what);
	assert_true(wr_ok(&w));
	n_octets = wr_len(&w);
}

static int decode_sa(struct kept_isakmp *k)
{
	const char *why = NULL;
	int r = kept_isakmp_decode(octets, n_octets, NOW, k, &why);

	assert_int_equal(r < 0, why != NULL);
	return r;
}

static int decode_pair(struct child *k)
{
	const char *why = NULL;
	int r = kept_child_decode(octets, n_octets, NOW, k, &name, &why);

	assert_int_equal(r < 0, why != NULL);
	return r;
}

static void assert_octets(struct ike1_octets o, const void *p, size_t n)
{
	assert_int_equal(o.n, n);
	assert_memory_equal(o.p, p, n);
}

static void test_kept_isakmp_comes_back(void **state)
{
	struct kept_isakmp k;

	(void)state;
	encode(kept_isakmp_encode, &sa);
	assert_int_equal(decode_sa(&k), 0);
	assert_int_equal(k.generation, 7);
	assert_int_equal(k.peer, 3);
	assert_true(k.initiator && k.nat_here && k.peer_dpd && k.has_lease);
	assert_false(k.nat_there || k.cuts || k.user_known || k.configured);
	assert_int_equal(k.mode, IKE_MODE_MAIN);
	assert_memory_equal(&k.path, &sa.path, sizeof(k.path));
	assert_memory_equal(k.icookie, sa.icookie, IKE_COOKIE_LEN);
	assert_memory_equal(k.rcookie, sa.rcookie, IKE_COOKIE_LEN);
	assert_memory_equal(&k.terms, &sa.terms, sizeof(k.terms));
	assert_int_equal(k.established_ms, 2000);
	assert_int_equal(k.block, 16);
	assert_memory_equal(k.iv, sa.iv, 16);
	assert_octets(k.d, secret_bytes(sa.keys.d), 32);
	assert_octets(k.a, secret_bytes(sa.keys.a), 32);
	assert_octets(k.cipher_key, secret_bytes(sa.cipher_key), 32);
	assert_octets(k.ticket, "ticket", 6);
	assert_octets(k.user, "carol", 5);
	assert_octets(k.groups, "staff", 6);
	assert_true(ike_id_equal(&k.peer_id, &sa.peer_id));
	assert_int_equal(k.lease, 12);
	assert_true(inet_addr_equal(&k.address, &sa.ra.address));
	assert_true(k.has_given);
	assert_true(inet_addr_equal(&k.given.address, &given.v.address));
	assert_int_equal(k.given.n_dns, 1);
	assert_true(inet_addr_equal(&k.given.dns[0], &given.v.dns[0]));
	assert_int_equal(k.given.include.n, 1);
	assert_true(inet_prefix_equal(&k.given.include.net[0], &given.v.include.net[0]));
	assert_int_equal(k.given.local.n, 0);
	assert_octets(k.domain, "example.com", 11);
}

static void test_kept_pair_comes_back(void **state)
{
	static const uint8_t zeros[PARTY_NAME_MAX + 1];
	struct child k;

	(void)state;
	encode(kept_child_encode, &pair);
	assert_int_equal(decode_pair(&k), 0);
	assert_true(k.initiator && k.out.generated && !k.replaced);
	assert_memory_equal(&k.path, &pair.path, sizeof(k.path));
	assert_int_equal(k.out.id, 21);
	assert_true(selector_equal(&k.out.sel, &pair.out.sel));
	assert_int_equal(k.grant, 99);
	assert_int_equal(k.made_ms, 3000);
	assert_int_equal(k.seconds, 3600);
	assert_int_equal(k.n_parts, 2);
	assert_memory_equal(k.part, pair.part, 2 * sizeof(k.part[0]));
	assert_octets(name, "whose", 5);
	/* What is longest has room, and no more. */
	assert_int_equal(octets_set(&party.name, zeros, PARTY_NAME_MAX), 0);
	pair.n_parts = POLICY_REQUESTS_MAX;
	for (uint8_t i = 2; i < pair.n_parts; i++)
		pair.part[i] = pair.part[0];
	encode(kept_child_encode, &pair);
	assert_int_equal(decode_pair(&k), 0);
	assert_int_equal(name.n, PARTY_NAME_MAX);
	assert_int_equal(octets_set(&party.name, zeros, PARTY_NAME_MAX + 1), 0);
	encode(kept_child_encode, &pair);
	assert_int_equal(decode_pair(&k), -EBADMSG);
	/* It is always somebody's. */
	party.name.n = 0;
	encode(kept_child_encode, &pair);
	assert_int_equal(decode_pair(&k), -EBADMSG);
}

/* As large as anything in it may be. */
static void test_kept_largest_isakmp_has_room(void **state)
{
	static const uint8_t zeros[2048];
	struct kept_isakmp k;

	(void)state;
	sa.peer_id.len = IKE_ID_DATA_MAX;
	assert_int_equal(octets_set(&sa.ticket, zeros, 2048), 0);
	assert_int_equal(octets_set(&sa.ra.user, zeros, 128), 0);
	assert_int_equal(octets_set(&sa.ra.groups, zeros, 512), 0);
	assert_int_equal(octets_set(&given.domain, zeros, 512), 0);
	for (given.v.include.n = 0; given.v.include.n < IKE1_CFG_NETS_MAX; given.v.include.n++)
		given.v.include.net[given.v.include.n] = inet_prefix_host(&sa.path.local);
	given.v.local = given.v.include;
	encode(kept_isakmp_encode, &sa);
	assert_int_equal(decode_sa(&k), 0);
	assert_int_equal(octets_set(&sa.ra.groups, zeros, 513), 0);
	encode(kept_isakmp_encode, &sa);
	assert_int_equal(decode_sa(&k), -EBADMSG);
}

static void test_kept_truncated_or_longer_is_refused(void **state)
{
	struct kept_isakmp k;
	struct child c;
	size_t whole;

	(void)state;
	encode(kept_isakmp_encode, &sa);
	for (whole = n_octets, n_octets = 0; n_octets < whole; n_octets++)
		assert_int_equal(decode_sa(&k), -EBADMSG);
	n_octets = whole + 1;
	assert_int_equal(decode_sa(&k), -EBADMSG);
	encode(kept_child_encode, &pair);
	for (whole = n_octets, n_octets = 0; n_octets < whole; n_octets++)
		assert_int_equal(decode_pair(&c), -EBADMSG);
	n_octets = whole + 1;
	assert_int_equal(decode_pair(&c), -EBADMSG);
}

/* Each is one field that no SA can have. */
#define BAD_SA(field, value)                                                                                 \
	do {                                                                                                 \
		struct isakmp was = sa;                                                                      \
		struct kept_isakmp k;                                                                        \
		sa.field = value;                                                                            \
		encode(kept_isakmp_encode, &sa);                                                             \
		sa = was;                                                                                    \
		assert_int_equal(decode_sa(&k), -EBADMSG);                                                   \
	} while (0)
#define BAD_PAIR(field, value)                                                                               \
	do {                                                                                                 \
		struct child was = pair, c;                                                                  \
		pair.field = value;                                                                          \
		encode(kept_child_encode, &pair);                                                            \
		pair = was;                                                                                  \
		assert_int_equal(decode_pair(&c), -EBADMSG);                                                 \
	} while (0)

static void test_kept_fields_are_judged_one_by_one(void **state)
{
	(void)state;
	BAD_SA(mode, IKE_MODE_NONE);
	BAD_SA(mode, IKE_MODES);
	BAD_SA(nat_form, 3);
	BAD_SA(path.local.family, INET_NONE);
	BAD_SA(path.remote.family, INET_V6);
	BAD_SA(path.local.family, 5);
	BAD_SA(path.remote_port, 0);
	BAD_SA(path.local_port, 501);
	BAD_SA(path.local.scope, 2);
	BAD_SA(terms.enc, ALG_ENC_NONE);
	BAD_SA(terms.enc, ALG_ENC_AES_GCM_16);
	BAD_SA(terms.enc, ALG_ENC_3DES_CBC);
	BAD_SA(terms.enc, 99);
	BAD_SA(terms.key_len, 24);
	BAD_SA(terms.prf, ALG_PRF_NONE);
	BAD_SA(terms.prf, ALG_PRF_HMAC_SHA1);
	BAD_SA(terms.group, 99);
	BAD_SA(terms.auth, IKE_AUTH_NONE);
	BAD_SA(terms.auth, 7);
	BAD_SA(terms.seconds, 0);
	BAD_SA(terms.seconds, (uint64_t)1 << 40);
	BAD_SA(begun_ms, 2001);
	BAD_SA(established_ms, NOW + 1);
	BAD_SA(block, 8);
	BAD_SA(block, 0);
	BAD_SA(peer_id.kind, IKE_ID_NONE);
	BAD_SA(peer_id.kind, IKE_ID_DN_DER + 1);
	BAD_SA(ticket.n, 0);
	BAD_SA(ra.groups.n, 5);
	BAD_SA(ra.has_lease, false);
	given.v.n_dns = IKE1_CFG_SERVERS_MAX + 1;
	BAD_SA(mode, IKE_MODE_MAIN);
	given.v.n_dns = 1;
	given.v.include.net[0].plen = 33;
	BAD_SA(mode, IKE_MODE_MAIN);
	given.v.include.net[0].plen = 32;
	BAD_SA(ra.address.family, INET_NONE);
	sa.icookie[1] = sa.icookie[2] = 0;
	BAD_SA(icookie[0], 0);
	BAD_PAIR(out.id, 0);
	BAD_PAIR(out.sel.src.plen, 33);
	BAD_PAIR(out.sel.dst.addr.family, INET_V6);
	BAD_PAIR(out.sel.proto, 300);
	BAD_PAIR(made_ms, NOW + 1);
	BAD_PAIR(seconds, (uint64_t)1 << 40);
	BAD_PAIR(n_parts, 0);
	BAD_PAIR(part[0].proto, 6);
	BAD_PAIR(part[0].mode, IPSEC_MODE_ANY);
	BAD_PAIR(part[0].spi_in, 255);
	BAD_PAIR(part[0].spi_out, 0);
	BAD_PAIR(part[1].serial_in, 0);
	BAD_PAIR(part[1].serial_out, 0);
	BAD_PAIR(part[0].enc, 99);
	BAD_PAIR(part[0].auth, 99);
	BAD_PAIR(part[1].comp, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_kept_isakmp_comes_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_kept_pair_comes_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_kept_largest_isakmp_has_room, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_kept_truncated_or_longer_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_kept_fields_are_judged_one_by_one, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
