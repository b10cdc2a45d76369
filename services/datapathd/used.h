/*
 * Tells policyd when policies were last used. The worker leaves a time with each rule it finds; what has
 * changed is collected every few seconds, so that a packet costs one store and policyd one record for many.
 */
#ifndef POSTERN_DATAPATHD_USED_H
#define POSTERN_DATAPATHD_USED_H

#include <stdint.h>

struct datapathd;
struct spd_view;

struct used {
	uint64_t generation; /* of the view that is being gone through */
	uint32_t at;         /* next rule; 0: not begun */
	unsigned ticks;
};

/* Once a second. */
void used_report(struct datapathd *d);
/* policyd knows nothing any more. */
void used_forget_told(struct spd_view *v);
/* A new view goes on with the times of the one before. Before it is published. */
void used_carry(const struct spd_view *from, struct spd_view *to);

#endif
