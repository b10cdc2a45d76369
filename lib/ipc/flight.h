/*
 * Which requests of a connection are not answered yet, and how many of each kind.
 */
#ifndef POSTERN_IPC_FLIGHT_H
#define POSTERN_IPC_FLIGHT_H

#include <stddef.h>
#include <stdint.h>

struct ipc_flight_item {
	uint32_t id;
	uint16_t type;
};

struct ipc_flight {
	struct ipc_flight_item *v; /* in order of arrival */
	size_t n, room;
};

void ipc_flight_fini(struct ipc_flight *f);

/* How many of this type are under way. */
size_t ipc_flight_count(const struct ipc_flight *f, uint16_t type);

/* 0; -EEXIST when the id is under way already; -ENOMEM. */
int ipc_flight_add(struct ipc_flight *f, uint32_t id, uint16_t type);

/* The request is answered. An id that is not under way is fine. */
void ipc_flight_release(struct ipc_flight *f, uint32_t id);

#endif
