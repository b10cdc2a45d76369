/*
 * A number is the first octets of a keyed hash over all that it stands for. Changed contents of a file change
 * it, because a peer that was judged by them has to be judged again. psk.txt is not among them: certd reads
 * it at every use, as the old program did.
 */
#include "cli/racoon/block.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "cli/racoon/public.h"
#include "crypto/crypto.h"
#include "crypto/ike.h"
#include "secret/secret.h"

static int bad_key(const char *path, struct err_text *e)
{
	return err_set(e, -EPERM, "%s is no key of root's alone: remove it, and load again", path);
}

static int read_key(const char *path, struct block_key *ret, struct err_text *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_name(-errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) ||
	    read(fd, ret->octets, sizeof(ret->octets)) != (ssize_t)sizeof(ret->octets))
		return bad_key(path, e);
	return 0;
}

/* Under its name it appears whole. */
static int make_key(const char *path, struct block_key *ret, struct err_text *e)
{
	char temporary[116];
	int r = 0;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	(void)unlink(temporary);
	AUTO_CLOSE int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	rng_kernel.fill(&rng_kernel, ret->octets, sizeof(ret->octets));
	if (fd < 0 || write(fd, ret->octets, sizeof(ret->octets)) != (ssize_t)sizeof(ret->octets) ||
	    rename(temporary, path) < 0)
		r = err_set(e, -errno, "%s cannot be made: %s", path, err_name(-errno));
	return r;
}

int block_key_get(const struct settings *s, struct block_key *ret, struct err_text *e)
{
	char path[108];
	int r = read_key(settings_socket_path(s, "load.key", path), ret, e);

	return r == -ENOENT ? make_key(path, ret, e) : r;
}

int block_print_octets(const struct block_key *key, const void *p, size_t n, struct block_print *ret)
{
	const struct iovec piece = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	uint8_t out[ALG_PRF_LEN_MAX];
	struct err_text e;
	int r = crypto_init(&e);

	if (r == 0)
		r = crypto_prf(ALG_PRF_HMAC_SHA256, key->octets, sizeof(key->octets), &piece, 1, out);
	if (r == 0)
		memcpy(ret->octets, out, sizeof(ret->octets));
	return r;
}

static int print_fd(const struct block_key *key, int fd, struct block_print *ret)
{
	uint8_t *p = malloc(PUBLIC_FILE_MAX + 1);
	ssize_t n = p && fd >= 0 ? pread(fd, p, PUBLIC_FILE_MAX + 1, 0) : 0;
	int r = p ? block_print_octets(key, p, n > 0 ? (size_t)n : 0, ret) : -ENOMEM;

	if (p)
		wipe(p, PUBLIC_FILE_MAX + 1);
	free(p);
	return r;
}

int block_print_file(const struct block_key *key, const char *path, struct block_print *ret)
{
	AUTO_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;

	return print_fd(key, fd, ret);
}

/* A sum, so that the order in which a folder is read does not count, and files that are equal do. */
static int print_folder(const struct block_key *key, const char *path, struct block_print *ret)
{
	DIR *d = opendir(path);
	const struct dirent *x;
	int r = 0;

	*ret = (struct block_print){{0}};
	while (r == 0 && d && (x = readdir(d))) {
		AUTO_CLOSE int fd = openat(dirfd(d), x->d_name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		struct block_print one;
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		r = print_fd(key, fd, &one);
		for (size_t i = 0; r == 0 && i < sizeof(one.octets); i++)
			ret->octets[i] += one.octets[i];
	}
	if (d)
		closedir(d);
	return r;
}

static bool judges_by_folder(const struct ike_peer *p)
{
	for (uint8_t i = 0; i < p->n_offers; i++)
		if (ike_auth_is_rsa(p->offer[i].auth))
			return !p->peer_cert && !p->peer_key; /* with an authority of its own the folder's
			                                         revocation lists still count */
	return false;
}

static void add_print(struct sbuf *to, const struct block_print *p)
{
	sbuf_add_bytes(to, p->octets, sizeof(p->octets));
}

static int add_files(const struct block_key *key, struct sbuf *to, const struct ike_peer *p)
{
	enum { OWN = 4 };
	const char *files[OWN + IKE_AUTHORITIES_MAX] = {p->cert, p->key, p->peer_cert, p->peer_key};
	struct block_print one;
	int r = 0;

	for (size_t i = 0; i < IKE_AUTHORITIES_MAX; i++)
		files[OWN + i] = p->ca[i];
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		r = block_print_file(key, files[i], &one);
		add_print(to, &one);
	}
	return r;
}

static int number(const struct block_key *key, const struct block_print *general,
    const struct block_print *folder, const struct block_print *secret, struct ike_peer *p)
{
	AUTO_SBUF struct sbuf all;
	struct block_print sum = {{0}};
	int r;

	sbuf_init(&all);
	add_print(&all, general);
	if (judges_by_folder(p))
		add_print(&all, folder);
	if (secret)
		add_print(&all, secret);
	r = add_files(key, &all, p);
	block_add_peer(&all, p);
	if (r == 0 && all.bad)
		r = -ENOMEM;
	if (r == 0)
		r = block_print_octets(key, sbuf_str(&all), all.len, &sum);
	p->block = 0;
	for (size_t i = 0; i < sizeof(p->block); i++)
		p->block = p->block << 8 | sum.octets[i];
	p->block |= !p->block; /* 0 is nobody's */
	return r;
}

int blocks_number(
    const struct block_key *key, const struct block_print *secret, struct ike_conf *c, struct err_text *e)
{
	struct block_print general, folder = {{0}};
	AUTO_SBUF struct sbuf text;
	int r;

	sbuf_init(&text);
	block_add_general(&text, c);
	r = text.bad ? -ENOMEM : block_print_octets(key, sbuf_str(&text), text.len, &general);
	if (r == 0 && c->cert_dir)
		r = print_folder(key, c->cert_dir, &folder);
	for (uint32_t i = 0; r == 0 && i < c->n_peers; i++)
		r = number(key, &general, &folder, secret ? &secret[i] : NULL, &c->peer[i]);
	return r < 0 ? err_set(
	                   e, r, "the configuration cannot be compared with the one before: %s", err_name(r))
	             : 0;
}
