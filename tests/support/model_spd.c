#include "support/model_spd.h"

#include <string.h>

#include "base/auto.h"

static bool bit(const uint8_t *b, unsigned i)
{
	return b[i / 8] >> (7 - i % 8) & 1;
}

static bool prefix_covers(const struct inet_prefix *p, const struct inet_addr *a)
{
	if (p->addr.family != a->family)
		return false;
	for (unsigned i = 0; i < p->plen; i++)
		if (bit(p->addr.b, i) != bit(a->b, i))
			return false;
	return true;
}

static bool proto_with_ports(unsigned proto)
{
	return proto == 6 || proto == 17 || proto == 33 || proto == 132 || proto == 136;
}

bool model_selector_match(const struct selector *s, const struct packet_key *k, bool lenient)
{
	bool wants_ports = s->sport != 0 || s->dport != 0;

	if (!prefix_covers(&s->src, &k->src) || !prefix_covers(&s->dst, &k->dst))
		return false;
	if (s->proto != 256 && s->proto != k->proto)
		return false;
	if (!wants_ports)
		return true;
	if (s->proto == 256 && !proto_with_ports(k->proto))
		return false;
	if (!k->has_ports)
		return lenient;
	return (s->sport == 0 || s->sport == k->sport) && (s->dport == 0 || s->dport == k->dport);
}

static bool prefix_same(const struct inet_prefix *a, const struct inet_prefix *b)
{
	return a->plen == b->plen && prefix_covers(a, &b->addr);
}

static bool same(const struct policy *p, enum policy_dir dir, const struct selector *s)
{
	return p->dir == dir && prefix_same(&p->sel.src, &s->src) && prefix_same(&p->sel.dst, &s->dst) &&
	       p->sel.proto == s->proto && p->sel.sport == s->sport && p->sel.dport == s->dport &&
	       p->sel.misc == s->misc;
}

int model_spd_add(struct model_spd *m, const struct policy *p)
{
	size_t at = 0;

	for (size_t i = 0; i < m->n; i++)
		if (same(&m->p[i], p->dir, &p->sel))
			return -1;
	while (at < m->n && m->p[at].priority >= p->priority)
		at++;
	memmove(&m->p[at + 1], &m->p[at], (m->n - at) * sizeof(m->p[0]));
	m->p[at] = *p;
	m->n++;
	return 0;
}

int model_spd_delete(struct model_spd *m, enum policy_dir dir, const struct selector *sel)
{
	for (size_t i = 0; i < m->n; i++)
		if (same(&m->p[i], dir, sel)) {
			memmove(&m->p[i], &m->p[i + 1], (m->n - i - 1) * sizeof(m->p[0]));
			m->n--;
			return 0;
		}
	return -1;
}

const struct policy *model_spd_match(
    const struct model_spd *m, enum policy_dir dir, const struct packet_key *k, bool lenient)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->p[i].dir == dir && model_selector_match(&m->p[i].sel, k, lenient))
			return &m->p[i];
	return NULL;
}

static struct inet_addr random_addr(struct rng *rng, uint8_t family)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8};
	size_t len = family == INET_V4 ? 4 : 16;

	if (family == INET_V4)
		memcpy(b, (uint8_t[]){10, 0}, 2);
	b[len - 2] = (uint8_t)rng_below(rng, 2);
	b[len - 1] = (uint8_t)rng_below(rng, 4);
	return inet_addr_from_bytes(b, len);
}

static struct inet_prefix random_prefix(struct rng *rng, uint8_t family)
{
	static const uint8_t host_bits[] = {0, 0, 0, 0, 0, 1, 1, 2, 8, 9, 16, 32};
	struct inet_prefix p = {.addr = random_addr(rng, family)};
	uint8_t bits = inet_addr_bits(&p.addr);
	uint8_t host = host_bits[rng_below(rng, ARRAY_SIZE(host_bits))];

	p.plen = host == 32 ? 0 : (uint8_t)(bits - host);
	return p;
}

static uint16_t random_port(struct rng *rng)
{
	static const uint16_t ports[] = {1, 7, 80, 65535};

	return ports[rng_below(rng, ARRAY_SIZE(ports))];
}

static void random_upper(struct rng *rng, uint8_t family, struct selector *s)
{
	static const uint16_t protos[] = {256, 256, 6, 17, 1, 47, 89, 135};

	s->proto = protos[rng_below(rng, ARRAY_SIZE(protos))];
	if (s->proto == 1 && family == INET_V6)
		s->proto = 58;
	if (rng_below(rng, 2) || s->proto == 89)
		return;
	s->misc = s->proto == 1 || s->proto == 58 || s->proto == 47 || s->proto == 135;
	if (s->misc) {
		s->sport = (uint16_t)rng_below(rng, 3) * 8;
		s->dport = (uint16_t)rng_below(rng, 2);
		return;
	}
	if (rng_below(rng, 2))
		s->sport = random_port(rng);
	if (rng_below(rng, 2))
		s->dport = random_port(rng);
}

struct policy model_random_policy(struct rng *rng, uint8_t family)
{
	static const enum policy_action actions[] = {POLICY_DISCARD, POLICY_PASS, POLICY_IPSEC, POLICY_IPSEC};
	struct policy p = {.dir = (enum policy_dir)(POLICY_IN + rng_below(rng, 3))};

	p.action = actions[rng_below(rng, ARRAY_SIZE(actions))];
	p.priority = rng_below(rng, 4) ? 0 : (int32_t)rng_below(rng, 3) - 1;
	p.sel.src = random_prefix(rng, family);
	p.sel.dst = random_prefix(rng, family);
	random_upper(rng, family, &p.sel);
	if (p.action == POLICY_IPSEC) {
		p.n_requests = 1;
		p.req[0] = (struct policy_request){.proto = IPSEC_ESP,
		    .mode = IPSEC_TRANSPORT,
		    .level = rng_below(rng, 2) ? LEVEL_REQUIRE : LEVEL_USE};
	}
	return p;
}

struct packet_key model_random_packet(struct rng *rng, uint8_t family)
{
	static const uint8_t protos[] = {6, 17, 1, 47, 89, 135, 132};
	struct packet_key k = {.src = random_addr(rng, family), .dst = random_addr(rng, family)};

	k.proto = protos[rng_below(rng, ARRAY_SIZE(protos))];
	if (k.proto == 1 && family == INET_V6)
		k.proto = 58;
	k.has_ports = k.proto != 89 && rng_below(rng, 8) != 0;
	if (!k.has_ports)
		return k;
	if (proto_with_ports(k.proto)) {
		k.sport = rng_below(rng, 4) ? random_port(rng) : (uint16_t)rng_below(rng, 65536);
		k.dport = rng_below(rng, 4) ? random_port(rng) : (uint16_t)rng_below(rng, 65536);
	} else {
		k.sport = (uint16_t)rng_below(rng, 3) * 8;
		k.dport = (uint16_t)rng_below(rng, 3);
	}
	return k;
}
