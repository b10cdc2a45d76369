/*
 * Port 500, and the moment at which the core's timers want to be asked.
 */
#ifndef POSTERN_KEYD_IO_SOCKETS_H
#define POSTERN_KEYD_IO_SOCKETS_H

#include "base/err.h"
#include "keyd/core/ports.h"

struct keyd;
struct sockets;

/* 0 or -errno with a sentence. Belongs to the process from then on. */
must_check int sockets_new(struct keyd *k, struct sockets **ret, struct err_text *e);
/* Sends from path->local, port 500. What cannot be sent is lost, as on any network. */
void sockets_send(struct sockets *s, const struct ike_path *path, const uint8_t *d, size_t n);

#endif
