/*
 * Loading a configuration for key exchange into a service: begin, rows, prepare, commit, so that the loader
 * can prepare it everywhere before it holds anywhere. One load at a time; it belongs to the connection that
 * began it and ends with it. Each function is a permission rule's handler but for its first and last
 * arguments.
 */
#ifndef POSTERN_IPC_IKE_LOAD_H
#define POSTERN_IPC_IKE_LOAD_H

#include "base/err.h"
#include "base/sbuf.h"
#include "ipc/conn.h"
#include "ipsec/ike_conf.h"

struct ike_load {
	struct ipc_conn *owner;
	struct ike_conf *conf;
	uint32_t n_rows, n_peers, next;
	bool prepared;
	struct err_text fault; /* of the first row that was refused */
	struct sbuf kept;      /* all of it, for ike_kept_seal() */
	void *extra;           /* the service's own, beside the rows */
	void (*free_extra)(void *extra);
};

/* What the service does with it. `arg` is passed on. */
struct ike_load_ops {
	/* Whether it can be used, before it is. 0 or -errno with a sentence. May be NULL. */
	int (*check)(void *arg, struct ike_load *l, struct err_text *e);
	/* Puts it in force, taking l->conf and what it wants of l->extra (set to NULL then). */
	int (*take)(void *arg, uint64_t generation, struct ike_load *l, struct err_text *e);
};

int ike_load_begin(struct ike_load **slot, struct ipc_conn *c, const struct ipc_record *rec);
int ike_load_row(struct ike_load **slot, struct ipc_conn *c, const struct ipc_record *rec);
int ike_load_prepare(struct ike_load **slot, struct ipc_conn *c, const struct ipc_record *rec,
    const struct ike_load_ops *ops, void *arg);
int ike_load_commit(struct ike_load **slot, struct ipc_conn *c, const struct ipc_record *rec,
    const struct ike_load_ops *ops, void *arg);
/*
 * What the launcher has kept (the descriptor is taken): read again, checked and put in force as if it had
 * been loaded now. `piece` sees what is neither begin nor row; it may be NULL. 0, or -errno with a sentence.
 */
struct ike_kept_piece;
must_check int ike_load_restore(int fd, const struct ike_load_ops *ops, void *arg,
    int (*begun)(void *arg, struct ike_load *l),
    int (*piece)(void *arg, struct ike_load *l, const struct ike_kept_piece *p, struct err_text *e),
    struct err_text *e);
/* The generation that an IkeLoadCommit names; 0: it is malformed. */
uint64_t ike_load_generation(const struct ipc_record *rec);
/* The load of this connection, for further records of the service's own; NULL: it has none, or one that is
 * prepared already. */
struct ike_load *ike_load_of(struct ike_load **slot, const struct ipc_conn *c);
/* The connection is gone. */
void ike_load_close(struct ike_load **slot, const struct ipc_conn *c);

#endif
