/*
 * The model on its way through protobuf: random valid structs come back equal, and each field out of range is
 * refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/rng.h"
#include "ipc/model.h"
#include "ipc/record.h"

enum { ROUNDS = 20000, CAP = 65536 };

static struct rng_seeded seeded;
static struct rng *const rng = &seeded.rng;

static uint32_t below(uint32_t n)
{
	return rng_below(rng, n);
}

static uint64_t any64(void)
{
	uint64_t v;

	rng->fill(rng, &v, sizeof(v));
	/* All magnitudes, not only the large. */
	return v >> below(64);
}

static struct inet_addr any_addr(bool v6)
{
	uint8_t b[16];
	struct inet_addr a;

	rng->fill(rng, b, sizeof(b));
	a = inet_addr_from_bytes(b, v6 ? 16 : 4);
	if (v6 && !below(4))
		a.scope = (uint32_t)any64();
	return a;
}

static struct selector any_selector(void)
{
	static const uint16_t misc[] = {1, 58, 135, 47};
	bool v6 = below(2);
	struct selector s = {.src = {any_addr(v6), (uint8_t)below(v6 ? 129 : 33)},
	    .dst = {any_addr(v6), (uint8_t)below(v6 ? 129 : 33)},
	    .proto = (uint16_t)below(257),
	    .sport = (uint16_t)any64(),
	    .dport = (uint16_t)any64(),
	    .misc = !below(4)};

	if (s.misc)
		s.proto = misc[below(4)];
	return s;
}

static struct policy any_policy(void)
{
	static const enum ipsec_proto protos[] = {IPSEC_ESP, IPSEC_AH, IPSEC_IPCOMP};
	struct policy p = {.id = (uint32_t)any64(),
	    .dir = (enum policy_dir)(1 + below(3)),
	    .action = (enum policy_action)(1 + below(3)),
	    .priority = (int32_t)any64(),
	    .sel = any_selector(),
	    .n_requests = (uint8_t)below(POLICY_REQUESTS_MAX + 1),
	    .created_wall_ms = any64(),
	    .last_used_wall_ms = any64(),
	    .lifetime_s = (uint32_t)any64(),
	    .validtime_s = (uint32_t)any64()};

	p.in_only = p.dir == POLICY_IN && below(2);
	if (below(2))
		p.priority = -p.priority;
	for (uint8_t i = 0; i < p.n_requests; i++) {
		struct policy_request *q = &p.req[i];
		bool v6 = below(2);

		q->proto = protos[below(3)];
		q->mode = below(2) ? IPSEC_TUNNEL : IPSEC_TRANSPORT;
		q->level = (enum policy_level)(LEVEL_DEFAULT + below(4));
		q->reqid = (uint32_t)any64();
		q->reqid_auto = below(2);
		if (q->mode == IPSEC_TRANSPORT)
			v6 = p.sel.src.addr.family == INET_V6;
		if (q->mode == IPSEC_TUNNEL || below(2)) {
			q->src = any_addr(v6);
			q->dst = any_addr(v6);
		}
		if (q->proto == IPSEC_ESP && q->src.family != INET_NONE && below(2)) {
			q->src_port = (uint16_t)(1 + below(UINT16_MAX));
			q->dst_port = (uint16_t)(1 + below(UINT16_MAX));
		}
	}
	return p;
}

static bool addr_same(const struct inet_addr *a, const struct inet_addr *b)
{
	return inet_addr_equal(a, b) && a->scope == b->scope;
}

static bool selector_same(const struct selector *a, const struct selector *b)
{
	return addr_same(&a->src.addr, &b->src.addr) && a->src.plen == b->src.plen &&
	       addr_same(&a->dst.addr, &b->dst.addr) && a->dst.plen == b->dst.plen && a->proto == b->proto &&
	       a->sport == b->sport && a->dport == b->dport && a->misc == b->misc;
}

static bool policy_same(const struct policy *a, const struct policy *b)
{
	if (a->id != b->id || a->dir != b->dir || a->action != b->action || a->priority != b->priority ||
	    !selector_same(&a->sel, &b->sel) || a->n_requests != b->n_requests ||
	    a->created_wall_ms != b->created_wall_ms || a->last_used_wall_ms != b->last_used_wall_ms ||
	    a->lifetime_s != b->lifetime_s || a->validtime_s != b->validtime_s || a->in_only != b->in_only)
		return false;
	for (uint8_t i = 0; i < a->n_requests; i++) {
		const struct policy_request *x = &a->req[i], *y = &b->req[i];

		if (x->proto != y->proto || x->mode != y->mode || x->level != y->level ||
		    x->reqid != y->reqid || x->reqid_auto != y->reqid_auto || !addr_same(&x->src, &y->src) ||
		    !addr_same(&x->dst, &y->dst) || x->src_port != y->src_port || x->dst_port != y->dst_port)
			return false;
	}
	return true;
}

/* Through the wire: pack, unpack. Free with ipc_unpack_free(). */
static ProtobufCMessage *travel(const ProtobufCMessage *m)
{
	static uint8_t b[IPC_RECORD_MAX];
	struct ipc_record rec = {.body = b};
	ProtobufCMessage *out;

	assert_true(protobuf_c_message_get_packed_size(m) <= sizeof(b));
	rec.body_len = protobuf_c_message_pack(m, b);
	out = ipc_unpack(m->descriptor, &rec, CAP);
	assert_non_null(out);
	return out;
}

static void test_model_policy_random_comes_back_equal(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct policy p = any_policy(), back;
		struct model_policy_pb pb;
		struct err_text e;
		ProtobufCMessage *m;

		model_policy_encode(&p, &pb);
		m = travel(&pb.m.base);
		if (model_policy_decode((const Postern__Policy *)m, &back, &e) < 0)
			fail_msg("round %d: %s", i, e.s);
		assert_true(policy_same(&p, &back));
		ipc_unpack_free(m);
	}
}

/* Keys live in `keys`, which must outlast the description. */
static struct sa_desc any_sa(uint8_t keys[2 * ALG_KEY_MAX])
{
	const struct alg_enc_info *enc = alg_enc_at(below(4));
	const struct alg_auth_info *auth = alg_auth_at(below(5));
	struct sa_desc d = {.src = any_addr(false),
	    .dst = any_addr(false),
	    .proto = below(2) ? IPSEC_ESP : IPSEC_AH,
	    .spi = 256 + below(UINT32_MAX - 256),
	    .mode = (enum ipsec_mode)(IPSEC_MODE_ANY + below(3)),
	    .reqid = (uint32_t)any64(),
	    .replay_bytes = below(8193),
	    .life = {any64(), any64(), any64(), any64(), any64(), any64()}};

	rng->fill(rng, keys, 2 * ALG_KEY_MAX);
	d.flags = (uint32_t[]){0, SA_F_CYCLIC, SA_F_RANDPAD, SA_F_ZEROPAD}[below(4)];
	if (d.proto == IPSEC_ESP) {
		d.enc = enc->id;
		d.enc_key_len =
		    (uint8_t)(enc->key_min +
		              enc->key_step * below(1u + (enc->key_max - enc->key_min) / enc->key_step));
		d.fresh_key = enc->counter;
		if (enc->counter)
			d.flags &= ~(uint32_t)SA_F_CYCLIC;
	}
	if (d.proto == IPSEC_AH || (!enc->aead && below(2))) {
		d.auth = auth->id;
		d.auth_key_len = auth->key_min;
		d.icv_len = below(2) ? auth->icv_len : 0;
	}
	if (d.reqid && below(2)) {
		static uint32_t more[SA_MORE_MAX];

		for (uint32_t i = 0; i < SA_MORE_MAX; i++)
			more[i] = (i + 1) * 1000 + below(1000);
		d.more_reqids = more;
		d.n_more = (uint16_t)below(SA_MORE_MAX + 1);
	}
	d.enc_key = d.enc_key_len ? keys : NULL;
	d.auth_key = d.auth_key_len ? keys + ALG_KEY_MAX : NULL;
	return d;
}

static bool key_same(const uint8_t *a, const uint8_t *b, size_t n, bool with_keys)
{
	if (!with_keys || !n)
		return !b;
	return b && memcmp(a, b, n) == 0;
}

static bool sa_same(const struct sa_desc *a, const struct sa_desc *b, bool with_keys)
{
	return addr_same(&a->src, &b->src) && addr_same(&a->dst, &b->dst) && a->proto == b->proto &&
	       a->spi == b->spi && a->mode == b->mode && a->reqid == b->reqid && a->n_more == b->n_more &&
	       (!a->n_more || memcmp(a->more_reqids, b->more_reqids, a->n_more * sizeof(uint32_t)) == 0) &&
	       a->replay_bytes == b->replay_bytes && a->flags == b->flags && a->enc == b->enc &&
	       a->auth == b->auth && a->enc_key_len == b->enc_key_len && a->auth_key_len == b->auth_key_len &&
	       a->icv_len == b->icv_len && a->fresh_key == b->fresh_key &&
	       memcmp(&a->life, &b->life, sizeof(a->life)) == 0 &&
	       key_same(a->enc_key, b->enc_key, a->enc_key_len, with_keys) &&
	       key_same(a->auth_key, b->auth_key, a->auth_key_len, with_keys);
}

static void test_model_sa_random_comes_back_equal(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t keys[2 * ALG_KEY_MAX];
		bool with_keys = below(2);
		struct sa_desc d = any_sa(keys), back;
		struct model_sa_pb pb;
		struct err_text e;
		ProtobufCMessage *m;

		model_sa_encode(&d, with_keys, &pb);
		m = travel(&pb.m.base);
		if (model_sa_decode((const Postern__SaDesc *)m, !with_keys, &back, &e) < 0)
			fail_msg("round %d: %s", i, e.s);
		assert_true(sa_same(&d, &back, with_keys));
		/* Who needs the keys is not content with their lengths. */
		if (!with_keys && (d.enc_key_len || d.auth_key_len))
			assert_int_equal(
			    model_sa_decode((const Postern__SaDesc *)m, false, &back, &e), -EBADMSG);
		ipc_unpack_free(m);
	}
}

static void test_model_sa_status_random_comes_back_equal(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct sa_status s = {.serial = any64(),
		    .state = (enum sa_state)(SA_LARVAL + below(4)),
		    .manual = below(2),
		    .seq = any64(),
		    .created_wall_ms = any64(),
		    .last_used_wall_ms = any64(),
		    .age_ms = any64(),
		    .bytes = any64(),
		    .packets = any64(),
		    .pid = (uint32_t)any64(),
		    .refcnt = (uint32_t)any64()};
		struct sa_status b;
		Postern__SaStatus pb;
		struct err_text e;
		ProtobufCMessage *m;

		model_sa_status_encode(&s, &pb);
		m = travel(&pb.base);
		assert_int_equal(model_sa_status_decode((const Postern__SaStatus *)m, &b, &e), 0);
		assert_true(s.serial == b.serial && s.state == b.state && s.manual == b.manual &&
		            s.seq == b.seq && s.created_wall_ms == b.created_wall_ms &&
		            s.last_used_wall_ms == b.last_used_wall_ms && s.age_ms == b.age_ms &&
		            s.bytes == b.bytes && s.packets == b.packets && s.pid == b.pid &&
		            s.refcnt == b.refcnt);
		ipc_unpack_free(m);
	}
}

static void test_model_addr_table(void **state)
{
	static uint8_t b[17] = {1, 2, 3, 4};
	Postern__Addr m = POSTERN__ADDR__INIT;
	struct inet_addr a;
	struct err_text e;

	(void)state;
	for (size_t n = 0; n <= sizeof(b); n++)
		for (uint32_t scope = 0; scope < 2; scope++) {
			bool good = n == 16 || (n == 4 && !scope);

			m.bytes = (ProtobufCBinaryData){.data = b, .len = n};
			m.scope = scope;
			assert_int_equal(model_addr_decode(&m, false, &a, &e), good ? 0 : -EBADMSG);
			assert_int_equal(model_addr_decode(&m, true, &a, &e), good ? 0 : -EBADMSG);
			assert_true(good || e.s[0]);
		}
	assert_int_equal(model_addr_decode(NULL, false, &a, &e), -EBADMSG);
	assert_int_equal(model_addr_decode(NULL, true, &a, &e), 0);
	assert_int_equal(a.family, INET_NONE);
}

/* A policy whose every part may be bent by a case. */
struct bent {
	struct model_policy_pb pb;
	Postern__PolicyRequest *many[POLICY_REQUESTS_MAX + 1];
};

static void make_straight(struct bent *b)
{
	static struct policy p;

	p = (struct policy){.dir = POLICY_OUT,
	    .action = POLICY_IPSEC,
	    .sel = {.src = {inet_addr_v4(0x0a000000), 8},
	        .dst = {inet_addr_v4(0x0b000000), 8},
	        .proto = IPPROTO_ANY_},
	    .n_requests = 1};
	p.req[0] = (struct policy_request){.proto = IPSEC_ESP,
	    .mode = IPSEC_TUNNEL,
	    .level = LEVEL_REQUIRE,
	    .src = inet_addr_v4(1),
	    .dst = inet_addr_v4(2)};
	model_policy_encode(&p, &b->pb);
}

static const struct {
	const char *what;
	int want;
	size_t off; /* of a 32-bit field in struct bent */
	uint32_t value;
} policy_numbers[] = {
    {"direction none", -EINVAL, offsetof(struct bent, pb.m.dir), 0},
    {"direction 4", -EBADMSG, offsetof(struct bent, pb.m.dir), 4},
    {"direction that truncates to 1", -EBADMSG, offsetof(struct bent, pb.m.dir), 0x101},
    {"action none", -EINVAL, offsetof(struct bent, pb.m.action), 0},
    {"action 4", -EBADMSG, offsetof(struct bent, pb.m.action), 4},
    {"action huge", -EBADMSG, offsetof(struct bent, pb.m.action), UINT32_MAX},
    {"request protocol 0", -EBADMSG, offsetof(struct bent, pb.req[0].proto), 0},
    {"request protocol tcp", -EBADMSG, offsetof(struct bent, pb.req[0].proto), 6},
    {"request protocol 50 + 256", -EBADMSG, offsetof(struct bent, pb.req[0].proto), 306},
    {"request mode none", -EINVAL, offsetof(struct bent, pb.req[0].mode), 0},
    {"request mode any", -EINVAL, offsetof(struct bent, pb.req[0].mode), IPSEC_MODE_ANY},
    {"request mode 4", -EBADMSG, offsetof(struct bent, pb.req[0].mode), 4},
    {"request level none", -EINVAL, offsetof(struct bent, pb.req[0].level), 0},
    {"request level 5", -EBADMSG, offsetof(struct bent, pb.req[0].level), 5},
    {"request level huge", -EBADMSG, offsetof(struct bent, pb.req[0].level), 0x80000002},
    {"upper protocol 257", -EBADMSG, offsetof(struct bent, pb.sel.m.proto), 257},
    {"upper protocol 65536 + 6", -EBADMSG, offsetof(struct bent, pb.sel.m.proto), 65542},
    {"source port 65536", -EBADMSG, offsetof(struct bent, pb.sel.m.sport), 65536},
    {"destination port huge", -EBADMSG, offsetof(struct bent, pb.sel.m.dport), UINT32_MAX},
    {"misc of protocol any", -EINVAL, offsetof(struct bent, pb.sel.m.misc), 1},
    {"request source port 65536", -EBADMSG, offsetof(struct bent, pb.req[0].src_port), 65536},
    {"request source port alone", -EINVAL, offsetof(struct bent, pb.req[0].src_port), 4500},
    {"in_only outbound", -EINVAL, offsetof(struct bent, pb.m.in_only), 1},
    {"source prefix 33", -EBADMSG, offsetof(struct bent, pb.sel.src.plen), 33},
    {"destination prefix 256 + 8", -EBADMSG, offsetof(struct bent, pb.sel.dst.plen), 264},
};

static void test_model_policy_number_out_of_range_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policy_numbers); i++) {
		struct policy p = {.id = 77};
		struct err_text e = {0};
		struct bent b;
		int r;

		make_straight(&b);
		assert_int_equal(model_policy_decode(&b.pb.m, &p, &e), 0);
		p.id = 77;
		memcpy((char *)&b + policy_numbers[i].off, &policy_numbers[i].value, sizeof(uint32_t));
		r = model_policy_decode(&b.pb.m, &p, &e);
		if (r != policy_numbers[i].want || !e.s[0] || p.id != 77)
			fail_msg("%s: %d '%s'", policy_numbers[i].what, r, e.s);
	}
}

static const struct {
	const char *what;
	int want;
	size_t off; /* of a pointer in struct bent */
} policy_parts[] = {
    {"selector", -EBADMSG, offsetof(struct bent, pb.m.selector)},
    {"source", -EBADMSG, offsetof(struct bent, pb.sel.m.src)},
    {"destination", -EBADMSG, offsetof(struct bent, pb.sel.m.dst)},
    {"source address", -EBADMSG, offsetof(struct bent, pb.sel.src.addr)},
    {"destination address", -EBADMSG, offsetof(struct bent, pb.sel.dst.addr)},
    {"tunnel source", -EINVAL, offsetof(struct bent, pb.req[0].src)},
    {"tunnel destination", -EINVAL, offsetof(struct bent, pb.req[0].dst)},
};

static void test_model_policy_missing_part_refused(void **state)
{
	struct policy p;
	struct err_text e;
	struct bent b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policy_parts); i++) {
		const void *none = NULL;

		make_straight(&b);
		memcpy((char *)&b + policy_parts[i].off, &none, sizeof(none));
		e.s[0] = '\0';
		if (model_policy_decode(&b.pb.m, &p, &e) != policy_parts[i].want || !e.s[0])
			fail_msg("without %s: '%s'", policy_parts[i].what, e.s);
	}
	assert_int_equal(model_policy_decode(NULL, &p, &e), -EBADMSG);
	/* One more than there may be. */
	make_straight(&b);
	for (size_t i = 0; i < ARRAY_SIZE(b.many); i++)
		b.many[i] = &b.pb.req[0];
	b.pb.m.requests = b.many;
	b.pb.m.n_requests = POLICY_REQUESTS_MAX;
	assert_int_equal(model_policy_decode(&b.pb.m, &p, &e), 0);
	b.pb.m.n_requests++;
	assert_int_equal(model_policy_decode(&b.pb.m, &p, &e), -EBADMSG);
	/* Families that differ. */
	make_straight(&b);
	b.pb.sel.dst_addr.bytes = (ProtobufCBinaryData){.data = (uint8_t *)"0123456789abcdef", .len = 16};
	assert_int_equal(model_policy_decode(&b.pb.m, &p, &e), -EINVAL);
}

static const struct {
	const char *what;
	int want;
	size_t off; /* of a 32-bit field in struct model_sa_pb */
	uint32_t value;
} sa_numbers[] = {
    {"protocol 0", -EBADMSG, offsetof(struct model_sa_pb, m.proto), 0},
    {"protocol tcp", -EBADMSG, offsetof(struct model_sa_pb, m.proto), 6},
    {"protocol ipcomp", -EINVAL, offsetof(struct model_sa_pb, m.proto), IPSEC_IPCOMP},
    {"protocol 256 + 50", -EBADMSG, offsetof(struct model_sa_pb, m.proto), 306},
    {"spi 255", -EINVAL, offsetof(struct model_sa_pb, m.spi), 255},
    {"mode none", -EINVAL, offsetof(struct model_sa_pb, m.mode), 0},
    {"mode 4", -EBADMSG, offsetof(struct model_sa_pb, m.mode), 4},
    {"replay window", -EINVAL, offsetof(struct model_sa_pb, m.replay_bytes), 8193},
    {"unknown flag", -EBADMSG, offsetof(struct model_sa_pb, m.flags), 0x800},
    {"old format", -EOPNOTSUPP, offsetof(struct model_sa_pb, m.flags), SA_F_OLD},
    {"cipher 200", -EBADMSG, offsetof(struct model_sa_pb, m.enc), 200},
    {"cipher 256 + 2", -EBADMSG, offsetof(struct model_sa_pb, m.enc), 258},
    {"no cipher", -EINVAL, offsetof(struct model_sa_pb, m.enc), 0},
    {"hash 200", -EBADMSG, offsetof(struct model_sa_pb, m.auth), 200},
    {"key of no algorithm", -EINVAL, offsetof(struct model_sa_pb, m.auth), ALG_AUTH_HMAC_SHA512},
    {"cipher key length", -EBADMSG, offsetof(struct model_sa_pb, m.enc_key_len), 16},
    {"cipher key length 256 + 24", -EBADMSG, offsetof(struct model_sa_pb, m.enc_key_len), 280},
    {"hash key length", -EBADMSG, offsetof(struct model_sa_pb, m.auth_key_len), 0},
    {"icv 33", -EBADMSG, offsetof(struct model_sa_pb, m.icv_len), 33},
    {"icv 256 + 12", -EBADMSG, offsetof(struct model_sa_pb, m.icv_len), 268},
    {"icv 4", -EINVAL, offsetof(struct model_sa_pb, m.icv_len), 4},
};

static const struct sa_desc straight_sa = {.proto = IPSEC_ESP,
    .spi = 256,
    .mode = IPSEC_TUNNEL,
    .enc = ALG_ENC_3DES_CBC,
    .auth = ALG_AUTH_HMAC_SHA1,
    .enc_key = (const uint8_t *)"123456789012345678901234",
    .auth_key = (const uint8_t *)"12345678901234567890",
    .enc_key_len = 24,
    .auth_key_len = 20};

static void test_model_sa_number_out_of_range_refused(void **state)
{
	struct sa_desc d = straight_sa, out;
	struct model_sa_pb pb;
	struct err_text e;

	(void)state;
	d.src = inet_addr_v4(1);
	d.dst = inet_addr_v4(2);
	for (size_t i = 0; i < ARRAY_SIZE(sa_numbers); i++) {
		int r;

		model_sa_encode(&d, true, &pb);
		assert_int_equal(model_sa_decode(&pb.m, false, &out, &e), 0);
		memcpy((char *)&pb + sa_numbers[i].off, &sa_numbers[i].value, sizeof(uint32_t));
		e.s[0] = '\0';
		r = model_sa_decode(&pb.m, false, &out, &e);
		if (r != sa_numbers[i].want || !e.s[0])
			fail_msg("%s: %d '%s'", sa_numbers[i].what, r, e.s);
	}
}

static void test_model_sa_keys_must_be_whole(void **state)
{
	static uint8_t longer[ALG_KEY_MAX + 1];
	struct sa_desc d = straight_sa, out;
	struct model_sa_pb pb;
	struct err_text e;

	(void)state;
	d.src = inet_addr_v4(1);
	d.dst = inet_addr_v4(2);
	for (size_t n = 0; n <= sizeof(longer); n++) {
		model_sa_encode(&d, true, &pb);
		pb.m.enc_key = (ProtobufCBinaryData){.data = longer, .len = n};
		assert_int_equal(model_sa_decode(&pb.m, false, &out, &e), n == 24 ? 0 : -EBADMSG);
		/* Absent is one thing, too short another. */
		assert_int_equal(model_sa_decode(&pb.m, true, &out, &e), n == 24 || n == 0 ? 0 : -EBADMSG);
	}
	model_sa_encode(&d, true, &pb);
	pb.m.src = NULL;
	assert_int_equal(model_sa_decode(&pb.m, false, &out, &e), -EBADMSG);
	model_sa_encode(&d, true, &pb);
	pb.m.dst = NULL;
	assert_int_equal(model_sa_decode(&pb.m, false, &out, &e), -EBADMSG);
	assert_int_equal(model_sa_decode(NULL, true, &out, &e), -EBADMSG);
}

static void test_model_sa_status_table(void **state)
{
	Postern__SaStatus m = POSTERN__SA_STATUS__INIT;
	struct sa_status s;
	struct err_text e;

	(void)state;
	for (uint32_t v = 0; v < 300; v++) {
		m.state = v;
		assert_int_equal(
		    model_sa_status_decode(&m, &s, &e), v >= SA_LARVAL && v <= SA_DEAD ? 0 : -EBADMSG);
	}
	assert_int_equal(model_sa_status_decode(NULL, &s, &e), -EBADMSG);
}

static int seed(void **state)
{
	(void)state;
	rng_seeded_init(&seeded, 20240229);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model_policy_random_comes_back_equal),
	    cmocka_unit_test(test_model_sa_random_comes_back_equal),
	    cmocka_unit_test(test_model_sa_status_random_comes_back_equal),
	    cmocka_unit_test(test_model_addr_table),
	    cmocka_unit_test(test_model_policy_number_out_of_range_refused),
	    cmocka_unit_test(test_model_policy_missing_part_refused),
	    cmocka_unit_test(test_model_sa_number_out_of_range_refused),
	    cmocka_unit_test(test_model_sa_keys_must_be_whole),
	    cmocka_unit_test(test_model_sa_status_table),
	};

	return cmocka_run_group_tests_name("ipc/model", tests, seed, NULL);
}
