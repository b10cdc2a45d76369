/*
 * Which process a pid means: numbers are used again, start times with them are not.
 */
#ifndef POSTERN_BASE_PROC_H
#define POSTERN_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* When the process started, in clock ticks after boot; 0: it is not there, or not for us to see. */
uint64_t proc_start_ticks(pid_t pid);

/* False when the process is certainly gone: nobody has the pid, or one that started at another time. */
bool proc_is_there(pid_t pid, uint64_t start_ticks);

#endif
