/*
 * A stage for tests of lib/ipc: a loop, a clock, a listening socket in a folder of its own, and a raw peer
 * that says whatever a test wants said.
 */
#ifndef POSTERN_TESTS_IPC_RIG_H
#define POSTERN_TESTS_IPC_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/clock.h"
#include "ipc/server.h"

#define RIG_EDGE     "test.edge"
#define RIG_INSTANCE "unit"

struct ipc_rig {
	uv_loop_t loop;
	uv_timer_t tick; /* so that uv_run() returns */
	struct clock_fake fake;
	char dir[64], path[96];
	struct ipc_server *server;
	uint32_t roles;    /* what the next connector gets; at first IPC_ROLE_ROOT | IPC_ROLE_ADMIN */
	unsigned n_logged; /* violations told to the log */
	char logged[480];  /* the last of them */
};

void rig_init(struct ipc_rig *r);
/* Frees the server if there is one, and fails the test if the loop keeps a handle. */
void rig_fini(struct ipc_rig *r);

/* A listening seqpacket socket at r->path, replacing an older one. */
int rig_listen(struct ipc_rig *r);
/* Makes r->server, with `clock` (NULL: the rig's fake one). */
void rig_serve(struct ipc_rig *r, const struct ipc_edge *edge, const struct clock *clock);

/* One turn of the loop, at most some milliseconds. */
void rig_turn(struct ipc_rig *r);
/* Turns the loop until `done(arg)`; false after 20 s. */
bool rig_until(struct ipc_rig *r, bool (*done)(void *arg), void *arg);
/* Turns the loop often enough for everything that is ready to happen. */
void rig_settle(struct ipc_rig *r);

/* A raw connection, not greeted. */
int rig_connect(struct ipc_rig *r);
/* A connection past HELLO. */
int rig_connect_greeted(struct ipc_rig *r);
void rig_send_hello(int fd, uint16_t low, uint16_t high, const char *edge, const char *instance);
/* Sends a record with raw body bytes. True when the socket took it. */
bool rig_send(int fd, uint16_t type, uint16_t flags, uint32_t id, uint32_t row, const void *body, size_t n);
/* The next record for the raw peer: turns the loop until it is there. 1; 0 at the end of the connection.
 * Fails the test after 20 s. The body stays valid until the next call. */
int rig_recv(struct ipc_rig *r, int fd, struct ipc_record *ret);

#endif
