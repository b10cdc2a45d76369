/*
 * A row that cannot be used is remembered, not answered: rows have no answers. Prepare tells of the first.
 */
#include "ipc/ike_load.h"

#include <errno.h>
#include <stdlib.h>

#include "ipc/ike_kept.h"
#include "ipc/model_ike.h"

enum { CAP = 256 << 10 };

static struct ike_load *load_free(struct ike_load *l)
{
	if (!l)
		return NULL;
	if (l->extra && l->free_extra)
		l->free_extra(l->extra);
	ike_conf_free(l->conf);
	sbuf_fini(&l->kept);
	free(l);
	return NULL;
}

static void keep(struct ike_load *l, const struct ipc_record *rec)
{
	const struct ike_kept_piece p = {
	    .type = rec->type, .body = rec->body, .n_body = (uint32_t)rec->body_len};

	ike_kept_add(&l->kept, &p);
}

static int decode_begin(const struct ipc_record *rec, struct ike_load *l)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__ike_load_begin__descriptor, rec, CAP);
	const Postern__IkeLoadBegin *m = (const Postern__IkeLoadBegin *)u;

	if (!m)
		return -EBADMSG;
	l->conf = ike_conf_new();
	if (!l->conf)
		return -ENOMEM;
	keep(l, rec);
	l->n_peers = m->n_peers;
	l->n_rows = m->n_peers + m->n_children;
	return model_ike_begin_decode(m, l->conf, &l->fault);
}

int ike_load_begin(struct ike_load **slot, struct ipc_conn *c, const struct ipc_record *rec)
{
	int r;

	if (*slot && (*slot)->owner != c) {
		(void)ipc_conn_send_error(
		    c, rec->id, EBUSY, "somebody else is loading a configuration at this moment");
		return 0;
	}
	*slot = load_free(*slot);
	*slot = calloc(1, sizeof(**slot));
	if (!*slot)
		return -ENOMEM;
	(*slot)->owner = c;
	r = decode_begin(rec, *slot);
	if (r < 0) {
		*slot = load_free(*slot);
		return r;
	}
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int decode_row(const struct ipc_record *rec, struct ike_conf *c, struct err_text *e)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__ike_load_row__descriptor, rec, CAP);
	const Postern__IkeLoadRow *m = (const Postern__IkeLoadRow *)u;

	if (!m || !m->peer == !m->child)
		return err_set(e, -EBADMSG, "a row is neither a peer nor a child");
	return m->peer ? model_ike_peer_decode(m->peer, c, e) : model_ike_child_decode(m->child, c, e);
}

static void take_row(struct ike_load *l, const struct ipc_record *rec)
{
	l->next++;
	keep(l, rec);
	if (!l->fault.s[0])
		(void)!decode_row(rec, l->conf, &l->fault);
}

int ike_load_row(struct ike_load **slot, struct ipc_conn *c, const struct ipc_record *rec)
{
	struct ike_load *l = ike_load_of(slot, c);

	if (!l || rec->row != l->next || l->next == l->n_rows)
		return -EBADMSG;
	take_row(l, rec);
	return 0;
}

struct ike_load *ike_load_of(struct ike_load **slot, const struct ipc_conn *c)
{
	return *slot && (*slot)->owner == c && !(*slot)->prepared ? *slot : NULL;
}

/* What is wrong is in l->fault afterwards. */
static void check(struct ike_load *l, const struct ike_load_ops *ops, void *arg)
{
	if (!l->fault.s[0] && (l->next != l->n_rows || l->conf->n_peers != l->n_peers))
		(void)err_set(&l->fault, -EINVAL, "the configuration is not complete");
	if (!l->fault.s[0] && ike_conf_sort(l->conf) < 0)
		(void)err_set(&l->fault, -ENOMEM, "out of memory");
	if (!l->fault.s[0] && ops->check)
		(void)!ops->check(arg, l, &l->fault);
}

int ike_load_prepare(struct ike_load **slot, struct ipc_conn *c, const struct ipc_record *rec,
    const struct ike_load_ops *ops, void *arg)
{
	struct ike_load *l = ike_load_of(slot, c);

	if (!l)
		return -EBADMSG;
	check(l, ops, arg);
	if (l->fault.s[0]) {
		(void)ipc_conn_send_error(c, rec->id, EINVAL, "%s", l->fault.s);
		*slot = load_free(l);
		return 0;
	}
	l->prepared = true;
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

uint64_t ike_load_generation(const struct ipc_record *rec)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__ike_load_commit__descriptor, rec, CAP);
	const Postern__IkeLoadCommit *m = (const Postern__IkeLoadCommit *)u;

	return m ? m->generation : 0;
}

int ike_load_commit(struct ike_load **slot, struct ipc_conn *c, const struct ipc_record *rec,
    const struct ike_load_ops *ops, void *arg)
{
	struct ike_load *l = *slot;
	uint64_t generation = ike_load_generation(rec);
	struct err_text e = {{0}};
	int r;

	if (!l || l->owner != c || !l->prepared || !generation)
		return -EBADMSG;
	r = ops->take(arg, generation, l, &e);
	*slot = load_free(l);
	if (r < 0)
		(void)ipc_conn_send_error(c, rec->id, -r, "%s", e.s);
	else
		(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

void ike_load_close(struct ike_load **slot, const struct ipc_conn *c)
{
	if (*slot && (*slot)->owner == c)
		*slot = load_free(*slot);
}

/* While a kept configuration is read. */
struct restoring {
	struct ike_load *l;
	void *arg;
	int (*begun)(void *arg, struct ike_load *l);
	int (*piece)(void *arg, struct ike_load *l, const struct ike_kept_piece *p, struct err_text *e);
	struct err_text *e;
};

static int restore_piece(void *arg, const struct ike_kept_piece *p)
{
	struct restoring *x = arg;
	const struct ipc_record rec = {.type = p->type, .body = p->body, .body_len = p->n_body};
	int r;

	if (p->type == IPC_IKE_LOAD_BEGIN) {
		r = x->l->conf ? -EBADMSG : decode_begin(&rec, x->l);
		return r == 0 && x->begun ? x->begun(x->arg, x->l) : r;
	}
	if (!x->l->conf)
		return -EBADMSG;
	if (p->type == IPC_IKE_LOAD_ROW) {
		if (x->l->next == x->l->n_rows)
			return -EBADMSG;
		take_row(x->l, &rec);
		return 0;
	}
	return x->piece ? x->piece(x->arg, x->l, p, x->e) : -EBADMSG;
}

int ike_load_restore(int fd, const struct ike_load_ops *ops, void *arg,
    int (*begun)(void *arg, struct ike_load *l),
    int (*piece)(void *arg, struct ike_load *l, const struct ike_kept_piece *p, struct err_text *e),
    struct err_text *e)
{
	struct restoring x = {
	    .l = calloc(1, sizeof(*x.l)), .arg = arg, .begun = begun, .piece = piece, .e = e};
	uint64_t generation;
	int r;

	if (!x.l) {
		close(fd);
		return err_set(e, -ENOMEM, "out of memory");
	}
	(void)err_set(e, 0, "what the launcher kept is no configuration");
	r = ike_kept_read(fd, restore_piece, &x, &generation);
	if (r == 0 && !x.l->conf)
		r = -EBADMSG;
	if (r == 0) {
		check(x.l, ops, arg);
		r = x.l->fault.s[0] ? err_set(e, -EINVAL, "%s", x.l->fault.s)
		                    : ops->take(arg, generation, x.l, e);
	}
	load_free(x.l);
	return r;
}
