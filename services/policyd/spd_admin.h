/*
 * policyd.admin: its permission table; setkey's policy statements, barriers, dumps, transactions and the
 * switch.
 */
#ifndef POSTERN_POLICYD_SPD_ADMIN_H
#define POSTERN_POLICYD_SPD_ADMIN_H

#include <stddef.h>

#include "ipc/server.h"
#include "policyd/book.h"

extern const struct ipc_rule spd_admin_rules[];
extern const size_t spd_admin_n_rules;

void spd_admin_on_close(struct ipc_conn *c);
/* Tells those who watch that a change has taken effect; `policyd` is the struct policyd. */
void spd_admin_on_change(void *policyd, enum book_change what, const struct policy *policy);

struct policyd;
/* Removes the policies whose life is over. */
void spd_admin_end_lives(struct policyd *p);

#endif
