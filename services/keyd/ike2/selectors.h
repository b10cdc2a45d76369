/*
 * Traffic selectors (RFC 7296 section 2.9) between policies, which have a prefix and a port on each side, and
 * the wire's ranges.
 */
#ifndef POSTERN_KEYD_IKE2_SELECTORS_H
#define POSTERN_KEYD_IKE2_SELECTORS_H

#include "ipsec/selector.h"
#include "wire/ike/v2_ts.h"

/* Both sides of a policy as selectors: `src` of where it comes from, `dst` of where it goes. */
void selectors_of(const struct selector *s, struct ike2_ts *src, struct ike2_ts *dst);
/* Whether all that `ts` names is named by one of the list. */
bool selectors_cover(const struct ike2_ts_list *l, const struct ike2_ts *ts);
/* The least selector of a policy's kind that has everything of both. False: they have no family in common. */
must_check bool selectors_span(const struct ike2_ts *src, const struct ike2_ts *dst, struct selector *ret);

enum { SELECTORS_STRLEN = 120 };
/* "10.1.0.0-10.1.255.255[6/443]": for logs, the first of a list. Returns buf. */
const char *selectors_format(const struct ike2_ts_list *l, char buf[SELECTORS_STRLEN]);

#endif
