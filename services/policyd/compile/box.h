/*
 * Boxes: what one element of a kernel map matches, as closed intervals. The ordered SPD becomes ordered lists
 * of boxes, one for each amount of a packet that can be read.
 */
#ifndef POSTERN_POLICYD_COMPILE_BOX_H
#define POSTERN_POLICYD_COMPILE_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipsec/spd.h"

enum box_verdict {
	BOX_PASS = 1,
	BOX_DISCARD,
	BOX_USE,
	BOX_PROTECT,
};

/* How much of the packet the kernel could read when it looks a box up. */
enum box_sight {
	BOX_SEES_PORTS = 0, /* addresses, upper protocol and its first four octets */
	BOX_SEES_PROTO,     /* the upper protocol is shorter than that, or this is a later fragment */
	BOX_SEES_ADDRS,     /* not even the upper protocol: broken header chain */
	BOX_SIGHTS,
};

struct box {
	struct inet_prefix src, dst; /* host bits zero */
	uint8_t proto_lo, proto_hi;
	uint16_t sport_lo, sport_hi, dport_lo, dport_hi;
	enum box_verdict verdict;
	uint32_t policy; /* spid it comes from */
	uint32_t layer;  /* from 1; set by layer.h */
};

struct box_list {
	struct box *b;
	size_t n, room;
};

void box_list_fini(struct box_list *l);
#define AUTO_BOX_LIST AUTO(box_list_fini)

/* A list of the SPD that the kernel looks packets up in. */
enum box_source {
	BOX_FROM_OUT = 0,
	BOX_FROM_IN,
	BOX_FROM_FWD,
	BOX_FROM_MIRRORED, /* what of `in` counts for forwarded packets */
	BOX_SOURCES,
};
const struct spd_entry *box_source_first(const struct spd *spd, enum box_source from);
const struct spd_entry *box_source_next(
    const struct spd *spd, enum box_source from, const struct spd_entry *e);

/*
 * The boxes of one list and family, in SPD order. What a map cannot express exactly errs away from
 * clear: an outbound packet goes to datapathd, which classifies exactly, an inbound clear packet is refused.
 * 0 or -ENOMEM; `l` is overwritten.
 */
int box_list_build(struct box_list *l, const struct spd *spd, enum box_source from, uint8_t family,
    enum box_sight sight, const struct policy_deflev *deflev);

bool box_overlaps(const struct box *a, const struct box *b);
/* Everything b matches, a matches. */
bool box_covers(const struct box *a, const struct box *b);

#endif
