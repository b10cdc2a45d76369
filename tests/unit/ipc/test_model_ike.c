/*
 * The configuration of key exchange on its way through protobuf: random valid structs come back equal, and
 * each field out of range is refused with a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/rng.h"
#include "ipc/model_ike.h"
#include "ipsec/sa.h"
#include "ipc/record.h"
#include "ipsec/selector.h"

enum { ROUNDS = 5000, CAP = 256 << 10 };

static struct rng_seeded seeded;
static struct rng *const rng = &seeded.rng;

static uint32_t below(uint32_t n)
{
	return rng_below(rng, n);
}

static uint32_t any32(void)
{
	uint32_t v;

	rng->fill(rng, &v, sizeof(v));
	return v;
}

static bool coin(void)
{
	return below(2);
}

static struct inet_addr any_addr(bool v6)
{
	uint8_t b[16];

	rng->fill(rng, b, sizeof(b));
	return inet_addr_from_bytes(b, v6 ? 16 : 4);
}

static void any_id(struct ike_id *id)
{
	memset(id, 0, sizeof(*id));
	id->kind = (enum ike_id_kind)(1 + below(IKE_ID_DN_DER));
	id->len = (uint16_t)(id->kind == IKE_ID_ADDRESS ? (uint32_t[]){0, 4, 16}[below(3)]
	                     : below(8)                 ? below(64)
	                                                : IKE_ID_DATA_MAX);
	rng->fill(rng, id->data, id->len);
}

static uint32_t any_group(void)
{
	static const uint8_t groups[] = {1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 31, 32};

	return groups[below(ARRAY_SIZE(groups))];
}

static void any_offer(struct ike_offer *o)
{
	static const struct {
		enum alg_enc enc;
		uint16_t bits;
	} ciphers[] = {{ALG_ENC_3DES_CBC, 0}, {ALG_ENC_AES_CBC, 128}, {ALG_ENC_AES_CBC, 256},
	    {ALG_ENC_DES_CBC, 0}, {ALG_ENC_AES_GCM_16, 256}};
	static const enum alg_prf hashes[] = {1, 2, 5, 6, 7};
	uint32_t i = below(ARRAY_SIZE(ciphers));

	memset(o, 0, sizeof(*o));
	o->enc = ciphers[i].enc;
	o->key_bits = ciphers[i].bits;
	o->hash = hashes[below(5)];
	o->group = any_group();
	o->auth = (enum ike_auth_method)(1 + below(IKE_AUTH_XAUTH_RSA_SERVER));
	o->seconds = 1 + below(1000000);
}

static void any_switches(struct ike_peer *p)
{
	p->verify_identifier = coin();
	p->send_cert = coin();
	p->send_cr = coin();
	p->verify_cert = coin();
	p->weak_certs = coin();
	p->initial_contact = coin();
	p->passive = coin();
	p->generate = (enum ike_generate)below(3);
	p->check = (enum proposal_check)(1 + below(CHECK_EXACT));
	p->nat_traversal = (enum ike_switch)below(3);
	p->rekey = (enum ike_switch)below(3);
	p->ike_frag = (enum ike_switch)below(3);
	p->dpd = (struct ike_dpd){coin(), below(86401), below(86401), below(101)};
	p->esp_frag = coin() ? 0 : SA_FRAG_MIN + below(UINT16_MAX - SA_FRAG_MIN + 1);
	p->nonce_len = (uint16_t)(IKE_NONCE_MIN + below(IKE_NONCE_MAX - IKE_NONCE_MIN + 1));
	p->ph1id = any32();
	p->mode_cfg = coin();
	p->version = (uint8_t)(1 + below(2));
	p->keep_up = coin();
	p->peer_auth = p->version == 2 ? (enum ike_auth_method)below(IKE_AUTH_RSA + 1) : IKE_AUTH_NONE;
}

static void any_peer(struct ike_conf *c)
{
	struct ike_peer *p = ike_conf_add_peer(c);

	p->name = strdup(coin() ? "anonymous" : "a name with blanks");
	if (coin())
		p->addr = any_addr(coin());
	p->port = (uint16_t)(1 + below(65535));
	p->n_modes = (uint8_t)below(IKE_MODES);
	for (uint8_t i = 0; i < p->n_modes; i++)
		p->mode[i] = (enum ike_mode)(1 + below(IKE_MODES - 1));
	any_id(&p->my_id);
	p->n_peer_ids = (uint8_t)below(IKE_PEER_IDS_MAX + 1);
	p->peer_id = calloc(p->n_peer_ids + 1U, sizeof(*p->peer_id));
	for (uint8_t i = 0; i < p->n_peer_ids; i++)
		any_id(&p->peer_id[i]);
	p->n_offers = (uint8_t)below(IKE_OFFERS_MAX + 1);
	p->offer = calloc(p->n_offers + 1U, sizeof(*p->offer));
	for (uint8_t i = 0; i < p->n_offers; i++)
		any_offer(&p->offer[i]);
	any_switches(p);
	p->cert = coin() ? strdup("cert.pem") : NULL;
	p->key = coin() ? strdup("key.pem") : NULL;
	p->peer_key = coin() ? strdup("peer.pub") : NULL;
	if (coin())
		p->peer_cert = strdup("peer.pem");
	if (coin())
		p->xauth_login = strdup("alice");
	for (int i = IKE_HOOK_UP; i < IKE_HOOKS; i++)
		p->script[i] = coin() ? strdup("/etc/script") : NULL;
}

static void any_side(struct ike_side *s)
{
	bool v6 = coin();

	memset(s, 0, sizeof(*s));
	s->kind = (enum ike_side_kind)(1 + below(IKE_SIDE_NAME));
	s->port = (uint16_t)below(65536);
	s->proto = (uint16_t)below(IPPROTO_ANY_ + 1);
	if (s->kind == IKE_SIDE_HOST || s->kind == IKE_SIDE_NET || s->kind == IKE_SIDE_RANGE)
		s->first = any_addr(v6);
	if (s->kind == IKE_SIDE_NET)
		s->plen = (uint8_t)below(v6 ? 129 : 33);
	if (s->kind == IKE_SIDE_RANGE)
		s->last = any_addr(v6);
	if (s->kind == IKE_SIDE_RANGE && inet_addr_cmp(&s->first, &s->last) > 0) {
		struct inet_addr a = s->first;

		s->first = s->last;
		s->last = a;
	}
	if (s->kind == IKE_SIDE_NAME)
		any_id(&s->id);
}

static void any_child(struct ike_conf *c)
{
	static const struct ike_child_enc ciphers[] = {
	    {ALG_ENC_3DES_CBC, 0}, {ALG_ENC_AES_CBC, 192}, {ALG_ENC_AES_GCM_16, 256}, {ALG_ENC_NULL, 0}};
	struct ike_child *k = ike_conf_add_child(c);

	any_side(&k->local);
	any_side(&k->remote);
	k->has_from = coin();
	if (k->has_from)
		any_id(&k->from);
	k->group = coin() ? strdup("staff") : NULL;
	k->remoteid = any32();
	k->pfs = coin() ? any_group() : ALG_GROUP_NONE;
	k->pfs_optional = coin();
	k->set = below(3);
	k->seconds = below(1000000);
	k->bytes = coin() ? 0 : 1024ULL + below(1U << 31);
	k->n_enc = (uint8_t)below(IKE_ALGS_MAX + 1);
	for (uint8_t i = 0; i < k->n_enc; i++)
		k->enc[i] = ciphers[below(ARRAY_SIZE(ciphers))];
	k->n_auth = (uint8_t)below(IKE_ALGS_MAX + 1);
	for (uint8_t i = 0; i < k->n_auth; i++)
		k->auth[i].id = (enum alg_auth)below(ALG_AUTH_AES_GMAC + 1);
	k->n_comp = (uint8_t)below(IKE_ALGS_MAX + 1);
	for (uint8_t i = 0; i < k->n_comp; i++)
		k->comp[i] = ALG_COMP_DEFLATE;
}

/* As it arrives. */
static ProtobufCMessage *travel(const ProtobufCMessage *m)
{
	static uint8_t buf[1 << 18];
	struct ipc_record rec = {.body = buf};
	ProtobufCMessage *back;

	assert_true(protobuf_c_message_get_packed_size(m) <= sizeof(buf));
	rec.body_len = protobuf_c_message_pack(m, buf);
	back = ipc_unpack(m->descriptor, &rec, CAP);
	assert_non_null(back);
	return back;
}

static void expect_equal_texts(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void expect_equal_peers(const struct ike_peer *a, const struct ike_peer *b)
{
	struct ike_peer x = *a, y = *b;

	assert_string_equal(a->name, b->name);
	assert_int_equal(!a->cert, !b->cert);
	assert_int_equal(!a->key, !b->key);
	assert_int_equal(!a->peer_cert, !b->peer_cert);
	assert_int_equal(!a->peer_key, !b->peer_key);
	expect_equal_texts(a->xauth_login, b->xauth_login);
	for (int i = 0; i < IKE_HOOKS; i++) {
		assert_int_equal(!a->script[i], !b->script[i]);
		if (b->script[i])
			assert_string_equal(b->script[i], ""); /* which file it is stays with hooks */
	}
	assert_memory_equal(a->peer_id, b->peer_id, a->n_peer_ids * sizeof(*a->peer_id) + 1);
	assert_memory_equal(a->offer, b->offer, a->n_offers * sizeof(*a->offer) + 1);
	x.xauth_login = y.xauth_login = NULL;
	x.name = x.cert = x.key = x.peer_cert = x.peer_key = NULL;
	y.name = y.cert = y.key = y.peer_cert = y.peer_key = NULL;
	memset(x.script, 0, sizeof(x.script));
	memset(y.script, 0, sizeof(y.script));
	x.peer_id = y.peer_id = NULL;
	x.offer = y.offer = NULL;
	assert_memory_equal(&x, &y, sizeof(x));
}

static void test_model_ike_peers_come_back(void **state)
{
	static struct model_ike_peer_pb pb;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		AUTO_IKE_CONF struct ike_conf *c = ike_conf_new(), *back = ike_conf_new();
		ProtobufCMessage *m;
		struct err_text e = {{0}};

		any_peer(c);
		model_ike_peer_encode(&c->peer[0], &pb);
		m = travel(&pb.m.base);
		if (model_ike_peer_decode((const Postern__IkePeer *)m, back, &e) != 0)
			fail_msg("round %d: %s", i, e.s);
		ipc_unpack_free(m);
		expect_equal_peers(&c->peer[0], &back->peer[0]);
	}
}

static void test_model_ike_children_come_back(void **state)
{
	static struct model_ike_child_pb pb;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		AUTO_IKE_CONF struct ike_conf *c = ike_conf_new(), *back = ike_conf_new();
		ProtobufCMessage *m;
		struct err_text e = {{0}};

		any_child(c);
		model_ike_child_encode(&c->child[0], &pb);
		m = travel(&pb.m.base);
		if (model_ike_child_decode((const Postern__IkeChild *)m, back, &e) != 0)
			fail_msg("round %d: %s", i, e.s);
		ipc_unpack_free(m);
		expect_equal_texts(c->child[0].group, back->child[0].group);
		free(c->child[0].group);
		free(back->child[0].group);
		c->child[0].group = back->child[0].group = NULL;
		assert_memory_equal(&c->child[0], &back->child[0], sizeof(c->child[0]));
	}
}

static void any_nets(struct ike_nets *to)
{
	to->n = (uint8_t)below(IKE_SPLITS_MAX + 1);
	for (uint8_t i = 0; i < to->n; i++)
		to->net[i] = (struct inet_prefix){.addr = any_addr(false), .plen = (uint8_t)below(33)};
}

static void any_pool(struct ike_pool *p)
{
	static const char *const texts[] = {NULL, "example.com", "a,b"};

	p->present = true;
	p->network4 = coin() ? inet_addr_v4(below(UINT32_MAX - IKE_POOL_MAX)) : (struct inet_addr){0};
	p->netmask4 = coin() ? inet_addr_v4(0xffffff00) : (struct inet_addr){0};
	p->size = below(IKE_POOL_MAX + 1);
	p->n_dns4 = (uint8_t)below(ARRAY_SIZE(p->dns4) + 1);
	p->n_wins4 = (uint8_t)below(ARRAY_SIZE(p->wins4) + 1);
	for (uint8_t i = 0; i < p->n_dns4; i++)
		p->dns4[i] = any_addr(false);
	for (uint8_t i = 0; i < p->n_wins4; i++)
		p->wins4[i] = any_addr(false);
	any_nets(&p->include);
	any_nets(&p->local_lan);
	for (size_t i = 0; i < 4; i++) {
		char **to[] = {&p->default_domain, &p->split_dns, &p->banner, &p->auth_groups};
		const char *t = texts[below(ARRAY_SIZE(texts))];

		*to[i] = t ? strdup(t) : NULL;
	}
	p->auth_throttle_s = below(61);
	p->pfs_group = coin() ? any_group() : 0;
	p->save_passwd = coin();
}

static void expect_equal_nets(const struct ike_nets *a, const struct ike_nets *b)
{
	assert_int_equal(a->n, b->n);
	for (uint8_t i = 0; i < a->n; i++)
		assert_true(inet_prefix_equal(&a->net[i], &b->net[i]));
}

static void expect_equal_pools(const struct ike_pool *a, const struct ike_pool *b)
{
	struct ike_pool x = *a, y = *b;

	expect_equal_texts(a->default_domain, b->default_domain);
	expect_equal_texts(a->split_dns, b->split_dns);
	expect_equal_texts(a->banner, b->banner);
	expect_equal_texts(a->auth_groups, b->auth_groups);
	expect_equal_nets(&a->include, &b->include);
	expect_equal_nets(&a->local_lan, &b->local_lan);
	memset(&x.include, 0, sizeof(x.include));
	memset(&y.include, 0, sizeof(y.include));
	memset(&x.local_lan, 0, sizeof(x.local_lan));
	memset(&y.local_lan, 0, sizeof(y.local_lan));
	x.default_domain = x.split_dns = x.banner = x.auth_groups = NULL;
	y.default_domain = y.split_dns = y.banner = y.auth_groups = NULL;
	assert_memory_equal(&x, &y, sizeof(x));
}

static void test_model_ike_begin_comes_back(void **state)
{
	static struct model_ike_begin_pb pb;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		AUTO_IKE_CONF struct ike_conf *c = ike_conf_new(), *back = ike_conf_new();
		ProtobufCMessage *m;
		struct err_text e = {{0}};

		c->timers = (struct ike_timers){below(101), 1 + below(3600000), 1 + below(100),
		    1 + below(3600000), 1 + below(3600000), below(86401)};
		c->padding = (struct ike_padding){coin(), coin(), coin(), coin(), below(256)};
		c->n_listen = (uint8_t)below(IKE_LISTEN_MAX + 1);
		for (uint8_t k = 0; k < c->n_listen; k++) {
			c->listen[k].addr = any_addr(coin());
			c->listen[k].port = (uint16_t)below(65536);
			c->listen[k].natt = coin();
		}
		if (coin())
			any_pool(&c->pool);
		model_ike_begin_encode(c, &pb);
		m = travel(&pb.m.base);
		if (model_ike_begin_decode((const Postern__IkeLoadBegin *)m, back, &e) != 0)
			fail_msg("round %d: %s", i, e.s);
		ipc_unpack_free(m);
		expect_equal_pools(&c->pool, &back->pool);
		assert_memory_equal(&c->timers, &back->timers, sizeof(c->timers));
		assert_int_equal(c->padding.maximum_length, back->padding.maximum_length);
		assert_int_equal(c->padding.randomize_length, back->padding.randomize_length);
		assert_int_equal(c->padding.strict_check, back->padding.strict_check);
		assert_int_equal(c->n_listen, back->n_listen);
		assert_memory_equal(c->listen, back->listen, sizeof(c->listen));
	}
}

/* One field of a good message, and a value that it may not have; counts are set as they are. */
struct bad {
	size_t at;
	uint32_t value;
};
#define OF(type_, field_) offsetof(Postern__##type_, field_)

static const struct bad bad_peers[] = {
    {OF(IkePeer, port), 0},
    {OF(IkePeer, port), 65536},
    {OF(IkePeer, generate), IKE_GENERATE_UNIQUE + 1},
    {OF(IkePeer, check), CHECK_NONE},
    {OF(IkePeer, check), CHECK_EXACT + 1},
    {OF(IkePeer, nat_traversal), IKE_FORCE + 1},
    {OF(IkePeer, rekey), IKE_FORCE + 1},
    {OF(IkePeer, ike_frag), UINT32_MAX},
    {OF(IkePeer, dpd_delay_s), 86401},
    {OF(IkePeer, dpd_retry_s), 86401},
    {OF(IkePeer, dpd_maxfail), 101},
    {OF(IkePeer, nonce_len), IKE_NONCE_MIN - 1},
    {OF(IkePeer, nonce_len), IKE_NONCE_MAX + 1},
    {OF(IkePeer, esp_frag), 65536},
    {OF(IkePeer, esp_frag), SA_FRAG_MIN - 1},
};
static const struct bad bad_offers[] = {
    {OF(IkeOffer, enc), 0},
    {OF(IkeOffer, enc), 200},
    {OF(IkeOffer, key_bits), 127},
    {OF(IkeOffer, key_bits), 129},
    {OF(IkeOffer, key_bits), 65536 + 128},
    {OF(IkeOffer, hash), 0},
    {OF(IkeOffer, hash), 3},
    {OF(IkeOffer, hash), 8},
    {OF(IkeOffer, hash), 256 + 2},
    {OF(IkeOffer, group), 0},
    {OF(IkeOffer, group), 3},
    {OF(IkeOffer, group), 25},
    {OF(IkeOffer, group), 33},
    {OF(IkeOffer, auth), 0},
    {OF(IkeOffer, auth), IKE_AUTH_XAUTH_RSA_SERVER + 1},
};
static const struct bad bad_sides[] = {
    {OF(IkeSide, kind), IKE_SIDE_NONE},
    {OF(IkeSide, kind), IKE_SIDE_NAME}, /* without one */
    {OF(IkeSide, kind), IKE_SIDE_NAME + 1},
    {OF(IkeSide, kind), IKE_SIDE_RANGE}, /* without an end */
    {OF(IkeSide, plen), 33},
    {OF(IkeSide, plen), 256},
    {OF(IkeSide, port), 65536},
    {OF(IkeSide, proto), IPPROTO_ANY_ + 1},
};
static const struct bad bad_timers[] = {
    {OF(IkeTimers, counter), 101},
    {OF(IkeTimers, interval_ms), 0},
    {OF(IkeTimers, interval_ms), 3600001},
    {OF(IkeTimers, persend), 0},
    {OF(IkeTimers, persend), 101},
    {OF(IkeTimers, phase1_ms), 0},
    {OF(IkeTimers, phase2_ms), 3600001},
    {OF(IkeTimers, natt_keepalive_s), 86401},
};

/* Sets each bad value in turn and puts the good one back. */
static void refuse_each(void *message, const struct bad *bad, size_t n, int (*decode)(struct err_text *e))
{
	struct err_text e = {{0}};

	assert_int_equal(decode(&e), 0);
	for (size_t i = 0; i < n; i++) {
		uint32_t good;

		memcpy(&good, (uint8_t *)message + bad[i].at, sizeof(good));
		memcpy((uint8_t *)message + bad[i].at, &bad[i].value, sizeof(good));
		e = (struct err_text){{0}};
		if (decode(&e) != -EBADMSG || !e.s[0])
			fail_msg("row %zu: '%s'", i, e.s);
		memcpy((uint8_t *)message + bad[i].at, &good, sizeof(good));
	}
	assert_int_equal(decode(&e), 0);
}

static struct model_ike_peer_pb peer_pb;
static struct model_ike_child_pb child_pb;
static struct model_ike_begin_pb begin_pb;

static int decode_peer(struct err_text *e)
{
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();

	return model_ike_peer_decode(&peer_pb.m, c, e);
}

static int decode_child(struct err_text *e)
{
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();

	return model_ike_child_decode(&child_pb.m, c, e);
}

static int decode_begin(struct err_text *e)
{
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();

	return model_ike_begin_decode(&begin_pb.m, c, e);
}

static void test_model_ike_bad_peers(void **state)
{
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();
	struct ike_peer *p = ike_conf_add_peer(c);
	struct err_text e = {{0}};

	(void)state;
	p->name = strdup("a");
	p->n_modes = 1;
	p->mode[0] = IKE_MODE_MAIN;
	p->n_offers = 1;
	p->offer = calloc(1, sizeof(*p->offer));
	*p->offer = (struct ike_offer){
	    ALG_ENC_AES_CBC, 128, ALG_PRF_HMAC_SHA1, ALG_GROUP_MODP1024, IKE_AUTH_PSK, 60, 0};
	model_ike_peer_encode(p, &peer_pb);
	refuse_each(&peer_pb.m, bad_peers, ARRAY_SIZE(bad_peers), decode_peer);
	refuse_each(&peer_pb.offer[0], bad_offers, ARRAY_SIZE(bad_offers), decode_peer);
	peer_pb.modes[0] = IKE_MODES;
	assert_int_equal(decode_peer(&e), -EBADMSG);
	peer_pb.modes[0] = IKE_MODE_NONE;
	assert_int_equal(decode_peer(&e), -EBADMSG);
	peer_pb.modes[0] = IKE_MODE_MAIN;
	peer_pb.offer[0].seconds = 0;
	assert_int_equal(decode_peer(&e), -EBADMSG);
	peer_pb.offer[0].seconds = UINT64_MAX;
	assert_int_equal(decode_peer(&e), -EBADMSG);
	peer_pb.offer[0].seconds = 60;
	peer_pb.m.my_id = NULL;
	assert_int_equal(decode_peer(&e), -EBADMSG);
	peer_pb.m.my_id = &peer_pb.my_id;
	peer_pb.m.name = (char *)"";
	assert_int_equal(decode_peer(&e), -EBADMSG);
}

static void test_model_ike_bad_identities(void **state)
{
	static uint8_t octets[IKE_ID_DATA_MAX + 1];
	static const struct {
		uint32_t kind;
		size_t n;
		int r;
	} rows[] = {{IKE_ID_NONE, 0, -EBADMSG}, {IKE_ID_DN_DER + 1, 1, -EBADMSG},
	    {IKE_ID_ADDRESS, 5, -EBADMSG}, {IKE_ID_ADDRESS, 16, 0}, {IKE_ID_KEYID, IKE_ID_DATA_MAX, 0},
	    {IKE_ID_KEYID, IKE_ID_DATA_MAX + 1, -EBADMSG}, {256 + IKE_ID_FQDN, 1, -EBADMSG}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		Postern__IkeId m = POSTERN__IKE_ID__INIT;
		struct err_text e = {{0}};
		struct ike_id id;

		m.kind = rows[i].kind;
		m.data = (ProtobufCBinaryData){.data = octets, .len = rows[i].n};
		if (model_ike_id_decode(&m, &id, &e) != rows[i].r)
			fail_msg("row %zu: %s", i, e.s);
	}
}

static void test_model_ike_bad_children(void **state)
{
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();
	struct ike_child *k = ike_conf_add_child(c);
	struct err_text e = {{0}};

	(void)state;
	k->local.kind = IKE_SIDE_NET;
	k->local.plen = 24;
	assert_int_equal(inet_addr_parse("10.0.0.0", &k->local.first), 0);
	k->enc[0] = (struct ike_child_enc){ALG_ENC_AES_CBC, 128};
	k->n_enc = 1;
	model_ike_child_encode(k, &child_pb);
	refuse_each(&child_pb.local, bad_sides, ARRAY_SIZE(bad_sides), decode_child);
	child_pb.enc[0].key_bits = 132;
	assert_int_equal(decode_child(&e), -EBADMSG);
	child_pb.enc[0].key_bits = 128;
	child_pb.m.pfs = 4;
	assert_int_equal(decode_child(&e), -EBADMSG);
	child_pb.m.pfs = 0;
	child_pb.m.bytes = 1023;
	assert_int_equal(decode_child(&e), -EBADMSG);
	child_pb.m.bytes = 0;
	k->local.kind = IKE_SIDE_RANGE; /* from one family to the other */
	assert_int_equal(inet_addr_parse("2001:db8::1", &k->local.last), 0);
	model_ike_child_encode(k, &child_pb);
	assert_int_equal(decode_child(&e), -EBADMSG);
	assert_int_equal(inet_addr_parse("9.255.255.255", &k->local.last), 0);
	model_ike_child_encode(k, &child_pb);
	assert_int_equal(decode_child(&e), -EBADMSG);
}

static void test_model_ike_bad_beginnings(void **state)
{
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();
	struct err_text e = {{0}};

	(void)state;
	model_ike_begin_encode(c, &begin_pb);
	refuse_each(&begin_pb.timers, bad_timers, ARRAY_SIZE(bad_timers), decode_begin);
	begin_pb.m.n_peers = IKE_PEERS_MAX + 1;
	assert_int_equal(decode_begin(&e), -EBADMSG);
	begin_pb.m.n_peers = 0;
	begin_pb.m.n_children = IKE_CHILDREN_MAX + 1;
	assert_int_equal(decode_begin(&e), -EBADMSG);
	begin_pb.m.n_children = 0;
	begin_pb.m.padding = NULL;
	assert_int_equal(decode_begin(&e), -EBADMSG);
	begin_pb.m.padding = &begin_pb.padding;
	begin_pb.m.timers = NULL;
	assert_int_equal(decode_begin(&e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model_ike_peers_come_back),
	    cmocka_unit_test(test_model_ike_children_come_back),
	    cmocka_unit_test(test_model_ike_begin_comes_back),
	    cmocka_unit_test(test_model_ike_bad_peers),
	    cmocka_unit_test(test_model_ike_bad_identities),
	    cmocka_unit_test(test_model_ike_bad_children),
	    cmocka_unit_test(test_model_ike_bad_beginnings),
	};

	rng_seeded_init(&seeded, 20240517);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
