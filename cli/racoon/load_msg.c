/*
 * What is said on the admin sockets while a configuration is loaded.
 */
#include <errno.h>

#include "base/auto.h"
#include "cli/racoon/load.h"
#include "ipc/model_ike.h"

#include "hooks_admin.pb-c.h"

static int call(
    struct ipc_sync *s, enum ipc_type type, const ProtobufCMessage *body, int fd, struct err_text *e)
{
	struct ipc_record rec;
	int r = ipc_sync_call_fd(s, type, body, fd, &rec, e);

	if (r < 0)
		return r;
	if (rec.type == IPC_CREDENTIAL_LOCKED && type == IPC_CREDENTIAL_PUT)
		return LOAD_LOCKED;
	return rec.type == IPC_OK
	           ? 0
	           : err_set(e, -EPROTO, "an answer of type %u: are both of one release?", rec.type);
}

static int send_peer(struct ipc_sync *s, uint32_t row, const struct ike_peer *p, struct err_text *e)
{
	AUTO_FREE struct model_ike_peer_pb *x = malloc(sizeof(*x));
	Postern__IkeLoadRow m = POSTERN__IKE_LOAD_ROW__INIT;

	if (!x)
		return err_set(e, -ENOMEM, "out of memory");
	model_ike_peer_encode(p, x);
	m.peer = &x->m;
	return ipc_sync_send_row(s, IPC_IKE_LOAD_ROW, row, &m.base, e);
}

static int send_child(struct ipc_sync *s, uint32_t row, const struct ike_child *k, struct err_text *e)
{
	AUTO_FREE struct model_ike_child_pb *x = malloc(sizeof(*x));
	Postern__IkeLoadRow m = POSTERN__IKE_LOAD_ROW__INIT;

	if (!x)
		return err_set(e, -ENOMEM, "out of memory");
	model_ike_child_encode(k, x);
	m.child = &x->m;
	return ipc_sync_send_row(s, IPC_IKE_LOAD_ROW, row, &m.base, e);
}

int load_send_conf(struct ipc_sync *s, const struct ike_conf *c, struct err_text *e)
{
	AUTO_FREE struct model_ike_begin_pb *begin = malloc(sizeof(*begin));
	int r;

	if (!begin)
		return err_set(e, -ENOMEM, "out of memory");
	model_ike_begin_encode(c, begin);
	r = call(s, IPC_IKE_LOAD_BEGIN, &begin->m.base, -1, e);
	for (uint32_t i = 0; r == 0 && i < c->n_peers; i++)
		r = send_peer(s, i, &c->peer[i], e);
	for (uint32_t i = 0; r == 0 && i < c->n_children; i++)
		r = send_child(s, c->n_peers + i, &c->child[i], e);
	return r;
}

static int send_hook(
    struct ipc_sync *s, uint32_t i, const struct ike_peer *p, enum ike_hook hook, struct err_text *e)
{
	AUTO_FREE char *place = NULL;
	Postern__HookPut m = POSTERN__HOOK_PUT__INIT;

	if (asprintf(&place, "%s:%u: remote %s", p->file ? p->file : "", p->line, p->name) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	m.peer = i;
	m.event = hook;
	m.path = p->script[hook];
	m.place = place;
	return call(s, IPC_HOOK_PUT, &m.base, -1, e);
}

int load_send_hooks(struct ipc_sync *s, const struct ike_conf *c, struct err_text *e)
{
	AUTO_IKE_CONF struct ike_conf *none = ike_conf_new();
	int r = none ? load_send_conf(s, none, e) : err_set(e, -ENOMEM, "out of memory");

	for (uint32_t i = 0; i < c->n_peers; i++)
		for (int hook = IKE_HOOK_UP; r == 0 && hook < IKE_HOOKS; hook++)
			if (c->peer[i].script[hook])
				r = send_hook(s, i, &c->peer[i], hook, e);
	return r;
}

int load_send_file(struct ipc_sync *s, enum credential_kind kind, uint32_t peer, const char *name, int fd,
    struct err_text *e)
{
	Postern__CredentialPut m = POSTERN__CREDENTIAL_PUT__INIT;

	m.kind = kind;
	m.peer = peer;
	m.name = (char *)(uintptr_t)name;
	return call(s, IPC_CREDENTIAL_PUT, &m.base, fd, e);
}

int load_send_missing(
    struct ipc_sync *s, enum credential_kind kind, const char *name, const char *why, struct err_text *e)
{
	Postern__CredentialPut m = POSTERN__CREDENTIAL_PUT__INIT;

	m.kind = kind;
	m.name = (char *)(uintptr_t)name;
	m.missing = (char *)(uintptr_t)why;
	return call(s, IPC_CREDENTIAL_PUT, &m.base, -1, e);
}

int load_send_passphrase(
    struct ipc_sync *s, uint32_t peer, const struct secret *passphrase, struct err_text *e)
{
	Postern__CredentialPassphrase m = POSTERN__CREDENTIAL_PASSPHRASE__INIT;

	m.peer = peer;
	m.passphrase.data = (uint8_t *)(uintptr_t)secret_bytes(passphrase);
	m.passphrase.len = secret_len(passphrase);
	return call(s, IPC_CREDENTIAL_PASSPHRASE, &m.base, -1, e);
}

int load_prepare(struct ipc_sync *s, struct err_text *e)
{
	return call(s, IPC_IKE_LOAD_PREPARE, NULL, -1, e);
}

int load_hold(struct ipc_sync *keyd, uint64_t generation, struct err_text *e)
{
	Postern__IkeLoadCommit m = POSTERN__IKE_LOAD_COMMIT__INIT;

	m.generation = generation;
	return call(keyd, IPC_IKE_HOLD, &m.base, -1, e);
}

int load_commit(struct ipc_sync *s, uint64_t generation, struct err_text *e)
{
	Postern__IkeLoadCommit m = POSTERN__IKE_LOAD_COMMIT__INIT;

	m.generation = generation;
	return call(s, IPC_IKE_LOAD_COMMIT, &m.base, -1, e);
}
