/*
 * The edge policyd.keyd: acquires are told, policies are looked up, grants are given.
 */
#ifndef POSTERN_POLICYD_IO_KEYD_H
#define POSTERN_POLICYD_IO_KEYD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct policyd;
struct service;

/* The launcher has a socket for it: keys can be negotiated here. */
bool keyd_has_socket(const struct service *s);
/* Serves it, where there is a socket. 0 or -errno with a sentence. */
int keyd_serve(struct policyd *p, struct err_text *e);
/* Tells subscribers and datapathd what they have not heard yet, and ends what is over. */
void keyd_turn(struct policyd *p, uint64_t now_ms);
/* datapathd is there, perhaps a new one. */
void keyd_on_datapath_up(struct policyd *p);

#endif
