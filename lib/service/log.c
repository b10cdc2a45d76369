/*
 * Composed on the stack, escaped, then handed to the sink in one call. State is a handful of atomics, so that
 * a worker thread may log without a lock. Before log_open() lines go to stderr: a service that cannot even
 * open its log can still say so.
 */
#include "service/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "service/log_sink.h"

enum { RAW_MAX = 1024, TEXT_MAX = 1400 };

static const char *const level_names[] = {
    [LOG_LEVEL_NONE] = "none",
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static struct log_sink sink = {.fd = -1};
static const char *sink_tag = "postern";
static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic(const char *) syslog_tag;
static _Atomic uint64_t n_dropped, n_dropped_told;

const char *log_level_name(enum log_level l)
{
	return (unsigned)l < ARRAY_SIZE(level_names) ? level_names[l] : "unknown";
}

enum log_level log_level_parse(const char *name)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (!strcmp(name, level_names[i]))
			return (enum log_level)i;
	}
	return LOG_LEVEL_NONE;
}

int log_open(const char *target, const char *tag, enum log_level level, struct err_text *e)
{
	struct log_sink fresh;
	int r = log_sink_open(target, &fresh, e);

	if (r)
		return r;
	log_sink_close(&sink);
	sink = fresh;
	sink_tag = tag;
	log_set_level(level);
	return 0;
}

void log_set_syslog_tag(const char *tag)
{
	atomic_store(&syslog_tag, tag);
}

void log_set_level(enum log_level l)
{
	atomic_store(&current_level, (int)l);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load(&current_level);
}

uint64_t log_dropped(void)
{
	return atomic_load(&n_dropped);
}

/* Everything that is not printable ASCII becomes \xNN: a peer can neither forge a line nor speak to a
 * terminal. */
static void escape(const char *in, char *out, size_t room)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *in && n + 5 < room; in++) {
		unsigned char c = (unsigned char)*in;

		if (c >= 0x20 && c < 0x7f && c != '\\') {
			out[n++] = (char)c;
		} else if (c == '\\') {
			out[n++] = '\\';
			out[n++] = '\\';
		} else {
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		}
	}
	out[n] = '\0';
}

static bool put(enum log_level l, const char *event, const char *text)
{
	const char *other = atomic_load(&syslog_tag);
	const struct log_line line = {.level = l,
	    .tag = sink_tag,
	    .syslog_tag = other ? other : sink_tag,
	    .event = event,
	    .text = text};
	char buf[RAW_MAX + 512];
	int n;

	if (sink.ops)
		return sink.ops->put(&sink, &line);
	n = snprintf(buf, sizeof(buf), "%s: %s: %s\n", sink_tag, event, text);
	return write(STDERR_FILENO, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1) > 0;
}

/* Says how many lines were lost, as soon as the sink takes lines again. */
static void tell_dropped(void)
{
	uint64_t total = atomic_load(&n_dropped), told = atomic_load(&n_dropped_told);
	char text[96];

	if (total == told || !atomic_compare_exchange_strong(&n_dropped_told, &told, total))
		return;
	snprintf(text, sizeof(text), "the log did not take %llu lines before this one",
	    (unsigned long long)(total - told));
	if (!put(LOG_LEVEL_WARNING, "log.dropped", text))
		atomic_store(&n_dropped_told, told);
}

void log_event(enum log_level l, const char *event, const char *fmt, ...)
{
	char raw[RAW_MAX], text[TEXT_MAX];
	va_list ap;

	if ((int)l > atomic_load(&current_level) || l == LOG_LEVEL_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	escape(raw, text, sizeof(text));
	tell_dropped();
	if (!put(l, event, text))
		atomic_fetch_add(&n_dropped, 1);
}

void log_limit_init(struct log_limit *l, uint32_t burst, uint32_t seconds)
{
	/* A line costs what its seconds bring. */
	bucket_init(&l->bucket, 1, burst * seconds, clock_now_ms(&clock_boottime));
	l->seconds = seconds;
	l->held = 0;
}

bool log_limit_ok(struct log_limit *l, uint64_t *ret_held)
{
	if (!bucket_take(&l->bucket, l->seconds, clock_now_ms(&clock_boottime))) {
		l->held++;
		return false;
	}
	*ret_held = l->held;
	l->held = 0;
	return true;
}
