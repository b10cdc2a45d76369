/*
 * Ports are remembered rather than a verdict or an SA: the later fragment is then classified like any packet,
 * so a reload between two fragments cannot leave a stale decision behind.
 */
#include "datapathd/frag/memory.h"

#include <string.h>

#include "datapathd/rhash.h"

void frag_memory_init(struct frag_memory *m, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->seed = seed;
}

/* IPv6 fragments are told apart without the protocol, of which later ones may know no more than that
 * destination options follow (RFC 8200 section 4.5). */
static uint8_t key_proto(const struct packet_key *k)
{
	return k->src.family == INET_V6 ? 0 : k->proto;
}

static uint32_t set_of(const struct frag_memory *m, const struct packet_key *k, uint32_t id)
{
	uint64_t h = rhash_bytes(m->seed ^ ((uint64_t)id << 8 | key_proto(k)), k->src.b, sizeof(k->src.b));

	return (uint32_t)rhash_bytes(h, k->dst.b, sizeof(k->dst.b)) % FRAG_MEMORY_SETS;
}

static bool same(const struct frag_memory_entry *e, const struct packet_key *k, uint32_t id)
{
	return e->id == id && (k->src.family == INET_V6 || e->proto == k->proto) &&
	       inet_addr_equal(&e->src, &k->src) && inet_addr_equal(&e->dst, &k->dst);
}

void frag_memory_put(struct frag_memory *m, const struct packet_key *k, uint32_t id, uint64_t now_ms)
{
	struct frag_memory_entry *set = m->e[set_of(m, k, id)], *at = &set[0];

	for (unsigned i = 0; i < FRAG_MEMORY_WAYS; i++) {
		if (set[i].until_ms && same(&set[i], k, id)) {
			at = &set[i];
			break;
		}
		if (set[i].until_ms < at->until_ms)
			at = &set[i];
	}
	*at = (struct frag_memory_entry){
	    .src = k->src,
	    .dst = k->dst,
	    .id = id,
	    .proto = k->proto,
	    .sport = k->sport,
	    .dport = k->dport,
	    .until_ms = now_ms + FRAG_MEMORY_MS,
	};
}

bool frag_memory_get(const struct frag_memory *m, struct packet_key *k, uint32_t id, uint64_t now_ms)
{
	const struct frag_memory_entry *set = m->e[set_of(m, k, id)];

	for (unsigned i = 0; i < FRAG_MEMORY_WAYS; i++) {
		if (set[i].until_ms <= now_ms || !same(&set[i], k, id))
			continue;
		k->proto = set[i].proto;
		k->sport = set[i].sport;
		k->dport = set[i].dport;
		k->has_ports = true;
		return true;
	}
	return false;
}
