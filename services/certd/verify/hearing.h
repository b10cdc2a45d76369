/*
 * One question to certd-verify, from certd's statement to the ticket.
 */
#ifndef POSTERN_CERTD_VERIFY_HEARING_H
#define POSTERN_CERTD_VERIFY_HEARING_H

#include "certd/session.h"
#include "certd/verify/judge.h"

struct hearing {
	struct anchors *now, *before; /* NULL: nothing is loaded; the configuration that was loaded before */
	struct ticket_key ticket_key;
};

/* `statement` is as certd sealed it; of `c` certificates and signature are there, the rest is filled in, and
 * lives during the call. Octets of the ticket; -ESTALE: there is nothing to judge by, with a sentence;
 * -EACCES: *ret_why says why not, *e what is special about it. A warning may stand in *e with a ticket.
 * *ret_addr is the peer's, INET_NONE while the statement is not believed. */
must_check int hearing_hold(const struct hearing *h, struct ike1_octets statement, struct judge_claim *c,
    uint64_t now_ms, enum verify_reason *ret_why, struct inet_addr *ret_addr, uint8_t ret[TICKET_MAX],
    struct err_text *e);

#endif
