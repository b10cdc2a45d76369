/*
 * The one writer for bytes that leave: fixed room, sticky failure, never past the end.
 */
#ifndef POSTERN_BASE_WR_H
#define POSTERN_BASE_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wr {
	uint8_t *start, *p, *end;
	bool bad;
};

static inline struct wr wr_init(void *buf, size_t room)
{
	uint8_t *p = (uint8_t *)buf;

	return (struct wr){.start = p, .p = p, .end = p + room, .bad = false};
}

static inline size_t wr_len(const struct wr *w)
{
	return (size_t)(w->p - w->start);
}

static inline bool wr_ok(const struct wr *w)
{
	return !w->bad;
}

/* Room of n bytes to be filled by the caller; NULL when there is less. */
static inline uint8_t *wr_room(struct wr *w, size_t n)
{
	uint8_t *p = w->p;

	if (w->bad || (size_t)(w->end - w->p) < n) {
		w->bad = true;
		return NULL;
	}
	w->p += n;
	return p;
}

static inline void wr_bytes(struct wr *w, const void *src, size_t n)
{
	uint8_t *p = wr_room(w, n);

	if (p && n)
		memcpy(p, src, n);
}

static inline void wr_fill(struct wr *w, uint8_t v, size_t n)
{
	uint8_t *p = wr_room(w, n);

	if (p)
		memset(p, v, n);
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
	const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	wr_bytes(w, b, sizeof(b));
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	wr_u16(w, (uint16_t)(v >> 16));
	wr_u16(w, (uint16_t)v);
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
	wr_u32(w, (uint32_t)(v >> 32));
	wr_u32(w, (uint32_t)v);
}

#endif
