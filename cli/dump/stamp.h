/*
 * Time of day as dumps print it.
 */
#ifndef POSTERN_CLI_DUMP_STAMP_H
#define POSTERN_CLI_DUMP_STAMP_H

#include <stdint.h>

enum { DUMP_STAMP_LEN = 20 };

/* "Mar  3 10:15:00 2025" in local time and always in English; as many blanks for 0. Returns buf. */
const char *dump_stamp(uint64_t wall_ms, char buf[DUMP_STAMP_LEN + 1]);

#endif
