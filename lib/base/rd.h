/*
 * The one bounds-checked reader for bytes from outside. Three words by value, no allocation, sticky failure:
 * after the first read past the end every value is zero, every slice empty, and rd_ok() false. A parser reads
 * fields in the order of the figure it implements and asks once at the end.
 */
#ifndef POSTERN_BASE_RD_H
#define POSTERN_BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct rd rd_init(const void *buf, size_t n)
{
	const uint8_t *p = (const uint8_t *)buf;

	return (struct rd){.p = p, .end = n ? p + n : p, .bad = false};
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

static inline bool rd_ok(const struct rd *r)
{
	return !r->bad;
}

/* True when nothing failed and nothing is left over. */
static inline bool rd_done(const struct rd *r)
{
	return !r->bad && r->p == r->end;
}

/* Marks the reader bad: a value just read is not acceptable. */
static inline void rd_fail(struct rd *r)
{
	r->bad = true;
	r->p = r->end;
}

/* A slice of n bytes, borrowed from the buffer; NULL when there are fewer. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || rd_left(r) < n) {
		rd_fail(r);
		return NULL;
	}
	r->p += n;
	return p;
}

static inline void rd_skip(struct rd *r, size_t n)
{
	(void)rd_bytes(r, n);
}

/* Copies n bytes out; zeroes dst on failure. */
static inline void rd_copy(struct rd *r, void *dst, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (p && n)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
	uint64_t hi = rd_u32(r);

	return hi << 32 | rd_u32(r);
}

/* A child window of n bytes; the parent stands behind it. A bad child leaves the parent bad too. */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);
	struct rd sub = {.p = p, .end = p ? p + n : p, .bad = r->bad};

	return sub;
}

/* For length fields that count a header of `hdr` bytes already read. */
static inline struct rd rd_sub_incl(struct rd *r, size_t len, size_t hdr)
{
	if (len < hdr)
		rd_fail(r);
	return rd_sub(r, len < hdr ? 0 : len - hdr);
}

#endif
