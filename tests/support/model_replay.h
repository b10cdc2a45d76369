/*
 * The anti-replay window said as stupidly as possible: remember every number ever accepted.
 */
#ifndef POSTERN_TESTS_MODEL_REPLAY_H
#define POSTERN_TESTS_MODEL_REPLAY_H

#include <stdint.h>

#include "wire/esp/replay.h"

struct model_replay;

/* window in packets. The model forgets nothing; free it. */
struct model_replay *model_replay_new(uint32_t window);
void model_replay_free(struct model_replay *m);

/* What the window must answer to this number, without remembering it. */
enum replay_verdict model_replay_check(const struct model_replay *m, uint64_t seq);
/* The same, and remembered when new. */
enum replay_verdict model_replay_commit(struct model_replay *m, uint64_t seq);

#endif
