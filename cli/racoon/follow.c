/*
 * The file is opened for each batch of lines, as racoon did: who moves it away finds the next ones in a new
 * one.
 */
#include "cli/racoon/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli/admin.h"
#include "service/log.h"

enum { STAMP_MAX = 32 };

static int open_file(const char *file)
{
	return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
}

int follow_check(const struct follow *f, struct err_text *e)
{
	AUTO_CLOSE int fd = f->file ? open_file(f->file) : -1;

	return f->file && fd < 0 ? err_set(e, -errno, "-l %s: %s", f->file, err_name(-errno)) : 0;
}

void follow_listen(struct follow *f, const struct cli *cli)
{
	struct err_text e;

	if (!follow_is_deaf(f))
		return;
	if (cli_open_service(cli, "keyd", &f->keyd, &e) < 0 || admin_start_log(f->keyd, &e) < 0)
		f->keyd = ipc_sync_close(f->keyd);
}

static const char *stamp(uint64_t wall_ms, char buf[STAMP_MAX])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(buf, STAMP_MAX, "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}

/* Where lines go; NULL, and one sentence on the terminal, when the file cannot be written. */
static FILE *open_log(struct follow *f, const struct cli *cli)
{
	FILE *terminal = f->terminal ? f->terminal : cli->err;
	int fd = f->file ? open_file(f->file) : -1;
	FILE *to = !f->file ? terminal : fd >= 0 ? fdopen(fd, "a") : NULL;

	if (!to && fd >= 0)
		close(fd);
	if (!to && !f->told)
		fprintf(terminal, "%s: WARNING: %s cannot be written: %s\n", cli->prog, f->file,
		    err_name(-errno));
	f->told = !to;
	return to;
}

static void close_log(const struct follow *f, FILE *to)
{
	if (to && f->file)
		fclose(to);
	else if (to)
		fflush(to);
}

/* racoon's words. */
static const char *level_word(uint32_t level)
{
	static const char *const words[] = {[LOG_LEVEL_ERROR] = "ERROR",
	    [LOG_LEVEL_WARNING] = "WARNING",
	    [LOG_LEVEL_NOTICE] = "NOTIFY",
	    [LOG_LEVEL_INFO] = "INFO",
	    [LOG_LEVEL_DEBUG] = "DEBUG"};

	return level < ARRAY_SIZE(words) ? words[level] : NULL;
}

static void write_line(FILE *to, const struct admin_event *ev)
{
	const char *word = level_word(ev->level);
	char at[STAMP_MAX];

	if (ev->lost)
		fprintf(to, "%s: NOTIFY: %llu lines were left out: they came too fast\n",
		    stamp(ev->wall_ms, at), (unsigned long long)ev->lost);
	if (word)
		fprintf(to, "%s: %s: %s\n", stamp(ev->wall_ms, at), word, ev->text);
}

static bool has_come(const struct follow *f)
{
	struct pollfd p = {.fd = f->keyd ? ipc_sync_fd(f->keyd) : -1, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

void follow_write(struct follow *f, const struct cli *cli)
{
	struct admin_event ev;
	struct err_text e;
	FILE *to = has_come(f) ? open_log(f, cli) : NULL;

	while (has_come(f)) {
		if (admin_read_event(f->keyd, &ev, &e) < 0)
			f->keyd = ipc_sync_close(f->keyd);
		else if (to)
			write_line(to, &ev);
	}
	close_log(f, to);
}

/* One line of our own, `PROGRAM: TEXT`, becomes one of the log. */
static ssize_t put_own(void *cookie, const char *text, size_t n)
{
	struct follow *f = cookie;
	AUTO_CLOSE int fd = f->file ? open_file(f->file) : -1;
	const char *colon = memmem(text, n, ": ", 2);
	size_t skip = colon ? (size_t)(colon + 2 - text) : 0;
	char at[STAMP_MAX];

	if (!f->file)
		syslog(LOG_INFO, "%.*s", (int)(n - skip), text + skip);
	else if (fd >= 0)
		(void)dprintf(
		    fd, "%s: %.*s", stamp((uint64_t)time(NULL) * 1000, at), (int)(n - skip), text + skip);
	return (ssize_t)n;
}

void follow_own(struct follow *f, struct cli *cli)
{
	const cookie_io_functions_t io = {.write = put_own};

	if (!f->file)
		openlog(cli->prog, LOG_PID, LOG_DAEMON);
	f->own = fopencookie(f, "w", io);
	if (!f->own)
		return;
	setvbuf(f->own, NULL, _IOLBF, BUFSIZ);
	f->terminal = cli->err;
	cli->err = f->own;
}

void follow_fini(struct follow *f, struct cli *cli)
{
	f->keyd = ipc_sync_close(f->keyd);
	if (!f->own)
		return;
	cli->err = f->terminal;
	fclose(f->own);
	f->own = f->terminal = NULL;
}
