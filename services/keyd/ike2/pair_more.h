/*
 * One pair of SAs for several policies (RFC 7296 section 2.9): which ones of the configuration's child are
 * asked for beside the first, which the peer lets have, and who waits for those that it does not.
 */
#ifndef POSTERN_KEYD_IKE2_PAIR_MORE_H
#define POSTERN_KEYD_IKE2_PAIR_MORE_H

#include "ipsec/sa.h"
#include "keyd/core/command.h"
#include "keyd/ike2/pair.h"

/* A further policy. Its requests are those of the pair's first one, but for the reqids. */
struct pair_more {
	uint32_t policy; /* the outbound one's number; 0: policyd has not said yet, or there is none */
	bool differs;    /* it asks for other SAs than the first */
	struct selector sel;
	uint32_t reqid_in[PAIR_PARTS_MAX], reqid_out[PAIR_PARTS_MAX];
};

/* Somebody wants a policy's SAs while they may come of a pair that is for another policy first. */
struct pair_wish {
	struct list node;
	uint32_t policy;
	struct selector sel;
	uint64_t acquire; /* 0: not a packet */
};

/* pair_wish.c: who waits for it. Whether this policy's SAs are expected of it. */
bool pair_is_for(const struct ike2_pair *p, uint32_t policy_id);
/* One of ours under `sa` of which this policy's SAs may come, or do already. NULL: none. */
struct ike2_pair *pair_to_join(struct ikesa *sa, const struct policy *out);
/* It is wished of that one; `acquire` (0: none) is answered when it is over. */
void pair_join(struct ike2_pair *p, const struct policy *out, uint64_t acquire);
/* The policy's SAs are wished under `sa`, of a pair that is under way or a new one, in place of `old` (NULL:
 * of nothing). False without memory: then nobody answers `acquire`. */
must_check bool pair_want(struct ikesa *sa, const struct policy *out, uint64_t acquire, struct child *old);

/* pair_more.c. The first policy is known: policyd is asked for those that go with it; then `then`. A failure
 * ends it. */
void pair_ask_more(struct ike2_pair *p, pair_fn then);
/* R: the selector of a child of the configuration that the peer's lists have, and that answers them best.
 * False: they have none. */
bool pair_choose_own(struct ike2_pair *p, struct selector *ret);
/* What is negotiated, the first policy's first. */
void pair_lists(const struct ike2_pair *p, struct selectors *ret);
/* I: the peer has narrowed it to these. False: nothing of it is left. Who wanted what is left out waits on.
 */
bool pair_keep_agreed(struct ike2_pair *p, struct selectors *l);
/* The further policies, and what their SAs' part `i` is bound to: rising; how many. */
size_t pair_more_policies(const struct ike2_pair *p, uint32_t ret[SA_MORE_MAX]);
size_t pair_more_reqids(const struct ike2_pair *p, uint8_t i, bool inbound, uint32_t ret[SA_MORE_MAX]);
/* Rows of them. */
void pair_show_more(const struct ike2_pair *p, core_row_fn fn, void *arg);
/* For the child; NULL without memory, or when there are none. */
struct ike_row_also *pair_more_rows(const struct ike2_pair *p);

/* All of them wait at another one. */
void pair_wishes_move(struct list *from, struct list *to);
/* pair_wish.c. It is over, and nothing came of it: whoever waits for it hears why. */
void pair_wishes_fail(struct ike2_pair *p, const char *why);
/* The child is there. What it does not serve is wished anew, once the pair is freed: the list that is moved
 * to `ret` for pair_wishes_again(). */
void pair_wishes_settle(struct ike2_pair *p, const struct child *k, struct list *ret);
void pair_wishes_again(struct ikesa *sa, struct list *wishes);
/* I: the peer has refused it by `notify`. Asks for the first policy alone, and for what is wished besides by
 * itself, and frees it; false: that would be no use. */
bool pair_again_alone(struct ike2_pair *p, uint16_t notify);

#endif
