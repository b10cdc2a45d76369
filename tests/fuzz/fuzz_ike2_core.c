/*
 * What a peer of version 2 may send to keyd, at any moment of an exchange and from behind its encryption: two
 * cores get so far by themselves, then the input says what one of them hears. Chains are sealed with the SA's
 * own keys and have the message id that is waited for, so that everything behind those is reached as by a
 * peer who knows the keys. In the end nothing may be left that nobody owns.
 *
 * Input: settings, milliseconds, then steps of an octet (kind and side), two of length, and data.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "crypto/ike2_seal.h"
#include "keyd/ike2/message.h"
#include "support/ike_rig.h"
#include "wire/ike/v2_sk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Append only: the corpus names steps by their place. */
enum {
	RAW,
	CLEAR,
	REQUEST,
	RESPONSE,
	FRAGMENT,
	WAIT,
	PACKET,
	ALTER,
	RENEW,
	LEAVE,
	DROP,
	UNKNOWN,
	RELOAD,
	KINDS
};
enum { OF_A = 0x80, SECOND = 0x40, STEPS_MAX = 40, ROOM = 70000, BODY_MAX = 8000, LONG_MS = 400000 };
enum { TCP = 6, UDP = 17, ADDR_A = 0x0a000064, ADDR_B = 0x0a00006e /* as the rig has them */ };

struct step {
	struct rig_side *to;
	struct ikesa *sa; /* of it; may be NULL */
	const uint8_t *d;
	size_t n;
};

static struct rig rig;
static uint8_t settings, message[ROOM];
static unsigned altered;
static uint16_t at;
static uint8_t mask;
static uint64_t sealed;

static void must(bool true_)
{
	if (!true_)
		abort();
}

/* Its child twice, for two protocols, which go together. */
static void make_set(struct ike_conf *c, bool of_a)
{
	static const uint16_t protos[] = {TCP, UDP};
	const struct ike_child like = c->child[0];
	const struct inet_addr a = inet_addr_v4(ADDR_A), b = inet_addr_v4(ADDR_B);

	c->peer[0].ph1id = 1;
	c->n_children = 0;
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		struct ike_child *k = ike_conf_add_child(c);

		must(k);
		*k = like;
		k->remoteid = k->set = 1;
		k->local =
		    (struct ike_side){.kind = IKE_SIDE_HOST, .first = of_a ? a : b, .proto = protos[i]};
		k->remote =
		    (struct ike_side){.kind = IKE_SIDE_HOST, .first = of_a ? b : a, .proto = protos[i]};
	}
}

static void make_unique(struct rig_side *s)
{
	for (size_t i = 0; i < s->n_policies; i++) {
		struct policy_request *out = &s->out[i].req[s->out[i].n_requests - 1],
		                      *in = &s->in[i].req[s->in[i].n_requests - 1];

		out->level = in->level = LEVEL_UNIQUE;
		out->reqid = (uint32_t)(POLICY_REQID_AUTO_FIRST + 2 * i);
		in->reqid = out->reqid + 1;
	}
}

static struct ike_conf *conf(bool of_a)
{
	struct ike_conf *c = rig_conf2(settings & 1 ? IKE_AUTH_RSA : IKE_AUTH_PSK);

	if (settings & 2)
		c->peer[0].nat_traversal = IKE_FORCE;
	if (settings & 4)
		c->child[0].pfs = ALG_GROUP_NONE;
	if (settings & 8)
		c->child[0].pfs_optional = true;
	if (settings & 16)
		c->peer[0].dpd.delay_s = 5;
	if (settings & 128)
		make_set(c, of_a);
	return c;
}

static void begin(void)
{
	static const enum ipsec_proto bundle[] = {IPSEC_IPCOMP, IPSEC_ESP, IPSEC_PROTO_NONE};

	sealed = 1ULL << 40; /* far from what the cores count */
	rig_init(&rig, 1, conf(true), conf(false));
	rig.a.subject = "a certificate of A";
	rig.b.subject = "a certificate of B";
	for (size_t i = 0; i < (settings & 128 ? 2 : 1); i++)
		if (settings & 32)
			rig_policy_of(&rig, IPSEC_TUNNEL, bundle, i ? UDP : TCP);
		else
			rig_policy(&rig, settings & 64 ? IPSEC_TRANSPORT : IPSEC_TUNNEL, i ? UDP : TCP);
	if (settings & 128) {
		make_unique(&rig.a);
		make_unique(&rig.b);
	}
}

static void hear(struct rig_side *s, const uint8_t *d, size_t n)
{
	const struct rig_side *from = s == &rig.a ? &rig.b : &rig.a;
	struct ike_path path = {.local = s->addr,
	    .remote = from->addr,
	    .local_port = settings & 2 ? IKE_PORT_NATT : IKE_PORT,
	    .remote_port = settings & 2 ? IKE_PORT_NATT : IKE_PORT};
	uint8_t *exact = malloc(n ? n : 1);

	must(exact);
	memcpy(exact, d, n);
	core_datagram(s->core, &path, exact, n);
	free(exact);
}

/* As the peer would write it. */
static struct ike_hdr header(const struct ikesa *sa, uint8_t exchange, bool response, uint32_t id)
{
	struct ike_hdr h = ike2_header(sa, exchange, response, id);

	h.flags ^= IKE2_F_INITIATOR;
	return h;
}

static void clear(const struct step *s)
{
	struct ike_hdr h;
	struct ike_out o;
	size_t n;

	if (!s->sa || s->n < 3 || s->n > BODY_MAX)
		return;
	h = header(s->sa, s->d[0], s->d[1] & 1, s->d[1] >> 1);
	ike_out_init(&o, message, sizeof(message), &h);
	ike_out_whole(&o, s->d[2], s->d + 3, s->n - 3);
	n = ike_out_end(&o);
	if (n)
		hear(s->to, message, n);
}

static void seal(const struct step *s, const struct ike_hdr *h, const struct ike2_sk_part *part)
{
	const struct ike2_guard g = ike2_guard(&s->sa->keys, !s->sa->initiator);
	struct ike2_text text;
	struct ike2_sk sk;
	struct ike_out o;
	size_t n;

	ike_out_init(&o, message, sizeof(message), h);
	n = ike2_put_sk(&o, ike2_sk_sizes(s->sa->terms.suite.enc, s->sa->terms.suite.auth), part, &sk);
	text = (struct ike2_text){
	    .aad = sk.aad, .iv = sk.iv, .data = sk.data, .icv = sk.icv, .aad_len = sk.aad_len, .len = sk.len};
	if (n && ike2_seal(&g, &sealed, &rig.rng.rng, &text) == 0)
		hear(s->to, message, n);
}

/* An exchange's number, the type of the first payload, and a chain. */
static void ask(const struct step *s)
{
	struct ike_hdr h;

	if (!s->sa || !s->sa->keys.d || s->n < 2 || s->n > BODY_MAX)
		return;
	h = header(s->sa, s->d[0], false, s->sa->next_peer);
	seal(s, &h, &(struct ike2_sk_part){.first = s->d[1], .inner = s->d + 2, .len = s->n - 2});
}

/* To the request that is out. */
static void answer(const struct step *s)
{
	struct ike_hdr h;

	if (!s->sa || !s->sa->keys.d || !s->sa->own.out || s->n < 1 || s->n > BODY_MAX)
		return;
	h = header(s->sa, s->sa->own.exchange, true, s->sa->next_own);
	seal(s, &h, &(struct ike2_sk_part){.first = s->d[0], .inner = s->d + 1, .len = s->n - 1});
}

/* A part of a request: exchange, first payload, number, total, data. */
static void fragment(const struct step *s)
{
	struct ike_hdr h;

	if (!s->sa || !s->sa->keys.d || s->n < 4 || s->n > BODY_MAX || !s->d[2] || s->d[2] > s->d[3])
		return;
	h = header(s->sa, s->d[0], false, s->sa->next_peer);
	seal(s, &h,
	    &(struct ike2_sk_part){.first = s->d[2] == 1 ? s->d[1] : 0,
	        .number = s->d[2],
	        .total = s->d[3],
	        .inner = s->d + 4,
	        .len = s->n - 4});
}

static bool alter(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	if (n == altered && at < n_d)
		d[at] ^= mask;
	return true;
}

static void renew(const struct step *s, uint8_t what)
{
	struct core *c = s->to->core;

	if (what & 1) {
		list_foreach_safe (k, next, &c->children, struct child, node)
			if (!k->replaced)
				k->ops->renew(k);
	} else if (s->sa && s->sa->renew.fn && ike2_is_up(s->sa)) {
		must(timer_set(&c->timers, &s->sa->renew, core_now(c), s->sa->renew.fn) == 0);
	}
}

static void drop(const struct step *s)
{
	list_foreach_safe (k, next, &s->to->core->children, struct child, node) {
		child_end(k, true, CHILD_DELETED);
		return;
	}
}

static void one(unsigned kind, const struct step *s)
{
	uint8_t first = s->n ? s->d[0] : 0;

	switch (kind) {
	case RAW:
		hear(s->to, s->d, s->n);
		break;
	case CLEAR:
		clear(s);
		break;
	case REQUEST:
		ask(s);
		break;
	case RESPONSE:
		answer(s);
		break;
	case FRAGMENT:
		fragment(s);
		break;
	case WAIT:
		rig_run(&rig, first * 4U);
		break;
	case PACKET:
		rig_packet(s->to, 0);
		break;
	case ALTER:
		altered = rig.n_datagrams + first;
		at = s->n > 2 ? (uint16_t)(s->d[1] << 8 | s->d[2]) : 0;
		mask = s->n > 3 ? s->d[3] : 1;
		rig.wire.tamper = alter;
		break;
	case RENEW:
		renew(s, first);
		break;
	case LEAVE:
		if (s->sa)
			ike2_sa_leave(s->sa, "deleted");
		break;
	case DROP:
		drop(s);
		break;
	case UNKNOWN:
		core_unknown_spi(
		    s->to->core, &s->to->addr, &(s->to == &rig.a ? &rig.b : &rig.a)->addr, IPSEC_ESP, first);
		break;
	default:
		must(core_load(s->to->core, 2, conf(s->to == &rig.a)) == 0);
	}
	core_step(s->to->core);
}

static struct ikesa *find(const struct rig_side *s, bool second)
{
	list_foreach (sa, &s->core->ike2.sas, struct ikesa, all) {
		if (!second)
			return sa;
		second = false;
	}
	list_foreach (sa, &s->core->ike2.unproved, struct ikesa, all) {
		if (!second)
			return sa;
		second = false;
	}
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_init(data, n);
	const char *why;
	uint8_t ms;

	settings = rd_u8(&r);
	ms = rd_u8(&r);
	begin();
	if (ms) {
		rig_packet(&rig.a, 0);
		rig_run(&rig, ms);
	}
	for (int i = 0; i < STEPS_MAX && rd_left(&r) >= 3; i++) {
		uint8_t kind = rd_u8(&r);
		size_t want = rd_u16(&r);
		struct step s = {.to = kind & OF_A ? &rig.a : &rig.b};

		s.sa = find(s.to, kind & SECOND);
		s.n = want < rd_left(&r) ? want : rd_left(&r);
		s.d = rd_bytes(&r, s.n);
		one((kind & ~(OF_A | SECOND)) % KINDS, &s);
	}
	rig.wire.tamper = NULL;
	rig_run(&rig, LONG_MS);
	must(rig_is_calm(&rig, &why));
	rig_fini(&rig);
	return 0;
}
