/*
 * The packet pipelines without their sockets: what one worker needs to judge and transform batches. A test or
 * a fuzz target is a worker with hand-made batches.
 */
#ifndef POSTERN_DATAPATHD_STAGE_PATH_H
#define POSTERN_DATAPATHD_STAGE_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/rng.h"
#include "crypto/crypto.h"
#include "datapathd/acquire_ring.h"
#include "datapathd/dummy_ring.h"
#include "datapathd/batch.h"
#include "datapathd/frag/memory.h"
#include "datapathd/frag/reasm.h"
#include "datapathd/moved.h"
#include "datapathd/sa/sad.h"
#include "datapathd/spd/view.h"
#include "datapathd/stage/wait.h"
#include "datapathd/tunables.h"
#include "datapathd/unknown_ring.h"
#include "wire/comp/ipcomp.h"
#include "wire/esp/ah.h"
#include "wire/esp/esp.h"
#include "wire/ip/ecn.h"
#include "wire/ip/ip.h"

enum {
	FLOW_CACHE_SLOTS = 1024,
	PATH_FETCH_MIN =
	    8, /* packets of a batch that have to be looked up: for fewer nothing is fetched ahead */
};

/* One remembered classification; valid while `generation` is the current view's. */
struct flow_entry {
	uint64_t generation;
	struct packet_key key;
	struct spd_found found;
};

struct path {
	struct counters *counters;
	struct sad *sad;
	const struct spd_view *view; /* loaded at the top of each round, never NULL in a stage */
	struct acquire_ring *acquires;
	struct unknown_ring *unknown; /* NULL: nobody wants to know */
	struct moved_ring *moved;     /* NULL: nobody follows */
	struct bucket unknown_budget, moved_budget;
	struct rng *rng;
	uint64_t now_ms;            /* CLOCK_BOOTTIME, once a round */
	struct tunables tune;       /* of this round */
	uint16_t ip_id;             /* last one given to an outer header */
	uint32_t ip6_id;            /* last one given to a fragment header */
	bool hints;                 /* the ring got something this round */
	enum { PATH_TTL = 64 } ttl; /* of outer headers */
	struct frag_memory out_frags, in_frags;
	struct reasm *reasm;   /* outbound, for transport mode */
	struct wait_room wait; /* outbound, for an SA */
	struct bucket too_big; /* answers to senders of packets that are too long */
	struct ipcomp_codec *comp;
	struct flow_entry flow_out[FLOW_CACHE_SLOTS], flow_in[FLOW_CACHE_SLOTS];
	/* Scratch of the crypto stages, one entry per packet of a batch. */
	struct crypto_op ops[BATCH_ROOM];
	struct crypto_mac_op mac_ops[BATCH_ROOM];
	struct pkt *op_pkt[BATCH_ROOM];
	struct esp_frame frames[BATCH_ROOM];
	struct ah_pieces pieces[BATCH_ROOM];
	uint8_t icv[BATCH_ROOM][ALG_ICV_MAX];
	uint8_t comp_room[PKT_LEN_MAX];
};

/* Everything but the borrowed pointers, which the caller sets. 0, or -ENOMEM. */
int must_check path_init(struct path *c, struct rng *rng);
void path_fini(struct path *c);

/* Whole pipelines. On return no packet is VERDICT_GO. */
void path_outbound(struct path *c, struct batch *b);
void path_inbound(struct path *c, struct batch *b);
/* Makes a dummy packet for this association in an empty slot, already bound. False when there is no such
 * association any more. */
bool path_dummy(struct path *c, struct pkt *p, const struct dummy_due *due);
/* The last part of path_outbound(), for packets that are bound. */
void path_seal(struct path *c, struct batch *b);

/* --- outbound stages, in order --- */
void stage_parse_out(struct path *c, struct batch *b);
void stage_classify_out(struct path *c, struct batch *b);
/* Holds fragments whose policy begins with transport mode until the datagram is whole (RFC 4303
 * section 3.3.4). */
void stage_reassemble(struct path *c, struct batch *b);
/* Finds the SAs of each packet's requests, innermost first. */
void stage_bind(struct path *c, struct batch *b);
/* What would be too long for the way is cut before it is protected, or its sender is told (RFC 4301 section
 * 8); lowers the segment size that TCP offers. */
void stage_fit(struct path *c, struct batch *b);
/* On to each packet's next SA; one with nothing left to do gets its verdict. */
void stage_next(struct path *c, struct batch *b);
void stage_sequence(struct path *c, struct batch *b);
void stage_seal_comp(struct path *c, struct batch *b);
void stage_seal_esp(struct path *c, struct batch *b);
void stage_seal_ah(struct path *c, struct batch *b);

/* --- inbound stages, in order --- */
void stage_parse_in(struct path *c, struct batch *b);
void stage_lookup(struct path *c, struct batch *b);
void stage_replay_check(struct path *c, struct batch *b);
void stage_open_esp(struct path *c, struct batch *b);
void stage_open_ah(struct path *c, struct batch *b);
void stage_open_comp(struct path *c, struct batch *b);
void stage_replay_commit(struct path *c, struct batch *b);
/* Undoes the header; a packet that has another one for this host comes round again. */
void stage_strip(struct path *c, struct batch *b);
void stage_policy_in(struct path *c, struct batch *b);

/* Shared: first match through the flow cache; notes when. NULL: nothing matches. */
struct spd_rule *path_match_out(struct path *c, const struct packet_key *k);
/* Shared: path_match_out() would find it in the flow cache. */
bool path_knows_out(struct path *c, const struct packet_key *k);
struct spd_found path_match_in(struct path *c, const struct packet_key *k);
/* Shared: completes a key from fragment memory, or remembers a first fragment's ports. */
void path_fragment_key(struct frag_memory *m, const struct ip_view *v, struct packet_key *k, uint64_t now_ms);
/* Shared: ESP, AH or IPComp. */
bool path_is_ipsec(uint8_t proto);
/* Shared: the SAD has an SA between the two addresses of this inbound packet for the header at p->place. */
bool path_has_sa(struct path *c, struct pkt *p);
/* Shared: TOS or traffic class of the packet at p->data. */
static inline uint8_t pkt_tos(const struct pkt *p)
{
	return p->v6 ? (uint8_t)(p->data[0] << 4 | p->data[1] >> 4) : p->data[1];
}

/* Shared: both are whole TCP or UDP packets without options or extension headers, of one flow. Most packets
 * follow one of their own flow. */
bool path_same_flow(const struct pkt *a, const struct pkt *b);
/* Shared: where the upper header of such a packet is. */
static inline uint32_t plain_upper(const struct pkt *p)
{
	return p->v6 ? IP6_HDR_LEN : IP4_HDR_LEN;
}

/* What an ICMP error says about an SA of ours, believed only when it quotes a packet that was really sent
 * lately: SPI and number must fit (RFC 4301 section 8.2.1). */
struct path_report {
	struct inet_addr dst; /* of the packet that was too long */
	enum ipsec_proto proto;
	uint32_t spi, seq;
	bool has_seq;
	uint32_t mtu;
};

enum report_outcome {
	REPORT_LEARNT = 0,
	REPORT_KNOWN, /* believed, and no news: each packet that was under way brings its own */
	REPORT_DISBELIEVED,
};

/* Counts what it came to. */
enum report_outcome path_report(struct path *c, const struct path_report *r);

#endif
