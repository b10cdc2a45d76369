/*
 * keyd's requests for policies of clients.
 */
#ifndef POSTERN_POLICYD_IO_GENERATE_H
#define POSTERN_POLICYD_IO_GENERATE_H

#include <stdint.h>

struct ipc_conn;
struct ipc_record;
struct policyd;

int generate_on_make(struct ipc_conn *c, const struct ipc_record *rec);
int generate_on_drop(struct ipc_conn *c, const struct ipc_record *rec);
/* Ends what is over. */
void generate_turn(struct policyd *p, uint64_t now_ms);

#endif
