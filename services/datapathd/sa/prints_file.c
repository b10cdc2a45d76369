/*
 * A header with the key the fingerprints were made with, then fingerprints to the end. Appending is one write
 * of one record; a piece of a record at the end is a power failure's, and is cut off. A fingerprint says
 * nothing about its key, so the file is no secret; it is root's all the same.
 */
#include "datapathd/sa/prints_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/rd.h"

static const uint8_t magic[8] = "POSTKEY1";

enum {
	HEADER_LEN = sizeof(magic) + SAD_FAMILY_LEN,
	FILE_MAX =
	    HEADER_LEN + SAD_SEGMENTS_MAX * SAD_SEGMENT_SLOTS * SAD_PRINT_LEN, /* more than memory holds */
};

int prints_file_open(const char *path, struct err_text *e)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	struct stat st;

	if (fd < 0)
		return err_set(e, -errno, "cannot open %s: %s", path, err_name(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022)
		return err_set(e, -EPERM,
		    "%s is not a file that only root may write: look who made it, then remove it", path);
	return take_fd(&fd);
}

static int write_at(int fd, const void *p, size_t n, off_t at)
{
	ssize_t r = pwrite(fd, p, n, at);

	return r == (ssize_t)n ? 0 : r < 0 ? -errno : -ENOSPC;
}

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? -errno : st.st_size;
}

/* 0, and the family; 1 when there is no header of ours. */
static int read_header(int fd, uint8_t ret_family[SAD_FAMILY_LEN])
{
	uint8_t buf[HEADER_LEN], found[sizeof(magic)];
	ssize_t n = pread(fd, buf, sizeof(buf), 0);
	struct rd r;

	if (n < 0)
		return -errno;
	r = rd_init(buf, (size_t)n);
	rd_copy(&r, found, sizeof(found));
	rd_copy(&r, ret_family, SAD_FAMILY_LEN);
	return rd_ok(&r) && memcmp(found, magic, sizeof(magic)) == 0 ? 0 : 1;
}

static int load(int fd, off_t size, struct sad_store *s, struct err_text *e)
{
	uint8_t print[SAD_PRINT_LEN];
	int r = 0;

	if (size > FILE_MAX)
		return err_set(e, -EFBIG, "the file of used keys is longer than any we write");
	for (off_t at = HEADER_LEN; r == 0 && at + SAD_PRINT_LEN <= size; at += SAD_PRINT_LEN) {
		if (pread(fd, print, sizeof(print), at) != (ssize_t)sizeof(print))
			return err_set(e, -EIO, "the file of used keys cannot be read");
		if (!sad_store_knows_print(s, print))
			r = sad_store_remember_print(s, print, e);
	}
	return r;
}

static int append(void *arg, const uint8_t print[SAD_PRINT_LEN])
{
	return prints_file_add(*(const int *)arg, print);
}

/* What is there is another SAD's, or nothing: memory is what counts. */
static int write_anew(int fd, struct sad_store *s)
{
	uint8_t head[HEADER_LEN];
	int r = ftruncate(fd, 0) < 0 ? -errno : 0;

	memcpy(head, magic, sizeof(magic));
	memcpy(head + sizeof(magic), sad_store_print_key(s), SAD_FAMILY_LEN);
	if (r == 0)
		r = write_at(fd, head, sizeof(head), 0);
	return r < 0 ? r : sad_store_each_print(s, append, &fd);
}

int prints_file_join(int fd, struct sad_store *s, struct err_text *e)
{
	uint8_t family[SAD_FAMILY_LEN];
	off_t size = size_of(fd);
	int r = read_header(fd, family), begun;

	if (r == 0)
		sad_store_offer_family(s, family);
	begun = sad_store_begin(s, e);
	if (begun < 0)
		return begun;
	if (r == 0 && memcmp(family, sad_store_print_key(s), SAD_FAMILY_LEN) == 0)
		return load(fd, size, s, e);
	if (r >= 0)
		r = write_anew(fd, s);
	return r < 0 ? err_set(e, r, "the file of used keys cannot be written: %s", err_name(r)) : 0;
}

int prints_file_add(int fd, const uint8_t print[SAD_PRINT_LEN])
{
	off_t size = size_of(fd), torn = (size - HEADER_LEN) % SAD_PRINT_LEN;
	int r;

	if (size < HEADER_LEN)
		return size < 0 ? (int)size : -EIO;
	r = write_at(fd, print, SAD_PRINT_LEN, size - torn);
	return r < 0 ? r : fdatasync(fd) < 0 ? -errno : 0;
}
