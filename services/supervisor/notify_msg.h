/*
 * One message of the notify protocol: the only bytes from outside that the supervisor reads.
 */
#ifndef POSTERN_SUPERVISOR_NOTIFY_MSG_H
#define POSTERN_SUPERVISOR_NOTIFY_MSG_H

#include <stdbool.h>
#include <stddef.h>

enum { NOTIFY_MSG_MAX = 4096, NOTIFY_STATUS_MAX = 400, NOTIFY_NAME_MAX = 32 };

struct notify_msg {
	bool ready, stopping, ping, store, unstore, has_status;
	char status[NOTIFY_STATUS_MAX]; /* printable ASCII, cut if longer */
	char fdname[NOTIFY_NAME_MAX];   /* a-z, 0-9 and '-'; "" when absent */
};

/*
 * Lines of KEY=VALUE. Unknown keys are skipped, as the protocol wants. 0, or -EBADMSG: a line without '=', a
 * value that its key does not take, a name with other characters, a key twice, store and unstore in one,
 * either of them without a name.
 */
int notify_msg_parse(const void *buf, size_t n, struct notify_msg *ret);

#endif
