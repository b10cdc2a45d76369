/*
 * A slot keeps half of its hash, so that a rule is looked at only when it very probably matches; whether it
 * does is selector_match()'s word. Hashes need no secret: what lies in the table was written by root, and a
 * stranger's packet is a lookup, which costs one chain whatever it contains.
 */
#include "datapathd/spd/tuples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fetch.h"
#include "datapathd/spd/view.h"

enum {
	SLOTS_PER_RULE = 2,
	SLOTS_MIN = 8,
	TUPLES_FETCHED = 4, /* ahead: most SPDs have no more */
	RULE_FETCHED = 256, /* octets: selector and first request */
};

/* Which parts of a packet its rules look at, as masks over struct words. */
struct tuple {
	uint64_t src[2], dst[2];
	uint32_t ports; /* source port in the upper half */
	uint32_t first; /* lowest place in the list of its rules */
	uint32_t salt;
	uint8_t src_plen, dst_plen;
	bool proto;      /* looks at the upper protocol */
	bool with_ports; /* any protocol that has ports */
};

struct tuple_slot {
	uint32_t place; /* in the list, from 1; 0: empty */
	uint32_t tag;
};

/* What is hashed, of a packet or of a rule. */
struct words {
	uint64_t src[2], dst[2];
	uint32_t ports;
	uint8_t proto;
};

static void address_words(const struct inet_addr *a, uint64_t w[2])
{
	memcpy(w, a->b, 8);
	memcpy(w + 1, a->b + 8, 8);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9fb21c651e98df25ULL;
	return h ^ h >> 32;
}

static uint64_t hash_of(const struct tuple *t, const struct words *w)
{
	uint64_t h = mix(t->salt, (w->src[0] & t->src[0]) ^ (w->dst[1] & t->dst[1]));

	h = mix(h, w->dst[0] & t->dst[0]);
	if (t->src[1] | t->dst[1])
		h = mix(h, w->src[1] & t->src[1]);
	return mix(h, (uint64_t)(w->ports & t->ports) << 8 | (t->proto ? w->proto : 0));
}

static void plen_mask(uint8_t plen, uint64_t ret[2])
{
	uint8_t b[16] = {0};

	for (unsigned i = 0; i < plen; i++)
		b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	memcpy(ret, b, sizeof(b));
}

static bool fails_closed(const struct spd_rule *r)
{
	return r->cls == POLICY_CLASS_PROTECT || r->cls == POLICY_CLASS_DISCARD;
}

/* The tuple a rule belongs to, but for `first` and `salt`; false: it is of no interest here. */
static bool tuple_of(const struct tuples *t, const struct spd_rule *r, uint8_t family, struct tuple *ret)
{
	const struct selector *s = &r->p.sel;
	bool has_ports = s->sport || s->dport;

	if (s->src.addr.family != family || (t->blind && has_ports && !fails_closed(r)))
		return false;
	*ret = (struct tuple){
	    .src_plen = s->src.plen, .dst_plen = s->dst.plen, .proto = s->proto != IPPROTO_ANY_};
	plen_mask(s->src.plen, ret->src);
	plen_mask(s->dst.plen, ret->dst);
	ret->with_ports = has_ports && !ret->proto;
	if (!t->blind)
		ret->ports = (s->sport ? 0xffff0000u : 0) | (s->dport ? 0xffffu : 0);
	return true;
}

static bool same_tuple(const struct tuple *a, const struct tuple *b)
{
	return a->src_plen == b->src_plen && a->dst_plen == b->dst_plen && a->ports == b->ports &&
	       a->proto == b->proto && a->with_ports == b->with_ports;
}

static struct words rule_words(const struct spd_rule *r)
{
	const struct selector *s = &r->p.sel;
	struct words w = {.ports = (uint32_t)s->sport << 16 | s->dport, .proto = (uint8_t)s->proto};

	address_words(&s->src.addr, w.src);
	address_words(&s->dst.addr, w.dst);
	return w;
}

/* The tuple like `want`, made when it is not there: an SPD has few. NULL: no memory. */
static const struct tuple *tuple_find(struct tuples *t, const struct tuple *want, uint32_t place)
{
	struct tuple *grown;

	for (uint32_t i = t->n_tuples; i-- > 0;)
		if (same_tuple(&t->tuple[i], want))
			return &t->tuple[i];
	if (!(t->n_tuples & (t->n_tuples - 1))) {
		grown = reallocarray(t->tuple, t->n_tuples ? 2 * (size_t)t->n_tuples : 1, sizeof(*grown));
		if (!grown)
			return NULL;
		t->tuple = grown;
	}
	grown = &t->tuple[t->n_tuples];
	*grown = *want;
	grown->first = place;
	grown->salt = ++t->n_tuples * 0x9e3779b9u;
	return grown;
}

static bool same_words(const struct tuple *t, const struct words *a, const struct words *b)
{
	for (int i = 0; i < 2; i++)
		if ((a->src[i] ^ b->src[i]) & t->src[i] || (a->dst[i] ^ b->dst[i]) & t->dst[i])
			return false;
	return !t->proto || a->proto == b->proto;
}

/* Without ports an earlier rule of the tuple says the same of every packet: this one is never reached. A
 * thousand ports of one pair of hosts would otherwise be one chain. */
static bool is_shadowed(const struct tuples *t, const struct tuple *tuple, uint32_t place, uint8_t family)
{
	const struct words w = rule_words(t->list[place]);
	uint64_t h = hash_of(tuple, &w);
	uint32_t mask = t->n_slots - 1;

	for (uint32_t i = (uint32_t)h & mask; t->slot[i].place; i = (i + 1) & mask) {
		const struct spd_rule *other = t->list[t->slot[i].place - 1];
		struct words x;
		struct tuple its;

		if (t->slot[i].tag != (uint32_t)(h >> 32) || !tuple_of(t, other, family, &its))
			continue;
		x = rule_words(other);
		if (same_tuple(&its, tuple) && same_words(tuple, &w, &x))
			return true;
	}
	return false;
}

static void slot_fill(struct tuples *t, const struct tuple *tuple, uint32_t place)
{
	const struct words w = rule_words(t->list[place]);
	uint64_t h = hash_of(tuple, &w);
	uint32_t mask = t->n_slots - 1, i = (uint32_t)h & mask;

	while (t->slot[i].place)
		i = (i + 1) & mask;
	t->slot[i] = (struct tuple_slot){.place = place + 1, .tag = (uint32_t)(h >> 32)};
}

int tuples_build(struct tuples *t, struct spd_rule *const *list, uint32_t n, uint8_t family, bool blind)
{
	struct tuple want;
	uint32_t n_rules = 0;

	*t = (struct tuples){.list = list, .blind = blind};
	for (uint32_t i = 0; i < n; i++)
		n_rules += tuple_of(t, list[i], family, &want);
	if (!n_rules)
		return 0;
	t->n_slots = SLOTS_MIN;
	while (t->n_slots < SLOTS_PER_RULE * n_rules)
		t->n_slots *= 2;
	t->slot = calloc(t->n_slots, sizeof(*t->slot));
	if (!t->slot)
		return -ENOMEM;
	/* In list order: of rules with equal words the first is met first. */
	for (uint32_t i = 0; i < n; i++) {
		const struct tuple *tuple;

		if (!tuple_of(t, list[i], family, &want))
			continue;
		tuple = tuple_find(t, &want, i);
		if (!tuple)
			return -ENOMEM;
		if (!blind || !is_shadowed(t, tuple, i, family))
			slot_fill(t, tuple, i);
	}
	return 0;
}

void tuples_fini(struct tuples *t)
{
	free(t->tuple);
	free(t->slot);
	*t = (struct tuples){0};
}

/* The place from 1 of the first rule of the tuple that matches, if it is below `best`; else `best`. */
static uint32_t probe(const struct tuples *t, const struct tuple *tuple, const struct packet_key *k,
    const struct words *w, uint32_t best)
{
	uint64_t h = hash_of(tuple, w);
	uint32_t mask = t->n_slots - 1, tag = (uint32_t)(h >> 32);

	for (uint32_t i = (uint32_t)h & mask; t->slot[i].place; i = (i + 1) & mask) {
		const struct tuple_slot *s = &t->slot[i];

		if (s->tag != tag || s->place >= best)
			continue;
		if (selector_match(&t->list[s->place - 1]->p.sel, k, t->blind))
			best = s->place;
	}
	return best;
}

struct spd_rule *tuples_match(const struct tuples *t, const struct packet_key *k)
{
	struct words w = {.ports = (uint32_t)k->sport << 16 | k->dport, .proto = k->proto};
	uint32_t best = UINT32_MAX;

	address_words(&k->src, w.src);
	address_words(&k->dst, w.dst);
	for (uint32_t i = 0; i < t->n_tuples && t->tuple[i].first < best - 1; i++)
		if (!t->tuple[i].with_ports || ip_proto_has_ports(k->proto))
			best = probe(t, &t->tuple[i], k, &w, best);
	return best == UINT32_MAX ? NULL : t->list[best - 1];
}

/* Each pass needs what the one before it has asked for: slot, place in the list, rule. */
static void fetch_slot(const struct tuples *t, uint64_t h, unsigned pass)
{
	const struct tuple_slot *s = &t->slot[(uint32_t)h & (t->n_slots - 1)];

	if (pass == 0)
		fetch(s, 1);
	else if (!s->place || s->tag != (uint32_t)(h >> 32))
		return;
	else if (pass == 1)
		fetch(&t->list[s->place - 1], 1);
	else
		fetch(t->list[s->place - 1], RULE_FETCHED);
}

void tuples_fetch(const struct tuples *t, const struct packet_key *k, unsigned pass)
{
	struct words w = {.ports = (uint32_t)k->sport << 16 | k->dport, .proto = k->proto};

	address_words(&k->src, w.src);
	address_words(&k->dst, w.dst);
	for (uint32_t i = 0; i < t->n_tuples && i < TUPLES_FETCHED; i++)
		fetch_slot(t, hash_of(&t->tuple[i], &w), pass);
}

size_t tuples_memory(const struct tuples *t)
{
	size_t room = t->n_tuples ? 1 : 0;

	while (room < t->n_tuples)
		room *= 2;
	return room * sizeof(*t->tuple) + t->n_slots * sizeof(*t->slot);
}
