/*
 * Automatic keying's part of the control side: policyd's grants, keyd's edge, and IKE of port 4500.
 */
#ifndef POSTERN_DATAPATHD_KEYING_H
#define POSTERN_DATAPATHD_KEYING_H

#include "datapathd/datapathd.h"
#include "datapathd/keyd_msg.h"

/* grant_verbs.c: rows of the table of policyd's edge. */
int grant_on_put(struct ipc_conn *c, const struct ipc_record *rec);
int grant_on_gone(struct ipc_conn *c, const struct ipc_record *rec);

/* keyd_edge.c */
int must_check keyd_edge_new(struct datapathd *d, struct keyd_edge **ret, struct err_text *e);
/* Tells keyd, if this SA is its own, that a limit has passed: with `hard` it is not used any more. */
void keyd_edge_gone(struct keyd_edge *k, const struct sa *sa, bool hard);
/* Follows peers whose port has changed, and tells keyd. */
void keyd_edge_moved(struct datapathd *d);
/* Takes the worker's hints of packets for SAs that are not there to keyd: some a second, fewer of one source.
 */
void keyd_edge_unknown(struct datapathd *d);
/* Borrowed; NULL: keyd is not there. */
struct ipc_conn *keyd_edge_conn(const struct keyd_edge *k);

/* ike_io.c: takes the worker's datagrams to keyd; sends one of keyd's; has the worker hand them over. */
void datapathd_ike_collect(struct datapathd *d);
void datapathd_ike_send(struct datapathd *d, const struct msg_ike *m);
void datapathd_ike_want(struct datapathd *d, bool wanted);

#endif
