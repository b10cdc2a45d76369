/*
 * CREATE_CHILD_SA (RFC 7296 section 1.3): another child, another one in place of a child, another IKE SA in
 * place of this one; and what happens when both sides want the same at once (sections 2.8 and 2.25).
 */
#ifndef POSTERN_KEYD_IKE2_CREATE_H
#define POSTERN_KEYD_IKE2_CREATE_H

#include "keyd/ike2/pair.h"

/* Our turn has come. */
void create_ask_pair(struct ikesa *sa, const struct ike2_task *t);
void create_ask_rekey(struct ikesa *sa, const struct ike2_task *t);
/* The peer's request, and its answer to ours; opened, with the payloads of its place. */
void create_request(struct ikesa *sa, const struct ike_chain *c);
void create_response(struct ikesa *sa, const struct ike2_task *t, const struct ike_chain *c);

/* The peer has made this IKE SA in place of another one, and whether it stays is known when our own renewal
 * of that one is answered. The peer may know already: what it asks for under this one waits until it asks
 * again. */
static inline bool create_is_undecided(const struct ikesa *sa)
{
	return sa->replaces && sa->replaces->next_theirs == sa;
}
/* This IKE SA ends, whoever wants it: what the peer has made in its place takes over, if it has; what we
 * wanted to make does not come to be. */
void create_sa_ends(struct ikesa *sa);

/* A child's life nears its end: another one is negotiated in its place. */
void create_renew(struct child *k);
/* The IKE SA is renewed now, unless that is under way. */
void create_renew_sa(struct ikesa *sa);
/* The IKE SA's life is planned: when it is renewed, and when it ends. */
void create_plan(struct ikesa *sa);

#endif
