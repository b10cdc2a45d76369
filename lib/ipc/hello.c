/*
 * Shared by server, service client and command line, so that all three judge a stranger's first words alike.
 */
#include "ipc/hello.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/types.h"

#include "common.pb-c.h"

enum { HELLO_CAP = 2048, NAME_SHOWN = 32 };

int ipc_hello_build(void *buf, size_t room, uint32_t id, const struct ipc_hello *mine)
{
	const struct ipc_record head = {.type = IPC_HELLO, .id = id};
	Postern__Hello m = POSTERN__HELLO__INIT;

	m.version_min = mine->version_min;
	m.version_max = mine->version_max;
	m.edge = (char *)mine->edge;
	m.instance = (char *)mine->instance;
	m.epoch = mine->epoch_ms;
	return ipc_record_build(buf, room, &head, &m.base);
}

static int check_versions(
    const Postern__Hello *m, const struct ipc_hello *mine, uint16_t *ret_version, struct err_text *e)
{
	uint32_t low = m->version_min > mine->version_min ? m->version_min : mine->version_min;
	uint32_t high = m->version_max < mine->version_max ? m->version_max : mine->version_max;

	if (!m->version_min || m->version_min > m->version_max)
		return err_set(e, -EPROTO, "HELLO with an empty version range");
	if (low > high)
		return err_set(e, -EPROTO,
		    "no common version of %s: one side speaks %u to %u, the other %u to %u; "
		    "install programs of the same release",
		    mine->edge, mine->version_min, mine->version_max, m->version_min, m->version_max);
	*ret_version = (uint16_t)high;
	return 0;
}

int ipc_hello_check(const struct ipc_record *rec, const struct ipc_hello *mine, struct ipc_hello_peer *ret,
    struct err_text *e)
{
	AUTO(ipc_unpack_freep_) ProtobufCMessage *p = NULL;
	const Postern__Hello *m;
	char shown[NAME_SHOWN];
	uint16_t version = 0;
	int r;

	if (rec->type != IPC_HELLO)
		return err_set(e, -EPROTO, "the first record is not HELLO");
	if (rec->flags || rec->row || rec->body_len > IPC_HELLO_BODY_MAX)
		return err_set(e, -EPROTO, "HELLO with flags, a row number or an oversized body");
	p = ipc_unpack(&postern__hello__descriptor, rec, HELLO_CAP);
	m = (const Postern__Hello *)p;
	if (!m)
		return err_set(e, -EPROTO, "HELLO that cannot be read");
	if (strcmp(m->edge, mine->edge) != 0) {
		ipc_text_copy(shown, sizeof(shown), m->edge);
		return err_set(e, -EPROTO, "HELLO for the edge '%s' on '%s'", shown, mine->edge);
	}
	if (strcmp(m->instance, mine->instance) != 0) {
		ipc_text_copy(shown, sizeof(shown), m->instance);
		return err_set(
		    e, -EPROTO, "HELLO of the instance '%s', this is instance '%s'", shown, mine->instance);
	}
	r = check_versions(m, mine, &version, e);
	if (r < 0)
		return r;
	*ret = (struct ipc_hello_peer){.version = version, .epoch_ms = m->epoch};
	return 0;
}
