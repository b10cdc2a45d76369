/*
 * While the terminal does not show what is typed, a signal that would end us is noted, the terminal put back
 * as it was, and the question given up: nobody is left with a terminal that is silent. From a descriptor
 * octet by octet, so that what is behind the line stays for who reads next.
 */
#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

enum { ARENA = 64 << 10 };

static volatile sig_atomic_t interrupted;

void passphrases_fini(struct passphrases *p)
{
	for (size_t i = 0; i < p->n; i++) {
		secret_free(p->known[i].s);
		free(p->known[i].file);
	}
	free(p->known);
	p->known = NULL;
	p->n = 0;
}

static void note(int number)
{
	(void)number;
	interrupted = 1;
}

/* 1: there is something to read; -ECANCELED. Signals come through only here. */
static int wait_octet(int fd, const sigset_t *waiting)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	do
		r = interrupted ? -1 : ppoll(&p, 1, NULL, waiting);
	while (r < 0 && errno == EINTR && !interrupted);
	if (interrupted)
		return -ECANCELED;
	return r < 0 ? -errno : 1;
}

/* One line without its end; more octets than there is room for are read and make it -E2BIG. `waiting` NULL:
 * read(2) alone waits. Number of octets; -ENODATA: nothing is left. */
static int read_line(int fd, char *buf, size_t room, const sigset_t *waiting)
{
	size_t n = 0;
	ssize_t r;
	char c;

	for (;;) {
		int w = waiting ? wait_octet(fd, waiting) : 1;

		if (w < 0)
			return w;
		r = read(fd, &c, 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0 || c == '\n')
			break;
		if (n < room)
			buf[n] = c;
		n++;
	}
	if (!n)
		return -ENODATA;
	return n > room || memchr(buf, 0, n) ? -E2BIG : (int)n;
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

/* With what is typed not shown. */
static int read_hidden(int tty, char *buf, size_t room)
{
	struct sigaction old[ARRAY_SIZE(ending)], sa = {.sa_handler = note};
	struct termios before, hidden;
	sigset_t block, was, waiting;
	int r;

	if (tcgetattr(tty, &before) < 0)
		return -errno;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	hidden.c_cc[VSUSP] = _POSIX_VDISABLE; /* stopped, it would leave the terminal so */
	sigemptyset(&block);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&block, ending[i]);
	sigprocmask(SIG_BLOCK, &block, &was);
	waiting = was;
	interrupted = 0;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
		sigdelset(&waiting, ending[i]);
		sigaction(ending[i], &sa, &old[i]);
	}
	r = tcsetattr(tty, TCSAFLUSH, &hidden) < 0 ? -errno : read_line(tty, buf, room, &waiting);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &old[i], NULL);
	sigprocmask(SIG_SETMASK, &was, NULL);
	return r;
}

/* `what` stands in front of the file's name: "Passphrase of". */
static int ask(const char *what, const char *file, char *buf, size_t room, struct err_text *e)
{
	AUTO_CLOSE int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int r;

	if (tty < 0)
		return err_set(e, -ENOTTY,
		    "the private key %s wants a passphrase, and there is no terminal to ask for it: say "
		    "--passphrase-fd N",
		    file);
	dprintf(tty, "%s %s: ", what, file);
	r = read_hidden(tty, buf, room);
	dprintf(tty, "\n");
	if (r == -ENODATA)
		return err_set(e, r, "no passphrase was given for %s", file);
	if (r == -ECANCELED)
		return err_set(e, r, "given up: the passphrase of %s was not told", file);
	return r;
}

static int read_given(int fd, const char *file, char *buf, size_t room, struct err_text *e)
{
	int r = read_line(fd, buf, room, NULL);

	if (r == -ENODATA)
		return err_set(e, r,
		    "descriptor %d of --passphrase-fd has no line for %s: it wants one for each enciphered "
		    "key, in the order in which they are named",
		    fd, file);
	return r;
}

static int read_one(
    struct passphrases *p, const char *what, const char *file, struct secret **ret, struct err_text *e)
{
	char buf[PASSPHRASE_MAX];
	AUTO_WIPE(buf);
	int r;

	if (secret_init(ARENA, e) < 0)
		return -ENOMEM;
	(void)err_set(e, 0, "%s", "");
	r = p->fd < 0 ? ask(what, file, buf, sizeof(buf), e) : read_given(p->fd, file, buf, sizeof(buf), e);
	if (r == -E2BIG)
		return err_set(e, r,
		    "the passphrase of %s is longer than %d octets, or has one that is 0 in it", file,
		    PASSPHRASE_MAX);
	if (r < 0)
		return e->s[0] ? r
		               : err_set(e, r, "the passphrase of %s cannot be read: %s", file, err_name(r));
	*ret = secret_dup_bytes(buf, (size_t)r);
	return *ret ? 0 : err_set(e, -ENOMEM, "too many passphrases");
}

int passphrases_get(struct passphrases *p, const char *file, const struct secret **ret, struct err_text *e)
{
	AUTO_SECRET struct secret *s = NULL;
	AUTO_FREE char *name = NULL;
	struct passphrase *known;
	int r;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->known[i].file, file) == 0) {
			*ret = p->known[i].s;
			return 0;
		}
	r = read_one(p, "Passphrase of", file, &s, e);
	if (r < 0)
		return r;
	known = reallocarray(p->known, p->n + 1, sizeof(*known));
	name = strdup(file);
	if (known)
		p->known = known;
	if (!known || !name)
		return err_set(e, -ENOMEM, "out of memory");
	known[p->n] = (struct passphrase){take_ptr(name), take_ptr(s)};
	*ret = known[p->n++].s;
	return 0;
}

int passphrases_new(struct passphrases *p, const char *file, struct secret **ret, struct err_text *e)
{
	AUTO_SECRET struct secret *s = NULL, *again = NULL;
	int r = read_one(p, "New passphrase for", file, &s, e);

	if (r == 0 && p->fd < 0)
		r = read_one(p, "Once more, for", file, &again, e);
	if (r == 0 && again && !secret_equal(s, again))
		r = err_set(e, -EINVAL, "the two passphrases for %s differ: nothing was made", file);
	if (r == 0)
		*ret = take_ptr(s);
	return r;
}

bool passphrase_fd_parse(const char *word, int *ret)
{
	char *end;
	long fd = strtol(word, &end, 10);

	if (word[0] < '0' || word[0] > '9' || *end || fd > INT32_MAX || fcntl((int)fd, F_GETFD) < 0)
		return false;
	*ret = (int)fd;
	return true;
}

void passphrases_forget(struct passphrases *p, const char *file)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->known[i].file, file) != 0)
			continue;
		secret_free(p->known[i].s);
		free(p->known[i].file);
		p->known[i] = p->known[--p->n];
		return;
	}
}
