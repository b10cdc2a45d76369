/*
 * Where lines go. A sink is opened once, before the sandbox closes, never blocks, and answers whether it took
 * the line.
 */
#ifndef POSTERN_SERVICE_LOG_SINK_H
#define POSTERN_SERVICE_LOG_SINK_H

#include <stdbool.h>

#include "service/log.h"

struct log_sink;

struct log_line {
	enum log_level level;
	const char *tag;
	const char *syslog_tag; /* the same, unless somebody looks for another there */
	const char *event;      /* stable dotted id */
	const char *text;       /* one line, escaped */
};

struct log_sink_ops {
	/* False: the line is lost. */
	bool (*put)(struct log_sink *s, const struct log_line *line);
};

struct log_sink {
	const struct log_sink_ops *ops;
	int fd;
	const char *path;           /* of a datagram sink, for connecting again */
	uint64_t last_reconnect_ms; /* a logger that is away is asked once a second */
};

/* Targets as for log_open(). 0, or -errno with the reason in `e` and the sink untouched. */
int log_sink_open(const char *target, struct log_sink *ret, struct err_text *e);
void log_sink_close(struct log_sink *s);

#endif
