/*
 * What ipsecctl asks of keyd about its SAs.
 */
#ifndef POSTERN_KEYD_EDGES_ADMIN_H
#define POSTERN_KEYD_EDGES_ADMIN_H

#include "ipc/conn.h"
#include "keyd/core/core.h"

/* Which SAs, and after which numbers, the next row of an answer has. */
struct admin_show {
	enum { ADMIN_SHOW_SAS = 0, ADMIN_SHOW_CHILDREN, ADMIN_SHOW_COMING, ADMIN_SHOW_END } kind;
	uint64_t after;
};

/* Sends one row. 1: there are more; 0: it was the last; -errno. */
must_check int admin_send_row(
    struct ipc_conn *c, uint32_t rec_id, uint32_t row, const struct core *core, struct admin_show *at);

/* A request to begin. 0; -EBADMSG; -EINVAL with a sentence. */
struct admin_up {
	struct ike_path path;
	bool has_policy, no_wait;
	struct policy policy;
};
must_check int admin_up_decode(const struct ipc_record *rec, struct admin_up *ret, struct err_text *e);
int admin_send_up(struct ipc_conn *c, uint32_t rec_id, bool already);

must_check int admin_delete_decode(const struct ipc_record *rec, struct ike_filter *ret, struct err_text *e);
int admin_send_ended(struct ipc_conn *c, uint32_t rec_id, const struct core_ended *n);

/* A peer's name, at most `room` octets with its end. 0 or -EBADMSG. */
must_check int admin_find_decode(const struct ipc_record *rec, char *ret, size_t room);
int admin_send_found(struct ipc_conn *c, uint32_t rec_id, const struct inet_addr *a);

#endif
