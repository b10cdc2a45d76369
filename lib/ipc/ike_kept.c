/*
 * A magic number, the generation, then piece after piece: type, two lengths, two times octets.
 */
#include "ipc/ike_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/rd.h"
#include "base/wr.h"

enum { MAGIC = 0x504b4531, HEAD_LEN = 12, PIECE_LEN = 10 };

void ike_kept_add(struct sbuf *to, const struct ike_kept_piece *p)
{
	uint8_t head[PIECE_LEN];
	struct wr w = wr_init(head, sizeof(head));

	wr_u16(&w, p->type);
	wr_u32(&w, p->n_body);
	wr_u32(&w, p->n_file);
	sbuf_add_bytes(to, head, sizeof(head));
	sbuf_add_bytes(to, p->body, p->n_body);
	sbuf_add_bytes(to, p->file, p->n_file);
	if (to->len > IKE_KEPT_MAX)
		to->bad = true;
}

static int write_all(int fd, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n) {
		ssize_t k = write(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -EIO;
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int ike_kept_seal(const struct sbuf *pieces, uint64_t generation)
{
	AUTO_CLOSE int fd = pieces->bad ? -1 : memfd_create("postern-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t head[HEAD_LEN];
	struct wr w = wr_init(head, sizeof(head));
	int r;

	if (fd < 0)
		return pieces->bad ? -ENOMEM : -errno;
	wr_u32(&w, MAGIC);
	wr_u64(&w, generation);
	r = write_all(fd, head, sizeof(head));
	if (r == 0)
		r = write_all(fd, pieces->s, pieces->len);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = -errno;
	return r < 0 ? r : take_fd(&fd);
}

static int each(struct rd *r, int (*fn)(void *arg, const struct ike_kept_piece *p), void *arg)
{
	int x = 0;

	while (x >= 0 && rd_left(r)) {
		struct ike_kept_piece p = {.type = rd_u16(r)};

		p.n_body = rd_u32(r);
		p.n_file = rd_u32(r);
		p.body = rd_bytes(r, p.n_body);
		p.file = rd_bytes(r, p.n_file);
		x = rd_ok(r) ? fn(arg, &p) : -EBADMSG;
	}
	return x < 0 ? x : 0;
}

int ike_kept_read(
    int kept, int (*fn)(void *arg, const struct ike_kept_piece *p), void *arg, uint64_t *ret_generation)
{
	AUTO_CLOSE int fd = kept;
	AUTO_FREE uint8_t *p = NULL;
	struct stat st;
	struct rd r;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < HEAD_LEN ||
	    st.st_size > IKE_KEPT_MAX + HEAD_LEN)
		return -EBADMSG;
	p = malloc((size_t)st.st_size);
	if (!p)
		return -ENOMEM;
	n = pread(fd, p, (size_t)st.st_size, 0);
	if (n != st.st_size)
		return -EBADMSG;
	r = rd_init(p, (size_t)n);
	if (rd_u32(&r) != MAGIC)
		return -EBADMSG;
	*ret_generation = rd_u64(&r);
	return *ret_generation ? each(&r, fn, arg) : -EBADMSG;
}
