/*
 * What a script prints, cut into lines for the log.
 */
#ifndef POSTERN_HOOKS_OUTPUT_H
#define POSTERN_HOOKS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "hooks/limits.h"

struct output {
	void (*say)(void *arg, const char *line);
	void *arg;
	uint32_t lines_left, left_out;
	char line[HOOK_LINE_MAX + 1],
	    last[HOOK_LINE_MAX + 1]; /* being read; the last that had something in it */
	size_t n;
};

void output_init(struct output *o, uint32_t lines, void (*say)(void *arg, const char *line), void *arg);
/* What cannot be printed becomes a blank. */
void output_take(struct output *o, const char *p, size_t n);
/* Nothing follows: the last line need not end. */
void output_end(struct output *o);

#endif
