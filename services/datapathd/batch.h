/*
 * A batch: a fixed array of packets with room in front and behind, allocated once. Stages are functions from
 * batch to batch; none returns early for one packet: it sets a verdict, and later stages skip it.
 */
#ifndef POSTERN_DATAPATHD_BATCH_H
#define POSTERN_DATAPATHD_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "datapathd/counters.h"
#include "ipsec/policy.h"
#include "wire/esp/esp.h"
#include "wire/ip/ip.h"

struct sa_rt;
struct spd_rule;

enum {
	BATCH_MAX = 64,   /* packets read at a time */
	BATCH_ROOM = 192, /* places: what is read may become several packets (RFC 4301 section 8.1) */
	BATCH_SPARE =
	    128, /* rooms of no place: for what is received before it is known how many packets it is */
	PKT_LEN_MAX = 65535,
	PKT_HEADROOM = 1152, /* deepest bundle: 10 outer IPv6, UDP and AH headers with the longest ICV */
	PKT_TAILROOM =
	    513, /* 10 ESP trailers and ICVs; makes the stride odd, so that packets share no cache set */
};

enum verdict {
	VERDICT_GO = 0,  /* still in the pipeline */
	VERDICT_DROP,    /* ended, with a reason */
	VERDICT_SEND,    /* out: protected, for the wire */
	VERDICT_SENT,    /* out: on the wire */
	VERDICT_CLEAR,   /* out: nothing to apply, for the wire as it is */
	VERDICT_DELIVER, /* in: for the TUN device; out: our answer to the packet's sender */
	VERDICT_HELD,    /* kept: a fragment until the rest has come, a packet until its SA has */
	VERDICT_CUT,     /* out: its fragments go on in its place */
	VERDICT_IKE,     /* in: for keyd, by way of the ring */
};

/* What was undone on the way in, outermost first. The SA is valid until the worker's next quiet point. */
struct applied {
	const struct sa_rt *sa;
	enum ipsec_mode mode; /* how it was applied: transport or tunnel */
};

/* What stands behind the header that is being undone. */
struct content {
	uint8_t *at;
	uint32_t len;
	uint8_t next;
};

/* Out: a request of the policy that has its SA. */
struct bound {
	struct sa_rt *sa;
	enum ipsec_mode mode;
};

struct pkt {
	uint8_t *data; /* the IP packet as it stands now */
	uint32_t len;
	uint8_t *room, *room_end; /* of the whole buffer */
	enum verdict verdict;
	enum drop_reason reason;
	bool v6;                /* family of the packet at `data` */
	bool fragment;          /* `data` is a fragment */
	struct packet_key key;  /* of the clear packet */
	const struct pkt *like; /* an earlier one of the batch with the same key and no surprises: what was
	                           found for it holds for this one; NULL: none */
	struct spd_rule *rule;  /* out: the policy found */
	uint8_t n_bound, next_bound;
	struct sa_rt *sa;              /* of the header being worked on */
	enum ipsec_mode mode;          /* out: how it is applied */
	uint64_t seq;                  /* taken or received for `sa` */
	uint16_t udp_sport, udp_dport; /* in: of the datagram around it; 0: none */
	struct ip_place place;         /* in: the header being undone */
	struct esp_frame esp;          /* in: the opened ESP's parts */
	struct content content;        /* in: what was inside */
	struct ip_view inner;          /* in: of the packet at `data` once it is peeled */
	bool whole_again;              /* out: put together from fragments */
	bool fits;                     /* out: is not too long for the way, as far as that is known */
	uint64_t wait_until_ms;        /* out: has waited for its SA, and may until then; 0: new */
	bool peeled;                   /* in: no header for this host is left */
	uint8_t n_applied;
	/* Not emptied with the rest: n_bound and n_applied say how much of them is there. */
	struct bound bound[POLICY_REQUESTS_MAX]; /* out: innermost first */
	struct applied applied[POLICY_REQUESTS_MAX];
};

struct batch {
	uint32_t n;
	uint8_t *arena;
	size_t arena_len;
	uint8_t *place[BATCH_ROOM + 1]; /* whose room is which; the last one is nobody's */
	uint8_t *spare;                 /* the first of the spare rooms */
	struct pkt pkt[BATCH_ROOM];
};

/* Maps the packet room. 0, or -ENOMEM. */
int must_check batch_init(struct batch *b);
void batch_fini(struct batch *b);
/* Empties packet i for reading: data at the end of the headroom. The caller sets len. */
struct pkt *batch_slot(struct batch *b, uint32_t i);
/* Where the data of packet i will begin, PKT_LEN_MAX octets long. */
static inline uint8_t *batch_at(const struct batch *b, uint32_t i)
{
	return b->place[i] + PKT_HEADROOM;
}
/* The same of a spare room. */
uint8_t *batch_spare_at(const struct batch *b, uint32_t k);
/* Empties packet i, whose data is what was read into spare room k. */
struct pkt *batch_slot_spare(struct batch *b, uint32_t i, uint32_t k);
/* What was read into packet i is out of the batch's way until the next call: the slot can be used again. */
const uint8_t *batch_put_aside(struct batch *b, uint32_t i);

#define batch_foreach(p, b) for (struct pkt *p = (b)->pkt; p < (b)->pkt + (b)->n; p++)
/* Only packets that are still in the pipeline. */
#define batch_foreach_go(p, b) batch_foreach(p, b) if (p->verdict == VERDICT_GO)

/* The only way to drop a packet. */
static inline void stage_drop(struct counters *c, struct pkt *p, enum drop_reason r)
{
	p->verdict = VERDICT_DROP;
	p->reason = r;
	counter_add(&c->drop[r], 1);
	count_kame(c, p->v6, drop_info(r)->kame);
}

#endif
