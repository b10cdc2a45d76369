/*
 * What a wait status means, in words that say where to look next.
 */
#ifndef POSTERN_SUPERVISOR_EXIT_TEXT_H
#define POSTERN_SUPERVISOR_EXIT_TEXT_H

#include <stddef.h>

/* Printable ASCII into buf. */
void exit_text(int wait_status, char *buf, size_t room);

#endif
