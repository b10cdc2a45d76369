#include "support/random_ipsec.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

static bool chance(struct rng *rng, uint32_t one_in)
{
	return rng_below(rng, one_in) == 0;
}

static uint64_t random64(struct rng *rng)
{
	uint64_t v;

	rng->fill(rng, &v, sizeof(v));
	return v >> rng_below(rng, 64);
}

static struct inet_addr random_addr(struct rng *rng, uint8_t family)
{
	uint8_t b[16];

	rng->fill(rng, b, sizeof(b));
	b[0] = family == INET_V4 ? 10 : 0x20;
	return inet_addr_from_bytes(b, family == INET_V4 ? 4 : 16);
}

static uint16_t random_port(struct rng *rng)
{
	return (uint16_t)(1 + rng_below(rng, UINT16_MAX));
}

static size_t table_len(bool enc)
{
	size_t n = 0;

	while (enc ? (const void *)alg_enc_at(n) : (const void *)alg_auth_at(n))
		n++;
	return n;
}

static uint8_t random_key(struct rng *rng, uint8_t *key, uint8_t min, uint8_t max, uint8_t step)
{
	uint8_t n = (uint8_t)(min + step * rng_below(rng, (uint32_t)(max - min) / step + 1));

	rng->fill(rng, key, ALG_KEY_MAX);
	return n;
}

static void random_auth(struct rng *rng, struct random_sa *sa)
{
	static const uint8_t cut_len = 12;
	const struct alg_auth_info *a = alg_auth_at(rng_below(rng, (uint32_t)table_len(false)));
	struct sa_desc *d = &sa->desc;

	if (a->counter && d->proto == IPSEC_ESP)
		a = alg_auth_by_id(ALG_AUTH_HMAC_SHA384);
	d->auth = a->id;
	d->auth_key_len = random_key(rng, sa->auth_key, a->key_min, a->key_max, a->key_step);
	d->auth_key = sa->auth_key;
	d->fresh_key |= a->counter;
	if (strcmp(alg_auth_name(a, cut_len), a->name) != 0 && chance(rng, 2))
		d->icv_len = cut_len;
}

static void random_esp(struct rng *rng, struct random_sa *sa)
{
	const struct alg_enc_info *a = alg_enc_at(rng_below(rng, (uint32_t)table_len(true)));
	struct sa_desc *d = &sa->desc;

	d->enc = a->id;
	d->enc_key_len = random_key(rng, sa->enc_key, a->key_min, a->key_max, a->key_step);
	d->enc_key = d->enc_key_len ? sa->enc_key : NULL;
	d->fresh_key = a->counter;
	if (a->kind == ALG_KIND_CTR || (!a->aead && chance(rng, 2)))
		random_auth(rng, sa);
}

static void random_encap(struct rng *rng, struct sa_desc *d)
{
	bool ours = chance(rng, 2);

	d->encap.sport = ours ? SA_UDP_PORT : random_port(rng);
	d->encap.dport = ours ? random_port(rng) : SA_UDP_PORT;
	if (chance(rng, 2))
		d->encap.frag = (uint16_t)(SA_FRAG_MIN + rng_below(rng, UINT16_MAX - SA_FRAG_MIN + 1));
	if (chance(rng, 2))
		d->encap.keepalive_s = (uint16_t)rng_below(rng, UINT16_MAX + 1);
	if (chance(rng, 2))
		d->encap.nat_oa = random_addr(rng, d->src.family);
}

static void random_flags(struct rng *rng, struct sa_desc *d)
{
	bool authentic = d->auth || (d->enc && alg_enc_by_id(d->enc)->aead);

	d->flags = rng_below(rng, 2) ? SA_F_CYCLIC : 0;
	d->flags |= (chance(rng, 4) ? SA_F_RANDPAD : 0U) | (chance(rng, 4) ? SA_F_ZEROPAD : 0U);
	if (d->proto == IPSEC_IPCOMP && chance(rng, 2))
		d->flags |= SA_F_RAWCPI;
	if (authentic && d->replay_bytes && chance(rng, 2))
		d->flags |= SA_F_ESN;
	if (d->fresh_key || d->flags & SA_F_ESN)
		d->flags &= ~(uint32_t)SA_F_CYCLIC;
}

static void random_life(struct rng *rng, struct sa_lifetime *l)
{
	uint64_t *const limits[] = {
	    &l->soft_s, &l->hard_s, &l->soft_bytes, &l->hard_bytes, &l->soft_packets, &l->hard_packets};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		*limits[i] = chance(rng, 3) ? random64(rng) : 0;
}

static struct sa_status random_status(struct rng *rng)
{
	return (struct sa_status){.state = SA_MATURE + rng_below(rng, 3),
	    .seq = random64(rng),
	    .created_wall_ms = rng_below(rng, 2) ? (uint64_t)rng_below(rng, 1U << 31) * 1000 : 0,
	    .last_used_wall_ms = rng_below(rng, 2) ? (uint64_t)rng_below(rng, 1U << 31) * 1000 : 0,
	    .age_ms = random64(rng),
	    .bytes = random64(rng),
	    .packets = random64(rng),
	    .pid = rng_below(rng, UINT32_MAX),
	    .refcnt = rng_below(rng, 9)};
}

void random_sa(struct rng *rng, struct random_sa *ret)
{
	static const enum ipsec_proto protos[] = {IPSEC_ESP, IPSEC_ESP, IPSEC_ESP, IPSEC_AH, IPSEC_IPCOMP};
	uint8_t family = rng_below(rng, 2) ? INET_V4 : INET_V6;
	struct sa_desc *d = &ret->desc;
	const char *why;

	memset(ret, 0, sizeof(*ret));
	d->src = random_addr(rng, family);
	d->dst = random_addr(rng, family);
	d->proto = protos[rng_below(rng, ARRAY_SIZE(protos))];
	d->mode = IPSEC_MODE_ANY + rng_below(rng, 3);
	d->spi = 256 + rng_below(rng, d->proto == IPSEC_IPCOMP ? UINT16_MAX - 255 : UINT32_MAX - 255);
	d->reqid = chance(rng, 2) ? rng_below(rng, POLICY_REQID_MANUAL_MAX + 1) : 0;
	d->replay_bytes = chance(rng, 2) ? rng_below(rng, 8193) : 0;
	if (d->proto == IPSEC_ESP)
		random_esp(rng, ret);
	else if (d->proto == IPSEC_AH)
		random_auth(rng, ret);
	else
		d->comp = ALG_COMP_DEFLATE;
	if (d->proto == IPSEC_ESP && chance(rng, 3))
		random_encap(rng, d);
	random_flags(rng, d);
	random_life(rng, &d->life);
	ret->status = random_status(rng);
	if (sa_desc_check(d, &why) < 0)
		abort();
}

static void random_request(struct rng *rng, struct policy_request *q, uint8_t family)
{
	static const enum ipsec_proto protos[] = {IPSEC_ESP, IPSEC_AH, IPSEC_IPCOMP};

	q->proto = protos[rng_below(rng, 3)];
	q->mode = rng_below(rng, 2) ? IPSEC_TUNNEL : IPSEC_TRANSPORT;
	q->level = LEVEL_DEFAULT + rng_below(rng, 4);
	if (q->mode == IPSEC_TUNNEL && chance(rng, 4))
		family = family == INET_V4 ? INET_V6 : INET_V4;
	if (q->mode == IPSEC_TUNNEL || rng_below(rng, 2)) {
		q->src = random_addr(rng, family);
		q->dst = random_addr(rng, family);
	}
	if (q->proto == IPSEC_ESP && q->src.family != INET_NONE && rng_below(rng, 2)) {
		q->src_port = random_port(rng);
		q->dst_port = random_port(rng);
	}
	if (q->level != LEVEL_UNIQUE)
		return;
	q->reqid_auto = chance(rng, 4);
	q->reqid = q->reqid_auto ? POLICY_REQID_AUTO_FIRST + rng_below(rng, 1U << 20)
	                         : rng_below(rng, POLICY_REQID_MANUAL_MAX + 1);
}

static struct selector random_selector(struct rng *rng, uint8_t family)
{
	static const uint16_t protos[] = {IPPROTO_ANY_, 6, 17, 1, 58, 47, 135, 132, 50, 51, 108, 89, 200};
	struct selector s = {.src.addr = random_addr(rng, family), .dst.addr = random_addr(rng, family)};

	s.src.plen = (uint8_t)rng_below(rng, inet_addr_bits(&s.src.addr) + 1u);
	s.dst.plen = (uint8_t)rng_below(rng, inet_addr_bits(&s.dst.addr) + 1u);
	s.proto = protos[rng_below(rng, ARRAY_SIZE(protos))];
	if (ip_proto_has_misc(s.proto) || ip_proto_has_ports(s.proto) || s.proto == IPPROTO_ANY_) {
		s.sport = (uint16_t)(rng_below(rng, 2) ? rng_below(rng, 256) : 0);
		s.dport = (uint16_t)(rng_below(rng, 2) ? rng_below(rng, 256) : 0);
	}
	s.misc = ip_proto_has_misc(s.proto) && (s.sport || s.dport);
	return s;
}

struct policy random_policy(struct rng *rng)
{
	uint8_t family = rng_below(rng, 2) ? INET_V4 : INET_V6;
	struct policy p = {.dir = POLICY_IN + rng_below(rng, 3),
	    .action = POLICY_DISCARD + rng_below(rng, 3),
	    .sel = random_selector(rng, family)};
	const char *why;

	if (rng_below(rng, 2))
		p.priority = (int32_t)rng_below(rng, 1u << 31) - (rng_below(rng, 2) ? INT32_MAX : 0);
	if (chance(rng, 4))
		p.lifetime_s = 1 + rng_below(rng, UINT32_MAX - 1);
	if (chance(rng, 4))
		p.validtime_s = 1 + rng_below(rng, UINT32_MAX - 1);
	if (p.action == POLICY_IPSEC)
		p.n_requests = (uint8_t)(1 + rng_below(rng, POLICY_REQUESTS_MAX));
	for (uint8_t i = 0; i < p.n_requests; i++)
		random_request(rng, &p.req[i], family);
	if (policy_check(&p, &why) < 0)
		abort();
	return p;
}
