/*
 * The key under which tickets are made, kept as RUN_DIR/ticket.key: root's alone, made by whichever service
 * starts first, gone with the run directory.
 */
#ifndef POSTERN_TICKET_KEY_FILE_H
#define POSTERN_TICKET_KEY_FILE_H

#include "ticket/ticket.h"

/* Reads it, making it first where there is none. For root, before the privilege drop. 0, or -errno with a
 * sentence. */
must_check int ticket_key_file(const char *run_dir, struct ticket_key *ret, struct err_text *e);

#endif
