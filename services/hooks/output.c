#include "hooks/output.h"

#include <string.h>

void output_init(struct output *o, uint32_t lines, void (*say)(void *arg, const char *line), void *arg)
{
	*o = (struct output){.say = say, .arg = arg, .lines_left = lines};
}

static void end_line(struct output *o)
{
	o->line[o->n] = '\0';
	if (!o->n)
		return;
	memcpy(o->last, o->line, o->n + 1);
	o->n = 0;
	if (o->lines_left) {
		o->lines_left--;
		o->say(o->arg, o->last);
	} else {
		o->left_out++;
	}
}

void output_take(struct output *o, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			end_line(o);
		else if (o->n < HOOK_LINE_MAX)
			o->line[o->n++] = p[i] >= ' ' && p[i] <= '~' ? p[i] : ' ';
	}
}

void output_end(struct output *o)
{
	end_line(o);
}
