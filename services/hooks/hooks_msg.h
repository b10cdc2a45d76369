/*
 * hooks' messages as plain structs.
 */
#ifndef POSTERN_HOOKS_HOOKS_MSG_H
#define POSTERN_HOOKS_HOOKS_MSG_H

#include "hooks/event.h"
#include "hooks/table.h"
#include "ipc/record.h"

/* 0 or -EBADMSG. */
must_check int hooks_event_decode(const struct ipc_record *rec, struct hook_event *ret);

/* A script of root's; texts are owned. */
struct hook_put {
	uint32_t peer;
	enum ike_hook hook;
	char path[IKE_CONF_TEXT_MAX + 1], place[IKE_CONF_TEXT_MAX + 1];
};
must_check int hooks_put_decode(const struct ipc_record *rec, struct hook_put *ret);

#endif
