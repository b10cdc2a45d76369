/*
 * What a peer may send to keyd, at any moment of an exchange and from behind its encryption: two cores get so
 * far by themselves, then the input says what one of them hears. Chains are sealed with the SA's own keys
 * under the right hash, so that everything behind those is reached as by a peer who knows the key. In the end
 * nothing may be left that nobody owns.
 *
 * Input: settings, milliseconds, then steps of an octet (kind and side), two of length, and data.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "keyd/ike1/cipher.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike1/transaction.h"
#include "support/ike_rig.h"
#include "wire/ike/v1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Append only: the corpus names steps by their place. */
enum {
	RAW,
	CLEAR,
	INFORM,
	QUICK,
	QUICK_ON,
	PHASE1,
	WAIT,
	PACKET,
	ALTER,
	SPENT,
	UNKNOWN,
	RELOAD,
	TRANSACTION,
	ASKED,
	KINDS
};
enum { OF_A = 0x80, SECOND = 0x40, STEPS_MAX = 40, ROOM = 70000, BODY_MAX = 8000, LONG_MS = 400000, TCP = 6 };

struct step {
	struct rig_side *to;
	struct isakmp *sa; /* of it; may be NULL */
	const uint8_t *d;
	size_t n;
};

static struct rig rig;
static uint8_t settings, message[ROOM];
static unsigned altered;
static uint16_t at;
static uint8_t mask;
static uint32_t last_id;

static void must(bool true_)
{
	if (!true_)
		abort();
}

/* A is a client that is asked for its user, and asks for an address. */
static void remote_access(struct ike_conf *c, bool client)
{
	c->peer[0].offer[0].auth = client ? IKE_AUTH_XAUTH_PSK_CLIENT : IKE_AUTH_XAUTH_PSK_SERVER;
	c->peer[0].mode_cfg = client || settings & 128;
	c->peer[0].generate = IKE_GENERATE_REQUIRE;
	c->peer[0].xauth_login = strdup("alice");
	c->pool = (struct ike_pool){
	    .present = true, .network4 = inet_addr_v4(0x0a090901), .size = 3, .banner = strdup("be nice")};
}

/* What forces a NAT with NAT traversal is base mode without it. */
static enum ike_mode mode(void)
{
	if ((settings & 12) == 8)
		return IKE_MODE_BASE;
	return settings & 1 ? IKE_MODE_AGGRESSIVE : IKE_MODE_MAIN;
}

static struct ike_conf *conf(bool to_a)
{
	struct ike_conf *c = rig_conf(mode(), settings & 2 ? IKE_AUTH_RSA : IKE_AUTH_PSK, true);

	if (settings & 4)
		c->peer[0].nat_traversal = settings & 8 ? IKE_FORCE : IKE_ON;
	if (settings & 16)
		c->child[0].pfs = ALG_GROUP_NONE;
	if (settings & 64)
		remote_access(c, to_a);
	return c;
}

static void begin(void)
{
	static const enum ipsec_proto bundle[] = {IPSEC_IPCOMP, IPSEC_ESP, IPSEC_AH, IPSEC_PROTO_NONE};

	last_id = 0;
	rig_init(&rig, 1, conf(true), conf(false));
	rig.b.user = "alice";
	rig.a.password = rig.b.password = "s3cret";
	rig.a.subject = "a certificate of A";
	rig.b.subject = "a certificate of B";
	if (settings & 32)
		rig_policy_of(&rig, IPSEC_TUNNEL, bundle, TCP);
	else
		rig_policy(&rig, IPSEC_TRANSPORT, TCP);
}

static void hear(struct rig_side *s, const uint8_t *d, size_t n)
{
	const struct rig_side *from = s == &rig.a ? &rig.b : &rig.a;
	struct ike_path path = {.local = s->addr,
	    .remote = from->addr,
	    .local_port = settings & 4 ? IKE_PORT_NATT : IKE_PORT,
	    .remote_port = settings & 4 ? IKE_PORT_NATT : IKE_PORT};
	uint8_t *exact = malloc(n ? n : 1);

	must(exact);
	memcpy(exact, d, n);
	core_datagram(s->core, &path, exact, n);
	free(exact);
}

/* Header and, with a length, a hash to be filled in; octets so far. */
static size_t put_front(
    const struct isakmp *sa, uint8_t exchange, uint8_t flags, uint32_t id, uint8_t first, size_t hash)
{
	struct wr w = wr_init(message, sizeof(message));

	wr_bytes(&w, sa->icookie, IKE_COOKIE_LEN);
	wr_bytes(&w, sa->rcookie, IKE_COOKIE_LEN);
	wr_u8(&w, hash ? IKE1_P_HASH : first);
	wr_u8(&w, 0x10);
	wr_u8(&w, exchange);
	wr_u8(&w, flags);
	wr_u32(&w, id);
	wr_u32(&w, 0);
	if (hash) {
		wr_u8(&w, first);
		wr_u8(&w, 0);
		wr_u16(&w, (uint16_t)(hash + IKE_PAYLOAD_HDR_LEN));
		wr_fill(&w, 0, hash);
	}
	return wr_len(&w);
}

static void put_len(size_t n)
{
	struct wr w = wr_init(message + IKE_HDR_LEN - 4, 4);

	wr_u32(&w, (uint32_t)n);
}

static void clear(const struct step *s)
{
	size_t n;

	if (!s->sa || s->n < 4 || s->n > BODY_MAX)
		return;
	n = put_front(s->sa, s->d[0], s->d[1], s->d[3] ? s->d[3] : 0, s->d[2], 0);
	memcpy(message + n, s->d + 4, s->n - 4);
	n += s->n - 4;
	put_len(n);
	hear(s->to, message, n);
}

static uint8_t exchange_of(const struct isakmp *sa)
{
	static const uint8_t exchanges[IKE_MODES] = {[IKE_MODE_MAIN] = IKE1_MAIN,
	    [IKE_MODE_AGGRESSIVE] = IKE1_AGGRESSIVE,
	    [IKE_MODE_BASE] = IKE1_BASE};

	return exchanges[sa->mode];
}

/* Enciphers what is in `message` and delivers it. `iv` is not moved: the peer will do that. */
static void seal(const struct step *s, const uint8_t *iv, size_t n)
{
	uint8_t chain[IKE1_BLOCK_MAX];

	memcpy(chain, iv, sizeof(chain));
	n = ike1_seal(s->sa, chain, message, n, sizeof(message));
	if (n)
		hear(s->to, message, n);
}

static void phase1(const struct step *s)
{
	size_t n;

	if (!s->sa || !s->sa->cipher_key || !s->n || s->n > BODY_MAX)
		return;
	n = put_front(s->sa, exchange_of(s->sa), 0, 0, s->d[0], 0);
	memcpy(message + n, s->d + 1, s->n - 1);
	seal(s, s->sa->iv, n + s->n - 1);
}

/* Pieces of the hash besides the chain itself, which counts when `rest`. */
static void hashed(const struct step *s, uint8_t exchange, uint32_t id, const uint8_t *iv, bool zero,
    const struct octets *ni, const struct octets *nr, bool rest)
{
	size_t len = crypto_prf_len(s->sa->terms.prf), n, k = 0;
	struct ike_chain c = {.used = (uint32_t)s->n - 1};
	struct ike1_octets v[3];

	n = put_front(s->sa, exchange, 0, id, s->d[0], len);
	memcpy(message + n, s->d + 1, s->n - 1);
	if (ike_chain_parse(s->d[0], s->d + 1, s->n - 1, true, &c) != IKE_OK)
		c.used = (uint32_t)s->n - 1;
	if (ni && ni->n)
		v[k++] = (struct ike1_octets){ni->p, ni->n};
	if (nr && nr->n)
		v[k++] = (struct ike1_octets){nr->p, nr->n};
	if (rest)
		v[k++] = (struct ike1_octets){message + n, c.used};
	if (ike1_hash(&s->sa->keys, zero, id, v, k, message + IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN) == 0)
		seal(s, iv, n + s->n - 1);
}

/* A new exchange under an SA that is up. */
static void fresh(const struct step *s, uint8_t exchange)
{
	uint8_t iv[IKE1_BLOCK_MAX];

	if (!s->sa || !isakmp_has_keys(s->sa) || !s->n || s->n > BODY_MAX)
		return;
	if (ike1_begin_iv(s->sa, ++last_id, iv) == 0)
		hashed(s, exchange, last_id, iv, false, NULL, NULL, true);
}

/* The next message of one that waits for it. */
static void quick_on(const struct step *s)
{
	if (!s->sa || !isakmp_is_up(s->sa) || !s->n || s->n > BODY_MAX)
		return;
	list_foreach (q, &s->sa->quicks, struct quick, node) {
		bool last = q->state == QUICK_ANSWERED;

		if (q->state != QUICK_OFFERED && !last)
			continue;
		hashed(s, IKE1_QUICK, q->msg_id, q->iv, last, &q->ni, last ? &q->nr : NULL, !last);
		return;
	}
}

/* An answer to a question of the other side's, or more under its id. */
static void asked(const struct step *s)
{
	if (!s->sa || !isakmp_has_keys(s->sa) || !s->n || s->n > BODY_MAX)
		return;
	list_foreach (t, &s->sa->ra.transactions, struct transaction, node) {
		hashed(s, IKE1_TRANSACTION, t->msg_id, t->iv, false, NULL, NULL, true);
		return;
	}
}

static bool alter(struct rig *r, unsigned n, bool from_a, uint8_t *d, size_t n_d)
{
	if (n == altered && at < n_d)
		d[at] ^= mask;
	return true;
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
	case INFORM:
		fresh(s, IKE1_INFORMATIONAL);
		break;
	case QUICK:
		fresh(s, IKE1_QUICK);
		break;
	case QUICK_ON:
		quick_on(s);
		break;
	case PHASE1:
		phase1(s);
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
	case SPENT:
		rig_spent(s->to, first & 1);
		break;
	case UNKNOWN:
		core_unknown_spi(
		    s->to->core, &s->to->addr, &(s->to == &rig.a ? &rig.b : &rig.a)->addr, IPSEC_ESP, first);
		break;
	case TRANSACTION:
		fresh(s, IKE1_TRANSACTION);
		break;
	case ASKED:
		asked(s);
		break;
	default:
		must(core_load(s->to->core, 2, conf(s->to == &rig.a)) == 0);
	}
}

static struct isakmp *find(const struct rig_side *s, bool second)
{
	list_foreach (sa, &s->core->isakmp, struct isakmp, all) {
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
