/*
 * One table for certd, as psk.txt is one: first each secret under what its peer is known by, then the files
 * of secrets as they are, then those for whoever comes, since the first line that fits counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/load/load.h"

enum { TABLE_MAX = 1 << 20 /* octets that certd takes */, LINE_MAX_ = 1023 };

struct table {
	const struct native_conf *c;
	const struct block_key *key;
	native_say_fn say;
	void *arg;
	int fd;
	size_t n;
	struct block_print *print;
	bool faulty;
};

static void fault(struct table *t, const struct native_at *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void fault(struct table *t, const struct native_at *at, const char *fmt, ...)
{
	char text[400];
	const struct native_note note = {.is_error = true,
	    .file = t->c->file[at->file],
	    .line = at->line,
	    .column = at->column,
	    .text = text,
	    .source = ""};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->say(t->arg, &note);
	t->faulty = true;
}

static int append(struct table *t, const void *p, size_t n)
{
	t->n += n;
	return write(t->fd, p, n) == (ssize_t)n ? 0 : -EIO;
}

/* Whether psk.txt gives a text back as it was: nothing in it is a form of psk.txt's own. */
static bool is_plain(const uint8_t *p, size_t n)
{
	return p[0] != ' ' && p[0] != '\t' && p[n - 1] != '\r' && !(n > 1 && p[0] == '0' && p[1] == 'x') &&
	       !memchr(p, '\n', n);
}

static size_t put_key(const struct secret *s, char *to)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = secret_bytes(s);
	size_t n = secret_len(s), at = 2;

	if (is_plain(p, n)) {
		memcpy(to, p, n);
		return n;
	}
	memcpy(to, "0x", 2);
	for (size_t i = 0; i < n; i++) {
		to[at++] = digits[p[i] >> 4];
		to[at++] = digits[p[i] & 15];
	}
	return at;
}

static int put_line(struct table *t, const struct native_conn *x, const void *id, size_t n_id)
{
	char line[IKE_ID_DATA_MAX + 2 * NATIVE_SECRET_MAX + 4];
	AUTO_WIPE(line);
	size_t n = n_id;

	memcpy(line, id, n_id);
	line[n++] = ' ';
	n += put_key(x->secret, line + n);
	if (n > LINE_MAX_) {
		fault(t, &x->auth_at,
		    "the secret of connection %s and the identity it is for are too long together: %d octets "
		    "are possible",
		    x->name, LINE_MAX_ - 1);
		return 0;
	}
	line[n++] = '\n';
	return append(t, line, n);
}

static int put_address(struct table *t, const struct native_conn *x, const struct inet_addr *a)
{
	char text[INET_ADDR_STRLEN];

	inet_addr_format(a, text);
	return put_line(t, x, text, strlen(text));
}

/* As psk.txt has it in front of a blank. */
static bool can_stand(const struct ike_id *id)
{
	if (!id->len || id->data[0] == '#' || (id->len == 1 && id->data[0] == '*'))
		return false;
	return !memchr(id->data, ' ', id->len) && !memchr(id->data, '\t', id->len) &&
	       !memchr(id->data, '\n', id->len);
}

static int put_id(struct table *t, const struct native_conn *x, const struct ike_id *id)
{
	struct inet_addr a;

	if (id->kind == IKE_ID_ADDRESS && id->len) {
		a = inet_addr_from_bytes(id->data, id->len);
		return put_address(t, x, &a);
	}
	if (id->kind == IKE_ID_ADDRESS || id->kind == IKE_ID_DN || id->kind == IKE_ID_DN_DER)
		return 0; /* the peer's address does for these */
	if (!can_stand(id)) {
		fault(t, &x->auth_at,
		    "an identity of connection %s has octets that go with no secret: a blank, a line's end, "
		    "or a `#` or `*` where it begins",
		    x->name);
		return 0;
	}
	return put_line(t, x, id->data, id->len);
}

static int put_known(struct table *t, const struct native_conn *x, const struct ike_peer *p)
{
	int r = 0;

	for (uint8_t i = 0; r == 0 && i < x->n_remote_ids; i++)
		r = put_id(t, x, &x->remote_id[i]);
	return r == 0 && p->addr.family ? put_address(t, x, &p->addr) : r;
}

/* Main mode of version 1 needs the key before anybody has said who he is. */
static bool is_for_all(const struct native_conn *x, const struct ike_peer *p)
{
	return !p->addr.family && (!x->n_remote_ids || (p->n_modes && p->mode[0] == IKE_MODE_MAIN));
}

static int open_file(struct table *t, const struct native_conn *x)
{
	AUTO_CLOSE int fd = open(x->secret_file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		fault(t, &x->auth_at, "connection %s: %s cannot be opened: %s", x->name, x->secret_file,
		    err_name(-errno));
	else if (!S_ISREG(st.st_mode))
		fault(t, &x->auth_at, "connection %s: %s is no regular file", x->name, x->secret_file);
	else if (st.st_uid != geteuid() || (st.st_mode & 077))
		fault(t, &x->auth_at,
		    "connection %s: others than root can read or write %s: chown root %s; chmod 600 %s",
		    x->name, x->secret_file, x->secret_file, x->secret_file);
	else
		return take_fd(&fd);
	return -1;
}

static bool is_new_file(const struct table *t, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (t->c->conn[k].secret_file &&
		    strcmp(t->c->conn[k].secret_file, t->c->conn[i].secret_file) == 0)
			return false;
	return true;
}

static int put_file(struct table *t, uint32_t i)
{
	const struct native_conn *x = &t->c->conn[i];
	AUTO_CLOSE int fd = open_file(t, x);
	uint8_t octets[4096];
	AUTO_WIPE(octets);
	ssize_t n = 0;
	int r = 0;

	if (fd < 0)
		return 0;
	r = block_print_file(t->key, x->secret_file, &t->print[i]);
	if (!is_new_file(t, i))
		return r;
	while (r == 0 && t->n <= TABLE_MAX && (n = read(fd, octets, sizeof(octets))) > 0)
		r = append(t, octets, (size_t)n);
	return r < 0 || n < 0 ? -EIO : append(t, "\n", 1);
}

static int print_secret(struct table *t, uint32_t i)
{
	const struct secret *s = t->c->conn[i].secret;

	return block_print_octets(t->key, secret_bytes(s), secret_len(s), &t->print[i]);
}

static int fill(struct table *t, const struct ike_conf *ike)
{
	const struct native_conf *c = t->c;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < c->n_conns; i++) {
		if (c->conn[i].shared != NATIVE_AUTH_SECRET)
			continue;
		r = print_secret(t, i);
		if (r == 0)
			r = put_known(t, &c->conn[i], &ike->peer[i]);
	}
	for (uint32_t i = 0; r == 0 && i < c->n_conns; i++)
		if (c->conn[i].shared == NATIVE_AUTH_SECRET_FILE)
			r = put_file(t, i);
	for (uint32_t i = 0; r == 0 && i < c->n_conns; i++)
		if (c->conn[i].shared == NATIVE_AUTH_SECRET && is_for_all(&c->conn[i], &ike->peer[i]))
			r = put_line(t, &c->conn[i], "*", 1);
	return r;
}

/* certd judges it as a file: whose it is, and who may read it. */
static int seal(int fd)
{
	if (fchmod(fd, 0600) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return 0;
}

int load_secrets_collect(const struct native_conf *c, const struct ike_conf *ike, const struct block_key *key,
    native_say_fn say, void *arg, struct load_secrets *ret, struct err_text *e)
{
	struct table t = {.c = c, .key = key, .say = say, .arg = arg};
	AUTO_LOAD_SECRETS struct load_secrets s = {
	    .fd = memfd_create("postern-secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING),
	    .print = calloc(c->n_conns + 1U, sizeof(*s.print))};
	int r = s.fd < 0 ? -errno : s.print ? 0 : -ENOMEM;

	t.fd = s.fd;
	t.print = s.print;
	if (r == 0)
		r = fill(&t, ike);
	if (r == 0)
		r = seal(s.fd);
	if (r < 0)
		return err_set(e, r, "the secrets cannot be made ready for certd: %s", err_name(r));
	if (t.faulty)
		return -EINVAL;
	if (t.n > TABLE_MAX)
		return err_set(e, -EFBIG, "all secrets together are more than %d octets", TABLE_MAX);
	*ret = s;
	s = (struct load_secrets){.fd = -1};
	return 0;
}

void load_secrets_fini(struct load_secrets *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->print);
	*s = (struct load_secrets){.fd = -1};
}
