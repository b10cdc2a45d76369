/*
 * datapathd's control side around the edge to keyd, with a raw keyd at its other end: the service is this
 * file's, the SAD, the grants and the worker's ring are real.
 */
#ifndef POSTERN_TESTS_KEYD_RIG_H
#define POSTERN_TESTS_KEYD_RIG_H

#include "datapathd/keying.h"
#include "support/ipc_rig.h"
#include "support/path_rig.h"

#include "datapathd_keyd.pb-c.h"
#include "ipc/model.h"

enum { KEYD_RIG_GRANT = 41 };

extern const char *const keyd_rig_ends[2]; /* this host, the peer */

struct keyd_rig {
	struct ipc_rig ipc;
	struct datapathd d;
	struct worker w;
	struct rng_seeded rng;
	int fd; /* keyd's raw end of the connection */
	uint32_t last_id;
	bool no_socket;           /* set before setup: the launcher has none for keyd */
	struct inet_addr addr[2]; /* of keyd_rig_ends */
	Postern__Addr pb[2];
};
extern struct keyd_rig kr;

/* For cmocka: begins with one grant, for ESP in tunnels between the two ends with any algorithms, and keyd
 * connected. */
int keyd_rig_setup(void **state);
int keyd_rig_teardown(void **state);
/* Puts that grant, which lives for a minute, under this number. */
void keyd_rig_grant(uint64_t id);

void keyd_rig_tell(uint16_t type, uint32_t id, const ProtobufCMessage *m);
/* The next record must be one of this type. */
void keyd_rig_hear(uint16_t type, struct ipc_record *ret);
struct ipc_record keyd_rig_ask(uint16_t type, const ProtobufCMessage *m, uint16_t answer);
void keyd_rig_refused(uint16_t type, const ProtobufCMessage *m, int code, const char *sentence);
/* A record to a handler of another edge: its answer comes to this connection. */
void keyd_rig_handle(int (*fn)(struct ipc_conn *c, const struct ipc_record *rec), const ProtobufCMessage *m);
/* A good request, and its answer. */
Postern__SpiReserve keyd_rig_reserve(void);
uint32_t keyd_rig_reserved(void);
/* No record waits: the answer to a question is the next one. */
void keyd_rig_hear_nothing(void);

#endif
