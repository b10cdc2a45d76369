/*
 * The part of the rule set that does not depend on the policies' selectors: base chains, counters, what a
 * verdict does.
 */
#ifndef POSTERN_POLICYD_COMPILE_FRAME_H
#define POSTERN_POLICYD_COMPILE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "policyd/compile/box.h"
#include "policyd/compile/exempt.h"

struct policyd_conf;

/* Chains that a map's element sends a packet to. */
#define FRAME_OUT_PROTECT "v_out_protect"
#define FRAME_OUT_USE     "v_out_use"
#define FRAME_OUT_DISCARD "v_out_discard"
#define FRAME_IN_REFUSE   "v_in_refuse"
#define FRAME_IN_DISCARD  "v_in_discard"
#define FRAME_GUARD       "v_guard"

/* Which classification chains this generation has, and what is exempt from them. */
struct frame {
	uint64_t generation;
	bool has[BOX_SOURCES][2]; /* [0] IPv4, [1] IPv6 */
	bool mirrored; /* not all of `in` counts for forwarded packets: those have a list of their own */
	bool one_list; /* forwarded packets and those for this host are judged by `in` and nothing else */
	bool in_by_proto[2]; /* some inbound policy names an upper protocol: quotations are looked up with it
	                        too */
	struct exempt_set out_exempt, in_exempt;
};

/* Table, counters, chains: what may be there already stays as it is. */
void frame_write_skeleton(struct sbuf *to, const struct policyd_conf *c);
/* Empties and fills the base chains and verdict chains; only valid as one transaction. */
void frame_write_rules(struct sbuf *to, const struct policyd_conf *c, const struct frame *f);
/* The same without any rule: nothing is touched. */
void frame_write_idle(struct sbuf *to, const struct policyd_conf *c);

/* Named counters, in this order; names[n] with "6" behind it counts IPv6. NULL behind the last. */
extern const char *const frame_counters[];

#endif
