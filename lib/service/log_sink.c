/*
 * Four kinds of sink. Streams get a line with time and process; syslog a datagram in the traditional form;
 * the journal its native fields, so that POSTERN_EVENT can be matched on. None of them may ever hold up a
 * packet: everything is non-blocking.
 */
#include "service/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"

static const char journal_path[] = "/run/systemd/journal/socket";
static const char syslog_path[] = "/dev/log";

enum { LINE_MAX_LEN = 2048, SYSLOG_DAEMON = 3 << 3 };

/* syslog's severities: the journal uses the same numbers. */
static int severity(enum log_level l)
{
	static const int of[] = {
	    [LOG_LEVEL_NONE] = 3,
	    [LOG_LEVEL_ERROR] = 3,
	    [LOG_LEVEL_WARNING] = 4,
	    [LOG_LEVEL_NOTICE] = 5,
	    [LOG_LEVEL_INFO] = 6,
	    [LOG_LEVEL_DEBUG] = 7,
	};

	return of[l];
}

static bool put_stream(struct log_sink *s, const struct log_line *l)
{
	uint64_t ms = clock_wall_ms();
	time_t sec = (time_t)(ms / 1000);
	struct stat st;
	struct tm tm;
	char buf[LINE_MAX_LEN], when[32];
	int n;

	gmtime_r(&sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(buf, sizeof(buf), "%s.%03uZ %s[%d] %s %s: %s\n", when, (unsigned)(ms % 1000), l->tag,
	    (int)getpid(), log_level_name(l->level), l->event, l->text);
	if (n >= (int)sizeof(buf)) {
		n = (int)sizeof(buf) - 1;
		buf[n - 1] = '\n';
	}
	/* A socket cannot be reopened non-blocking; asking per line leaves its shared flags alone. */
	if (!fstat(s->fd, &st) && S_ISSOCK(st.st_mode))
		return send(s->fd, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n;
	return write(s->fd, buf, (size_t)n) == n;
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
}

static bool put_datagram(struct log_sink *s, const char *buf, size_t n)
{
	uint64_t now = clock_now_ms(&clock_boottime);

	if (send(s->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	/* The logger was restarted: its socket is a new one under the old name. */
	if ((errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET) ||
	    now - s->last_reconnect_ms < 1000)
		return false;
	s->last_reconnect_ms = now;
	if (connect_to(s->fd, s->path))
		return false;
	return send(s->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static bool put_syslog(struct log_sink *s, const struct log_line *l)
{
	char buf[LINE_MAX_LEN];
	int n = snprintf(buf, sizeof(buf), "<%d>%s[%d]: %s: %s", SYSLOG_DAEMON | severity(l->level),
	    l->syslog_tag, (int)getpid(), l->event, l->text);

	return put_datagram(s, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

static bool put_journal(struct log_sink *s, const struct log_line *l)
{
	char buf[LINE_MAX_LEN];
	int n = snprintf(buf, sizeof(buf),
	    "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%s\nPOSTERN_EVENT=%s\nMESSAGE=%s: %s\n",
	    severity(l->level), SYSLOG_DAEMON >> 3, l->syslog_tag, l->event, l->event, l->text);

	if (n >= (int)sizeof(buf)) {
		n = (int)sizeof(buf) - 1;
		buf[n - 1] = '\n';
	}
	return put_datagram(s, buf, (size_t)n);
}

static const struct log_sink_ops stream_ops = {.put = put_stream};
static const struct log_sink_ops syslog_ops = {.put = put_syslog};
static const struct log_sink_ops journal_ops = {.put = put_journal};

static int open_datagram(
    const char *path, const struct log_sink_ops *ops, struct log_sink *ret, struct err_text *e)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return err_set(e, -errno, "cannot make a socket for the log: %s", err_name(errno));
	r = connect_to(fd, path);
	if (r)
		return err_set(e, r,
		    "cannot log to %s: %s; is the logger running? Try --log stderr or --log file:PATH", path,
		    err_name(r));
	*ret = (struct log_sink){.ops = ops, .fd = take_fd(&fd), .path = path};
	return 0;
}

/* A new open file, so that non-blocking mode does not reach the terminal's other users. A plain file cannot
 * block, and keeps the offset that it shares with them. */
static int open_stderr(struct log_sink *ret, struct err_text *e)
{
	struct stat st;
	int fd = -1;

	if (!fstat(STDERR_FILENO, &st) && !S_ISREG(st.st_mode))
		fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_set(e, -errno, "cannot log to stderr: %s", err_name(errno));
	*ret = (struct log_sink){.ops = &stream_ops, .fd = fd};
	return 0;
}

static int open_file(const char *path, struct log_sink *ret, struct err_text *e)
{
	int fd =
	    open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0)
		return err_set(e, -errno, "cannot open the log file %s: %s", path, err_name(errno));
	*ret = (struct log_sink){.ops = &stream_ops, .fd = fd};
	return 0;
}

static int open_auto(struct log_sink *ret, struct err_text *e)
{
	if (!open_datagram(journal_path, &journal_ops, ret, NULL))
		return 0;
	if (!open_datagram(syslog_path, &syslog_ops, ret, NULL))
		return 0;
	/* A container with neither: better on stderr than nowhere. */
	return open_stderr(ret, e);
}

int log_sink_open(const char *target, struct log_sink *ret, struct err_text *e)
{
	if (!strcmp(target, "auto"))
		return open_auto(ret, e);
	if (!strcmp(target, "stderr"))
		return open_stderr(ret, e);
	if (!strcmp(target, "journal"))
		return open_datagram(journal_path, &journal_ops, ret, e);
	if (!strcmp(target, "syslog"))
		return open_datagram(syslog_path, &syslog_ops, ret, e);
	if (!strncmp(target, "file:", 5))
		return open_file(target + 5, ret, e);
	return err_set(
	    e, -EINVAL, "log target \"%s\": give auto, journal, syslog, stderr or file:PATH", target);
}

void log_sink_close(struct log_sink *s)
{
	if (s->ops && s->fd >= 0)
		close(s->fd);
	*s = (struct log_sink){.fd = -1};
}
