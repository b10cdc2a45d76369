/*
 * One exchange's place on the wire: the last datagram sent, sent again until something comes or patience
 * ends, and the last one received, so that its repetition is answered with what it was answered with.
 */
#ifndef POSTERN_KEYD_CORE_WINDOW_H
#define POSTERN_KEYD_CORE_WINDOW_H

#include "keyd/core/core.h"
#include "keyd/core/octets.h"

enum {
	WINDOW_REPEATS_MAX = 12, /* answers to repetitions of one datagram */
	WINDOW_PRINT = 32,
	WINDOW_EARLY_MS = 500,
};

struct window;
/* Nothing has come in spite of all repetitions. */
typedef void (*window_lost_fn)(struct window *w);

struct window {
	struct core *core;
	const struct ike_path *path; /* its exchange's; may change between two sendings */
	const bool *cut;             /* the peer takes fragments; may change, may be NULL */
	window_lost_fn lost;
	struct octets sent;
	struct timer timer;
	uint32_t counter, interval_ms; /* repetitions left to make, and between them */
	bool early; /* the next message is repeated once more, soon: the peer may not be ready for it yet */
	uint32_t repeats;
	bool has_seen;
	uint8_t seen[WINDOW_PRINT];
};

void window_init(struct window *w, struct core *c, const struct ike_path *path, window_lost_fn lost);
void window_fini(struct window *w);
/* Sends, and keeps it. `expect`: something has to come back, so it is repeated as the timers of `conf` say.
 * 0 or -ENOMEM. */
must_check int window_send(
    struct window *w, const struct ike_conf *conf, const uint8_t *d, size_t n, bool expect);
/* The same octets as last time: answered with what was sent last, if anything, and not too often. */
bool window_repeated(struct window *w, const uint8_t *d, size_t n);
/* What was sent is answered: it is not repeated any more. */
void window_answered(struct window *w);
/* A datagram was taken: nothing is repeated any more, and this one will be known again. */
void window_got(struct window *w, const uint8_t *d, size_t n);

#endif
