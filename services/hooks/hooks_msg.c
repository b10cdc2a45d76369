/*
 * The whole truth about hooks' edges.
 */
#include "hooks/hooks_msg.h"

#include <errno.h>
#include <string.h>

#include "ipc/model.h"

#include "hooks_admin.pb-c.h"
#include "hooks_keyd.pb-c.h"

enum { CAP = 16 << 10 };

static int text_decode(const ProtobufCBinaryData *m, struct hook_text *ret)
{
	if (m->len > sizeof(ret->p))
		return -EBADMSG;
	if (m->len)
		memcpy(ret->p, m->data, m->len);
	ret->n = m->len;
	return 0;
}

/* Mode config of version 1 knows IPv4 alone. */
static int addr4_decode(const Postern__Addr *m, bool optional, struct inet_addr *ret)
{
	struct err_text e;

	if (model_addr_decode(m, optional, ret, &e) < 0 ||
	    (ret->family != INET_V4 && !(optional && ret->family == INET_NONE)))
		return -EBADMSG;
	return 0;
}

static int servers_decode(Postern__Addr *const *m, size_t n, struct hook_servers *ret)
{
	int r = n > HOOK_SERVERS_MAX ? -EBADMSG : 0;

	for (size_t i = 0; r == 0 && i < n; i++, ret->n++)
		r = addr4_decode(m[i], false, &ret->addr[i]);
	return r;
}

static int nets_decode(Postern__Prefix *const *m, size_t n, struct hook_nets *ret)
{
	struct err_text e;

	if (n > HOOK_NETS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++, ret->n++)
		if (model_prefix_decode(m[i], &ret->net[i], &e) < 0 || ret->net[i].addr.family != INET_V4)
			return -EBADMSG;
	return 0;
}

static int given_decode(const Postern__HookGiven *m, struct hook_given *ret)
{
	int r = addr4_decode(m->address, true, &ret->address);

	r = r < 0 ? r : addr4_decode(m->netmask, true, &ret->netmask);
	r = r < 0 ? r : servers_decode(m->dns, m->n_dns, &ret->dns);
	r = r < 0 ? r : servers_decode(m->wins, m->n_wins, &ret->wins);
	r = r < 0 ? r : nets_decode(m->include, m->n_include, &ret->include);
	r = r < 0 ? r : nets_decode(m->local, m->n_local, &ret->local);
	return r < 0 ? r : text_decode(&m->domain, &ret->domain);
}

static bool is_hook(uint32_t event)
{
	return event > IKE_HOOK_NONE && event < IKE_HOOKS;
}

int hooks_event_decode(const struct ipc_record *rec, struct hook_event *ret)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__hook_run__descriptor, rec, CAP);
	const Postern__HookRun *m = (const Postern__HookRun *)u;
	struct err_text e;

	*ret = (struct hook_event){.hook = IKE_HOOK_NONE};
	if (!m || !is_hook(m->event) || !m->generation || m->peer >= IKE_PEERS_MAX ||
	    m->local_port > UINT16_MAX || m->remote_port > UINT16_MAX ||
	    model_addr_decode(m->local, false, &ret->local, &e) < 0 ||
	    model_addr_decode(m->remote, false, &ret->remote, &e) < 0 ||
	    text_decode(&m->remote_id, &ret->id) < 0 || (m->given && given_decode(m->given, &ret->given) < 0))
		return -EBADMSG;
	ret->hook = m->event;
	ret->generation = m->generation;
	ret->peer = m->peer;
	ret->local_port = (uint16_t)m->local_port;
	ret->remote_port = (uint16_t)m->remote_port;
	ret->has_given = m->given != NULL;
	return 0;
}

int hooks_put_decode(const struct ipc_record *rec, struct hook_put *ret)
{
	AUTO(ipc_unpack_freep_)
	ProtobufCMessage *u = ipc_unpack(&postern__hook_put__descriptor, rec, CAP);
	const Postern__HookPut *m = (const Postern__HookPut *)u;

	if (!m || !is_hook(m->event) || m->peer >= IKE_PEERS_MAX || m->path[0] != '/' ||
	    strlen(m->path) > IKE_CONF_TEXT_MAX)
		return -EBADMSG;
	ret->peer = m->peer;
	ret->hook = m->event;
	memcpy(ret->path, m->path, strlen(m->path) + 1);
	ipc_text_copy(ret->place, sizeof(ret->place), m->place);
	return 0;
}
