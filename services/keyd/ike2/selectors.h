/*
 * Traffic selectors (RFC 7296 section 2.9) between policies, which have a prefix and a port on each side, and
 * the wire's ranges. What two lists mean is every packet whose one end is in a selector of the first and
 * whose other end is in one of the second, with a protocol that both have.
 */
#ifndef POSTERN_KEYD_IKE2_SELECTORS_H
#define POSTERN_KEYD_IKE2_SELECTORS_H

#include "ipsec/selector.h"
#include "wire/ike/v2_ts.h"

/* Both sides of a policy as selectors: `src` of where it comes from, `dst` of where it goes. */
void selectors_of(const struct selector *s, struct ike2_ts *src, struct ike2_ts *dst);
/* Whether all that `ts` names is named by the list, by one of it or by several together. Of a list that cuts
 * it into very many pieces the answer is no. */
bool selectors_cover(const struct ike2_ts_list *l, const struct ike2_ts *ts);
/* The least selector of a policy's kind that has everything of both. False: they have no family in common. */
must_check bool selectors_span(const struct ike2_ts *src, const struct ike2_ts *dst, struct selector *ret);

/* The two lists of one negotiation, as this side has them. */
struct selectors {
	struct ike2_ts_list local, remote;
	uint32_t pieces; /* that were looked at to compare them with policies */
};

/* A peer's lists may cut everything into pieces; with this many over all policies nothing more is in them. */
enum { SELECTORS_PIECES_MAX = 8192 };

/* Whether all packets of a policy are in them; whether any can be. */
bool selectors_have(struct selectors *l, const struct selector *policy);
bool selectors_touch(const struct selectors *l, const struct selector *policy);
/* The policy's packets are in them from now on. False: they have no room for it, and are as they were. */
must_check bool selectors_add(struct selectors *l, const struct selector *policy);
/*
 * Of `n` policies that are one child's, and of which the lists have the first, which ones one pair of SAs for
 * those lists can serve: `taken` says it of each. All that they have; but when what these are together would
 * touch a policy that is not among them, only the first. How many.
 */
uint16_t selectors_narrow(struct selectors *l, const struct selector *policy, uint16_t n, bool *taken);

/* How well a policy that the lists have answers them: it should have what their first ones name, which are
 * the packet that the peer has (section 2.9). More is better. */
unsigned selectors_rank(const struct selectors *l, const struct selector *policy);

enum { SELECTORS_STRLEN = 120 };
/* "10.1.0.0-10.1.255.255[6/443]": for logs, the first of a list. Returns buf. */
const char *selectors_format(const struct ike2_ts_list *l, char buf[SELECTORS_STRLEN]);

#endif
