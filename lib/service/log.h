/*
 * One line per event: level, stable event name, text with key=value fields. The sink is opened before the
 * sandbox closes, never blocks, and says how many lines it lost. Key octets cannot be logged: no function
 * that takes the secret type prints.
 */
#ifndef POSTERN_SERVICE_LOG_H
#define POSTERN_SERVICE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/err.h"

enum log_level {
	LOG_LEVEL_NONE = 0,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

const char *log_level_name(enum log_level l);
/* "error" ... "debug"; LOG_LEVEL_NONE when unknown. */
enum log_level log_level_parse(const char *name);

/* `target`: "stderr", "journal", "syslog", "auto" (journal if there is one, else syslog), or "file:PATH".
 * `tag` is borrowed for ever. 0, or -errno with `e` saying what could not be opened. */
int log_open(const char *target, const char *tag, enum log_level level, struct err_text *e);
void log_set_level(enum log_level l);
enum log_level log_get_level(void);
/* What syslog and the journal know the lines by from now on, in place of log_open()'s tag; borrowed for ever.
 * NULL: that one again. */
void log_set_syslog_tag(const char *tag);
/* Lines that the sink refused since the start. */
uint64_t log_dropped(void);

/* `event` is a stable dotted id ("spd.reload.failed"); the rest says what happened, to whom, and what to do.
 */
void log_event(enum log_level l, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define log_error(...)   log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_event(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_event(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* For lines that a stranger can cause: false when the limiter says no; the next line that passes tells how
 * many were held. */
struct log_limit {
	struct bucket bucket;
	uint32_t seconds;
	uint64_t held;
};
/* `burst` lines at once, then one every so many seconds. */
void log_limit_init(struct log_limit *l, uint32_t burst, uint32_t seconds);
bool log_limit_ok(struct log_limit *l, uint64_t *ret_held);

#endif
