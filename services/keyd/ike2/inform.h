/*
 * INFORMATIONAL (RFC 7296 section 1.4): what is gone, and whether anybody is there.
 */
#ifndef POSTERN_KEYD_IKE2_INFORM_H
#define POSTERN_KEYD_IKE2_INFORM_H

#include "keyd/ike2/sa.h"

/* Our turn has come. */
void inform_ask(struct ikesa *sa, const struct ike2_task *t);
void inform_request(struct ikesa *sa, const struct ike_chain *c);
void inform_response(struct ikesa *sa, const struct ike2_task *t, const struct ike_chain *c);
/* The peer hears that a child is gone. */
void inform_drop_child(struct child *k);
/* Whoever is not heard of for the time that the configuration says is asked. */
void inform_plan_probe(struct ikesa *sa);

#endif
