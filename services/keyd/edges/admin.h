/*
 * What administrators ask of keyd, and its answers. Rows are packed as they are found, so that a dump shows
 * one moment however long its reader takes.
 */
#ifndef POSTERN_KEYD_EDGES_ADMIN_H
#define POSTERN_KEYD_EDGES_ADMIN_H

#include "ipc/conn.h"
#include "keyd/core/command.h"

struct admin_dump;

/* Everything there is now; NULL without memory. Free with admin_dump_free(). */
struct admin_dump *admin_dump_new(struct core *c);
void admin_dump_free(struct admin_dump *d);
/* For ipc_conn_stream(): sends the next row. */
int admin_dump_next(struct ipc_conn *c, uint32_t rec_id, uint32_t row, void *arg);

/* 0; -EBADMSG, which ends the connection; -EINVAL for what can be said but makes no sense. The policy lies in
 * *ret_policy; has_policy says whether there is one. */
must_check int admin_up_decode(const struct ipc_record *rec, struct core_up *ret, struct policy *ret_policy,
    bool *ret_has_policy, struct err_text *e);
must_check int admin_end_decode(const struct ipc_record *rec, struct ike_row_filter *ret, struct err_text *e);
/* `name` has room for ADMIN_NAME_MAX. */
enum { ADMIN_NAME_MAX = 256 };
must_check int admin_find_decode(const struct ipc_record *rec, char *name);

void admin_send_row(struct ipc_conn *c, uint32_t rec_id, const struct ike_row *row);
void admin_send_ended(struct ipc_conn *c, uint32_t rec_id, const struct ike_row_ended *n);
void admin_send_found(struct ipc_conn *c, uint32_t rec_id, const struct ike_peer *p);

#endif
