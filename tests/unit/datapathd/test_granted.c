/*
 * What keyd may do to the SAD under a grant, and every way in which it may not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "datapathd/sa/granted.h"
#include "datapathd/sa/lifetime.h"
#include "support/path_rig.h"

#define HERE  "10.0.0.1"
#define PEER  "10.0.0.2"
#define OTHER "10.0.0.3"

enum { GRANT = 41, REQID_OUT = 11, REQID_IN = 12, LONGEST = GRANTED_WINDOW_MAX / 8 };

static struct path_rig rig;
static struct grants grants;
static const char keyd_a[1], keyd_b[1];
static const struct granted_by by_a = {.holder = keyd_a, .pid = 500}, by_b = {.holder = keyd_b, .pid = 501};

/* The bundle of a policy: ESP in a tunnel with two ciphers and two proofs to choose from, AH around it in
 * transport mode, IPComp inside. */
static struct grant grant_of(void)
{
	return (struct grant){
	    .id = GRANT,
	    .local = path_rig_addr(HERE),
	    .remote = path_rig_addr(PEER),
	    .expires_ms = 2000000,
	    .n_requests = 3,
	    .req =
	        {
	            {.proto = IPSEC_IPCOMP, .mode = IPSEC_TUNNEL},
	            {
	                .proto = IPSEC_ESP,
	                .mode = IPSEC_TUNNEL,
	                .reqid_out = REQID_OUT,
	                .reqid_in = REQID_IN,
	                .enc = 1u << ALG_ENC_AES_CBC | 1u << ALG_ENC_AES_GCM_16,
	                .auth = 1u << ALG_AUTH_HMAC_SHA1 | 1u << ALG_AUTH_HMAC_SHA256,
	            },
	            {.proto = IPSEC_AH, .mode = IPSEC_TRANSPORT},
	        },
	};
}

static int setup(void **state)
{
	const struct grant g = grant_of();

	(void)state;
	path_rig_init(&rig);
	assert_int_equal(grants_init(&grants), 0);
	assert_int_equal(grants_put(&grants, &g, rig.clock.ms), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	grants_fini(&grants);
	path_rig_fini(&rig);
	return 0;
}

static int reserve(const struct granted_by *by, enum ipsec_proto proto, uint32_t *ret, struct err_text *e)
{
	const struct granted_spi want = {
	    .grant = GRANT, .src = path_rig_addr(PEER), .dst = path_rig_addr(HERE), .proto = proto};

	return granted_reserve(&rig.sad, &grants, by, &want, &rig.rng.rng, ret, e);
}

static uint32_t reserved(const struct granted_by *by, enum ipsec_proto proto)
{
	struct err_text e = {0};
	uint32_t spi = 0;

	assert_int_equal(reserve(by, proto, &spi, &e), 0);
	return spi;
}

/* An SA as the grant has it. */
static struct sa_desc good(bool inbound, uint32_t spi)
{
	struct sa_desc d = path_rig_desc(inbound ? PEER : HERE, inbound ? HERE : PEER, IPSEC_ESP, spi,
	    IPSEC_TUNNEL, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1);

	d.flags = 0;
	d.reqid = inbound ? REQID_IN : REQID_OUT;
	d.life = (struct sa_lifetime){.soft_s = 80, .hard_s = 100};
	return d;
}

static int install(
    const struct granted_by *by, const struct sa_desc *d, bool inbound, uint64_t *ret, struct err_text *e)
{
	const struct granted_sa sa = {.grant = GRANT, .inbound = inbound, .desc = d};
	const char *why;

	assert_int_equal(sa_desc_check(d, &why), 0);
	return granted_install(&rig.sad, &grants, by, &sa, NULL, NULL, ret, e);
}

static struct sa *installed(const struct sa_desc *d, bool inbound)
{
	struct err_text e = {0};
	uint64_t serial;

	assert_int_equal(install(&by_a, d, inbound, &serial, &e), 0);
	return sad_find_serial(&rig.sad, serial);
}

static void test_granted_pair_is_installed_and_belongs_to_keyd(void **state)
{
	const struct sa_desc in = good(true, reserved(&by_a, IPSEC_ESP)), out = good(false, 0x1000);
	struct sa_status st;
	struct sa *a, *b;

	(void)state;
	a = installed(&in, true);
	b = installed(&out, false);
	assert_ptr_equal(a, sad_find(&rig.sad, &in.src, &in.dst, IPSEC_ESP, in.spi));
	sad_sa_status(b, rig.clock.ms, &st);
	assert_false(st.manual);
	assert_int_equal(st.pid, 500);
	assert_int_equal(st.state, SA_MATURE);
	assert_int_equal(rig.sad.larvae.n, 0); /* it has grown up */
	assert_non_null(sad_find_in(&rig.sad, &in.dst, IPSEC_ESP, in.spi));
}

/* A negotiated key is new by itself: nobody vouches for it, nothing remembers it. */
static void test_granted_counter_mode_needs_nobodys_word(void **state)
{
	struct sa_desc d = good(false, 0x1000);
	struct err_text e = {0};
	uint64_t serial;

	(void)state;
	d.enc = ALG_ENC_AES_GCM_16;
	d.enc_key_len = 20;
	d.auth = ALG_AUTH_NONE;
	d.auth_key_len = 0;
	d.fresh_key = true; /* as the message's decoder sets it */
	assert_int_equal(install(&by_a, &d, false, &serial, &e), 0);
	d.spi = 0x1001;
	assert_int_equal(install(&by_a, &d, false, &serial, &e), 0);
	/* Root's statements about the same key: the first is nothing known, the second is. */
	d.spi = 0x2000;
	assert_non_null(path_rig_add(&rig, &d, &e));
	d.spi = 0x2001;
	assert_null(path_rig_add(&rig, &d, &e));
	assert_non_null(strstr(e.s, "was loaded before"));
	d.spi = 0x1002; /* which is still nothing to keyd */
	assert_int_equal(install(&by_a, &d, false, &serial, &e), 0);
}

/* One field of a good SA is changed, one sentence comes of it, and nothing else does. */
static void refused(const struct sa_desc *d, bool inbound, int code, const char *sentence)
{
	uint32_t n = rig.sad.n, larvae = rig.sad.larvae.n;
	struct err_text e = {0};
	uint64_t serial = 0;

	assert_int_equal(install(&by_a, d, inbound, &serial, &e), code);
	assert_string_equal(e.s, sentence);
	assert_int_equal(rig.sad.n, n);
	assert_int_equal(rig.sad.larvae.n, larvae);
}

static void test_granted_install_refuses_other_endpoints(void **state)
{
	struct sa_desc d;

	(void)state;
	d = good(false, 0x1000);
	d.dst = path_rig_addr(OTHER);
	refused(&d, false, -EACCES,
	    "grant 41 is for outbound SAs from 10.0.0.1 to 10.0.0.2, not from 10.0.0.1 to 10.0.0.3");
	d = good(false, 0x1000);
	d.src = path_rig_addr(OTHER);
	refused(&d, false, -EACCES,
	    "grant 41 is for outbound SAs from 10.0.0.1 to 10.0.0.2, not from 10.0.0.3 to 10.0.0.2");
	d = good(true, reserved(&by_a, IPSEC_ESP));
	d.src = path_rig_addr(OTHER);
	refused(&d, true, -EACCES,
	    "grant 41 is for inbound SAs from 10.0.0.2 to 10.0.0.1, not from 10.0.0.3 to 10.0.0.1");
	d = good(false, 0x1000); /* the other way round */
	refused(&d, true, -EACCES,
	    "grant 41 is for inbound SAs from 10.0.0.2 to 10.0.0.1, not from 10.0.0.1 to 10.0.0.2");
}

static void test_granted_install_refuses_what_no_request_has(void **state)
{
	struct grant g = grant_of();
	struct sa_desc d;

	(void)state;
	d = good(false, 0x1000);
	d.mode = IPSEC_TRANSPORT;
	refused(&d, false, -EACCES, "grant 41 allows no esp in mode transport");
	d.mode = IPSEC_MODE_ANY;
	refused(&d, false, -EACCES, "grant 41 allows no esp in mode any");
	d = good(false, 0x1000);
	d.reqid = REQID_IN;
	refused(&d, false, -EACCES, "grant 41 allows no outbound SA of esp with reqid 12");
	d = good(true, reserved(&by_a, IPSEC_ESP));
	d.reqid = 0;
	refused(&d, true, -EACCES, "grant 41 allows no inbound SA of esp with reqid 0");
	d = good(false, 0x1000);
	d.enc = ALG_ENC_3DES_CBC;
	d.enc_key_len = 24;
	refused(&d, false, -EACCES, "grant 41 does not allow the encryption algorithm 3des-cbc");
	d = good(false, 0x1000);
	d.auth = ALG_AUTH_HMAC_MD5;
	d.auth_key_len = 16;
	refused(&d, false, -EACCES, "grant 41 does not allow the authentication algorithm hmac-md5");
	d.auth = ALG_AUTH_NONE;
	d.auth_key_len = 0;
	refused(&d, false, -EACCES, "grant 41 does not allow the authentication algorithm none");
	g.n_requests = 1;
	assert_int_equal(grants_put(&grants, &g, rig.clock.ms), 0);
	d = good(false, 0x1000);
	refused(&d, false, -EACCES, "grant 41 allows no esp");
}

static void test_granted_install_refuses_bad_habits(void **state)
{
	struct grant g = grant_of();
	struct sa_desc d;

	(void)state;
	d = good(false, 0x1000);
	d.life = (struct sa_lifetime){.soft_s = 1, .hard_bytes = 1000};
	refused(&d, false, -EACCES, "a negotiated SA needs an end: its hard lifetime in seconds is missing");
	d = good(false, 0x1000);
	d.replay_bytes = LONGEST + 1;
	refused(&d, false, -EACCES, "the replay window of a negotiated SA is at most 4096 packets");
	d = good(false, 0x1000);
	d.flags = SA_F_CYCLIC;
	refused(&d, false, -EACCES,
	    "the sequence numbers of a negotiated SA never begin again (RFC 4303 section 3.3.3)");
	d = good(false, 0x1000);
	d.encap = (struct sa_encap){.sport = 4501, .dport = 4500};
	refused(&d, false, -EACCES, "this host's port of a negotiated SA in UDP is 4500");
	d = good(true, reserved(&by_a, IPSEC_ESP));
	d.encap = (struct sa_encap){.sport = 4500, .dport = 4501};
	refused(&d, true, -EACCES, "this host's port of a negotiated SA in UDP is 4500");
	g.req[1].enc = g.req[1].auth = 0;
	assert_int_equal(grants_put(&grants, &g, rig.clock.ms), 0);
	d = good(false, 0x1000);
	d.enc = ALG_ENC_NULL;
	d.auth = ALG_AUTH_NONE;
	d.enc_key_len = d.auth_key_len = 0;
	refused(&d, false, -EACCES,
	    "esp with neither encryption nor authentication protects nothing (RFC 4303 section 3.2)");
}

static void test_granted_install_refuses_spis_of_others(void **state)
{
	struct sa_desc d = good(true, 0x1000);
	char sentence[200];

	(void)state;
	refused(
	    &d, true, -EACCES, "esp SPI 0x00001000 is not reserved for this negotiation, or not any more");
	d.spi = reserved(&by_b, IPSEC_ESP); /* another connection's */
	snprintf(sentence, sizeof(sentence),
	    "esp SPI 0x%08x is not reserved for this negotiation, or not any more", d.spi);
	refused(&d, true, -EACCES, sentence);
	d.spi = reserved(&by_a, IPSEC_AH); /* another protocol's */
	assert_int_equal(install(&by_a, &d, true, &(uint64_t){0}, &(struct err_text){0}), -EACCES);
	d = good(false, 0x1000);
	(void)installed(&d, false);
	refused(&d, false, -EEXIST,
	    "the peer has chosen esp SPI 0x00001000, which an SA to it has already: remove that one, or "
	    "negotiate again");
	d.spi = 0x2000; /* root's */
	assert_non_null(path_rig_add(&rig, &d, NULL));
	refused(&d, false, -EEXIST,
	    "the peer has chosen esp SPI 0x00002000, which an SA to it has already: remove that one, or "
	    "negotiate again");
}

static void test_granted_nothing_without_a_grant_in_force(void **state)
{
	struct err_text e = {0};
	uint32_t spi = reserved(&by_a, IPSEC_ESP);
	struct sa_desc d = good(true, spi);

	(void)state;
	rig.clock.ms = 2000000;
	refused(&d, true, -EACCES, "grant 41 has expired: ask policyd again");
	assert_int_equal(reserve(&by_a, IPSEC_ESP, &spi, &e), -EACCES);
	assert_string_equal(e.s, "grant 41 has expired: ask policyd again");
	grants_clear(&grants);
	refused(&d, true, -EACCES, "policyd has told of no grant 41");
	assert_int_equal(reserve(&by_a, IPSEC_ESP, &spi, &e), -EACCES);
	assert_string_equal(e.s, "policyd has told of no grant 41");
}

/* Requests that differ in one thing: an SA may be any of them and no mixture. */
static void test_granted_one_request_must_fit_as_a_whole(void **state)
{
	struct grant g = grant_of();
	struct sa_desc d;

	(void)state;
	g.req[2] = (struct grant_request){.proto = IPSEC_ESP,
	    .mode = IPSEC_TRANSPORT,
	    .reqid_out = 21,
	    .reqid_in = 22,
	    .enc = 1u << ALG_ENC_3DES_CBC,
	    .auth = 1u << ALG_AUTH_HMAC_MD5 | 1u << ALG_AUTH_NONE};
	assert_int_equal(grants_put(&grants, &g, rig.clock.ms), 0);
	d = good(false, 0x1000);
	d.mode = IPSEC_TRANSPORT;
	refused(&d, false, -EACCES, "grant 41 allows no outbound SA of esp with reqid 11");
	d.reqid = 21;
	refused(&d, false, -EACCES, "grant 41 does not allow the encryption algorithm aes-cbc");
	d.enc = ALG_ENC_3DES_CBC;
	d.enc_key_len = 24;
	refused(&d, false, -EACCES, "grant 41 does not allow the authentication algorithm hmac-sha1");
	d.auth = ALG_AUTH_NONE; /* which that request allows in so many words */
	d.auth_key_len = 0;
	(void)installed(&d, false);
}

static void test_granted_ah_and_ipcomp_have_requests_of_their_own(void **state)
{
	struct sa_desc d = path_rig_desc(PEER, HERE, IPSEC_AH, reserved(&by_a, IPSEC_AH), IPSEC_TRANSPORT,
	    ALG_ENC_NONE, ALG_AUTH_HMAC_SHA512);

	(void)state;
	d.flags = 0;
	d.life.hard_s = 10;
	(void)installed(&d, true);
	d = (struct sa_desc){.src = path_rig_addr(PEER),
	    .dst = path_rig_addr(HERE),
	    .proto = IPSEC_IPCOMP,
	    .mode = IPSEC_TUNNEL,
	    .spi = reserved(&by_a, IPSEC_IPCOMP),
	    .flags = SA_F_RAWCPI,
	    .comp = ALG_COMP_DEFLATE,
	    .life.hard_s = 10};
	assert_in_range(d.spi, 256, 61439); /* RFC 3173 section 3.3 */
	(void)installed(&d, true);
}

static void test_granted_reserve_is_for_what_comes_from_the_peer(void **state)
{
	struct granted_spi want = {
	    .grant = GRANT, .src = path_rig_addr(HERE), .dst = path_rig_addr(PEER), .proto = IPSEC_ESP};
	struct grant g = grant_of();
	struct err_text e = {0};
	uint32_t spi = 0;

	(void)state;
	assert_int_equal(granted_reserve(&rig.sad, &grants, &by_a, &want, &rig.rng.rng, &spi, &e), -EACCES);
	assert_string_equal(
	    e.s, "grant 41 is for inbound SAs from 10.0.0.2 to 10.0.0.1, not from 10.0.0.1 to 10.0.0.2");
	g.n_requests = 1;
	assert_int_equal(grants_put(&grants, &g, rig.clock.ms), 0);
	assert_int_equal(reserve(&by_a, IPSEC_AH, &spi, &e), -EACCES);
	assert_string_equal(e.s, "grant 41 allows no ah");
	assert_int_equal(spi, 0);
	assert_int_equal(rig.sad.larvae.n, 0);
}

/* keyd's reservations and setkey's have room of their own. */
static void test_granted_reservations_are_bounded(void **state)
{
	const struct larva setkeys = {
	    .src = path_rig_addr(PEER), .dst = path_rig_addr(HERE), .proto = IPSEC_ESP};
	const struct larva *l;
	struct err_text e = {0};
	uint32_t spi;

	(void)state;
	for (int i = 0; i < LARVAE_HELD_MAX; i++)
		(void)reserved(&by_a, IPSEC_ESP);
	assert_int_equal(reserve(&by_b, IPSEC_ESP, &spi, &e), -ENOSPC);
	assert_string_equal(e.s, "2048 SPIs are reserved and not used yet: try again when some have ended");
	for (int i = 0; i < LARVAE_MAX; i++)
		assert_int_equal(
		    sad_reserve(&rig.sad, &setkeys, 0x20000000, 0x2fffffff, &rig.rng.rng, &l, &e), 0);
	assert_int_equal(
	    sad_reserve(&rig.sad, &setkeys, 0x20000000, 0x2fffffff, &rig.rng.rng, &l, &e), -ENOSPC);
	rig.clock.ms += LARVA_LIFE_MS;
	sad_age(&rig.sad, NULL, NULL); /* setkey's are over, a negotiation may take longer */
	assert_int_equal(rig.sad.larvae.n, LARVAE_HELD_MAX);
	rig.clock.ms += LARVA_HELD_LIFE_MS - LARVA_LIFE_MS;
	sad_age(&rig.sad, NULL, NULL);
	assert_int_equal(rig.sad.larvae.n, 0);
	assert_int_equal(rig.sad.larvae.end, 0);
}

static void test_granted_release_takes_ones_own(void **state)
{
	struct sa_ident id = {.src = path_rig_addr(PEER), .dst = path_rig_addr(HERE), .proto = IPSEC_ESP};

	(void)state;
	id.spi = reserved(&by_a, IPSEC_ESP);
	assert_false(granted_release(&rig.sad, &by_b, &id));
	assert_int_equal(rig.sad.larvae.n, 1);
	assert_true(granted_release(&rig.sad, &by_a, &id));
	assert_false(granted_release(&rig.sad, &by_a, &id));
	assert_int_equal(rig.sad.larvae.n, 0);
}

static void test_granted_holder_takes_its_reservations_with_it_and_no_more(void **state)
{
	const struct sa_desc d = good(true, reserved(&by_a, IPSEC_ESP));
	struct sa *sa = installed(&d, true);
	uint32_t other;

	(void)state;
	(void)reserved(&by_a, IPSEC_ESP);
	other = reserved(&by_b, IPSEC_AH);
	(void)reserved(&by_a, IPSEC_IPCOMP);
	granted_holder_gone(&rig.sad, keyd_a);
	assert_int_equal(rig.sad.larvae.n, 1);
	assert_non_null(larvae_find(&rig.sad.larvae, &d.dst, IPSEC_AH, other));
	assert_int_equal(sad_sa_state(sa), SA_MATURE);
}

static unsigned n_told;

static void told(void *arg, const char *event, const struct sa *sa)
{
	(void)arg;
	assert_string_equal(event, "sa.delete");
	assert_non_null(sa);
	n_told++;
}

static void test_granted_remove_takes_keyds_and_not_roots(void **state)
{
	const struct sa_desc mine = good(false, 0x1000), roots = good(false, 0x1001);
	struct err_text e = {0};
	uint64_t serial = installed(&mine, false)->facts.serial,
	         other = path_rig_add(&rig, &roots, NULL)->facts.serial;
	char sentence[100];

	(void)state;
	n_told = 0;
	assert_int_equal(granted_remove(&rig.sad, other, told, NULL, &e), -EACCES);
	snprintf(sentence, sizeof(sentence), "SA %u is root's: setkey added it, setkey deletes it",
	    (unsigned)other);
	assert_string_equal(e.s, sentence);
	assert_int_equal(granted_remove(&rig.sad, serial, told, NULL, &e), 0);
	assert_int_equal(granted_remove(&rig.sad, serial, told, NULL, &e), -ENOENT);
	assert_int_equal(granted_remove(&rig.sad, UINT64_MAX, told, NULL, &e), -ENOENT);
	assert_int_equal(n_told, 1);
	assert_int_equal(rig.sad.n, 1);
	assert_null(sad_find(&rig.sad, &mine.src, &mine.dst, IPSEC_ESP, mine.spi));
}

/* setkey's statements are root's, about whosever SA. */
static void test_granted_sa_is_roots_to_delete(void **state)
{
	const struct sa_desc d = good(false, 0x1000);
	const struct sa_ident id = {.src = d.src, .dst = d.dst, .proto = d.proto, .spi = d.spi};
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;

	(void)state;
	(void)installed(&d, false);
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_delete(&t, &id, &serial, &e), 0);
	/* keyd is faster: nothing is left to be deleted, and that is no mistake. */
	assert_int_equal(granted_remove(&rig.sad, serial, NULL, NULL, &e), 0);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	(void)installed(&d, false);
	assert_int_equal(sad_txn_init(&t, &rig.sad), 0);
	assert_int_equal(sad_txn_delete(&t, &id, &serial, &e), 0);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	assert_int_equal(rig.sad.n, 0);
}

static struct sa_rt *out(uint32_t reqid)
{
	const struct sad_want w = {.src = path_rig_addr(HERE),
	    .dst = path_rig_addr(PEER),
	    .proto = IPSEC_ESP,
	    .mode = IPSEC_TUNNEL,
	    .reqid = reqid,
	    .now_ms = rig.clock.ms};

	return sad_find_out(&rig.sad, &w);
}

/* What a policy of level require finds: SAs with a reqid and without one, the newest mature one first. */
static void test_granted_sa_without_reqid_serves_level_require(void **state)
{
	struct grant g = grant_of();
	struct sa_desc d = good(false, 0x1000);

	(void)state;
	g.req[1].reqid_out = 0;
	assert_int_equal(grants_put(&grants, &g, rig.clock.ms), 0);
	d.reqid = 0;
	(void)installed(&d, false);
	assert_int_equal(out(0)->spi, 0x1000);
	assert_null(out(REQID_OUT)); /* level unique */
	rig.clock.ms += 80000;
	sad_age(&rig.sad, NULL, NULL);
	assert_int_equal(out(0)->spi, 0x1000); /* dying is better than nothing */
	d.spi = 0x1001;
	(void)installed(&d, false);
	assert_int_equal(out(0)->spi, 0x1001);
	d.spi = 0x1002;
	(void)installed(&d, false);
	assert_int_equal(out(0)->spi, 0x1002);
	sad_set_prefer_old(&rig.sad, true);
	assert_int_equal(out(0)->spi, 0x1000);
	sad_set_prefer_old(&rig.sad, false);
	rig.clock.ms += 20000;
	sad_age(&rig.sad, NULL, NULL);
	assert_int_equal(rig.sad.n, 3); /* the first is shown as dead */
	assert_int_equal(out(0)->spi, 0x1002);
}

/* One for several policies, as it was agreed on: those of the grant, or fewer, and no others. */
static void test_granted_sa_for_several_policies(void **state)
{
	const struct sa *sa;
	static const uint32_t more_in[] = {20, 22, 24}, few[] = {22}, foreign[] = {20, 23},
	                      mixed[] = {12, 20};
	struct grant g = grant_of();
	struct sa_desc d = good(true, reserved(&by_a, IPSEC_ESP));

	(void)state;
	g.more = malloc(sizeof(more_in));
	memcpy(g.more, more_in, sizeof(more_in));
	g.req[1].more_in = g.more;
	g.req[1].n_more_in = ARRAY_SIZE(more_in);
	assert_int_equal(grants_put(&grants, &g, rig.clock.ms), 0);
	d.more_reqids = foreign;
	d.n_more = ARRAY_SIZE(foreign);
	refused(&d, true, -EACCES, "grant 41 allows no inbound SA of esp with reqid 12 and those beside it");
	d.more_reqids = few;
	d.n_more = ARRAY_SIZE(few);
	sa = installed(&d, true);
	assert_ptr_not_equal(sa->desc.more_reqids, few); /* the message is gone when it is shown */
	assert_int_equal(sa->desc.n_more, 1);
	assert_int_equal(sa->desc.more_reqids[0], 22);
	d = good(true, reserved(&by_a, IPSEC_ESP));
	d.reqid = 24; /* the first is none but the others' equal */
	d.more_reqids = mixed;
	d.n_more = ARRAY_SIZE(mixed);
	(void)installed(&d, true);
	d = good(false, 0x1000);
	d.more_reqids = few; /* inbound ones */
	d.n_more = ARRAY_SIZE(few);
	refused(
	    &d, false, -EACCES, "grant 41 allows no outbound SA of esp with reqid 11 and those beside it");
}

/* Policies of level unique find what serves them. */
static void test_granted_sa_is_found_for_each_of_its_policies(void **state)
{
	static const uint32_t more_out[] = {20, 22};
	struct grant g = grant_of();
	struct sa_desc d = good(false, 0x1000);

	(void)state;
	g.more = malloc(sizeof(more_out));
	memcpy(g.more, more_out, sizeof(more_out));
	g.req[1].more_out = g.more;
	g.req[1].n_more_out = ARRAY_SIZE(more_out);
	assert_int_equal(grants_put(&grants, &g, rig.clock.ms), 0);
	d.more_reqids = more_out;
	d.n_more = ARRAY_SIZE(more_out);
	(void)installed(&d, false);
	assert_int_equal(out(REQID_OUT)->spi, 0x1000);
	assert_int_equal(out(20)->spi, 0x1000);
	assert_int_equal(out(22)->spi, 0x1000);
	assert_null(out(21));
	d.spi = 0x1001;
	d.n_more = 1; /* a narrower one, and newer */
	(void)installed(&d, false);
	assert_int_equal(out(20)->spi, 0x1001);
	assert_int_equal(out(22)->spi, 0x1000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_granted_pair_is_installed_and_belongs_to_keyd),
	    T(test_granted_counter_mode_needs_nobodys_word),
	    T(test_granted_install_refuses_other_endpoints),
	    T(test_granted_install_refuses_what_no_request_has),
	    T(test_granted_install_refuses_bad_habits),
	    T(test_granted_install_refuses_spis_of_others),
	    T(test_granted_nothing_without_a_grant_in_force),
	    T(test_granted_one_request_must_fit_as_a_whole),
	    T(test_granted_sa_for_several_policies),
	    T(test_granted_sa_is_found_for_each_of_its_policies),
	    T(test_granted_ah_and_ipcomp_have_requests_of_their_own),
	    T(test_granted_reserve_is_for_what_comes_from_the_peer),
	    T(test_granted_reservations_are_bounded),
	    T(test_granted_release_takes_ones_own),
	    T(test_granted_holder_takes_its_reservations_with_it_and_no_more),
	    T(test_granted_remove_takes_keyds_and_not_roots),
	    T(test_granted_sa_is_roots_to_delete),
	    T(test_granted_sa_without_reqid_serves_level_require),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
