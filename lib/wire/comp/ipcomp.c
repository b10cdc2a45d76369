/*
 * zlib asks for memory while its streams are set up, and once more if an inflation stops half way; the codec
 * grants the former and refuses the latter. A packet is decompressed in one call, where the output itself is
 * the history, so nothing is lost by that.
 */
#include "wire/comp/ipcomp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/rd.h"

enum {
	/* Raw DEFLATE (RFC 2394 section 2). A history of 4096 octets is more than most packets have, and
	 * small tables are what makes starting anew for each of them cheap. What peers send may look back 32
	 * KiB. */
	DEFLATE_BITS = -12,
	DEFLATE_MEM_LEVEL = 5,
	INFLATE_BITS = -15,
	BLOCKS_MAX = 16,
};

struct ipcomp_codec {
	z_stream deflate, inflate;
	bool sealed; /* no more memory from here on */
	size_t n_blocks;
	struct {
		void *p;
		size_t n;
	} block[BLOCKS_MAX];
};

static void *take(void *codec, unsigned items, unsigned size)
{
	struct ipcomp_codec *c = codec;
	size_t n = (size_t)items * size;
	void *p;

	if (c->sealed || c->n_blocks == BLOCKS_MAX)
		return NULL;
	p = calloc(1, n);
	if (!p)
		return NULL;
	c->block[c->n_blocks].p = p;
	c->block[c->n_blocks++].n = n;
	return p;
}

/* All goes at once, in ipcomp_codec_free(). */
static void keep(void *codec, void *p)
{
	(void)codec;
	(void)p;
}

static int error_of(int r)
{
	return r == Z_MEM_ERROR ? -ENOMEM : -ENOTSUP;
}

int ipcomp_codec_new(struct ipcomp_codec **ret)
{
	struct ipcomp_codec *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->deflate = c->inflate = (z_stream){.zalloc = take, .zfree = keep, .opaque = c};
	r = deflateInit2(&c->deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED, DEFLATE_BITS, DEFLATE_MEM_LEVEL,
	    Z_DEFAULT_STRATEGY);
	if (r == Z_OK)
		r = inflateInit2(&c->inflate, INFLATE_BITS);
	if (r != Z_OK) {
		ipcomp_codec_free(c);
		return error_of(r);
	}
	c->sealed = true;
	*ret = c;
	return 0;
}

struct ipcomp_codec *ipcomp_codec_free(struct ipcomp_codec *c)
{
	if (!c)
		return NULL;
	(void)deflateEnd(&c->deflate);
	(void)inflateEnd(&c->inflate);
	for (size_t i = 0; i < c->n_blocks; i++) {
		explicit_bzero(c->block[i].p, c->block[i].n);
		free(c->block[i].p);
	}
	free(c);
	return NULL;
}

static void set_buffers(z_stream *z, const void *in, size_t n, void *out, size_t room)
{
	z->next_in = (Bytef *)(uintptr_t)in; /* zlib only reads it */
	z->avail_in = (uInt)n;
	z->next_out = out;
	z->avail_out = (uInt)room;
}

int ipcomp_deflate(struct ipcomp_codec *c, const void *in, size_t n, void *out, size_t room, size_t *ret_len)
{
	size_t most, len;

	if (n < IPCOMP_MIN_LEN || n > UINT16_MAX || room == 0)
		return IPCOMP_NO_GAIN;
	/* The header counts, and equal is no gain (RFC 3173 section 2.2). zlib knows that it is done only
	 * with an octet to spare. */
	most = n - IPCOMP_HDR_LEN;
	if (most > room)
		most = room;
	if (deflateReset(&c->deflate) != Z_OK)
		return IPCOMP_NO_GAIN;
	set_buffers(&c->deflate, in, n, out, most);
	if (deflate(&c->deflate, Z_FINISH) != Z_STREAM_END)
		return IPCOMP_NO_GAIN;
	len = most - c->deflate.avail_out;
	if (len >= n - IPCOMP_HDR_LEN)
		return IPCOMP_NO_GAIN;
	*ret_len = len;
	return IPCOMP_OK;
}

int ipcomp_inflate(struct ipcomp_codec *c, const void *in, size_t n, void *out, size_t room, size_t *ret_len)
{
	z_stream *z = &c->inflate;
	int r;

	if (n == 0 || n > UINT16_MAX || inflateReset(z) != Z_OK)
		return IPCOMP_BAD;
	if (room == 0)
		return IPCOMP_TOO_LONG;
	set_buffers(z, in, n, out, room);
	r = inflate(z, Z_FINISH);
	if (r == Z_STREAM_END) {
		*ret_len = room - z->avail_out;
		return z->avail_in ? IPCOMP_BAD : IPCOMP_OK;
	}
	/* An error in the stream is Z_DATA_ERROR; all else is an end of input or of room, whatever it is
	 * called. */
	return r != Z_DATA_ERROR && z->avail_out == 0 ? IPCOMP_TOO_LONG : IPCOMP_BAD;
}

void ipcomp_write(uint8_t *hdr, uint8_t next, uint16_t cpi)
{
	hdr[0] = next;
	hdr[1] = 0;
	hdr[2] = (uint8_t)(cpi >> 8);
	hdr[3] = (uint8_t)cpi;
}

int ipcomp_parse(const void *hdr, size_t len, struct ipcomp_view *ret)
{
	struct rd r = rd_init(hdr, len);
	struct ipcomp_view v = {.next = rd_u8(&r)};

	rd_skip(&r, 1);
	v.cpi = rd_u16(&r);
	if (!rd_ok(&r))
		return IPCOMP_SHORT;
	*ret = v;
	return IPCOMP_OK;
}

const char *ipcomp_outcome_name(enum ipcomp_outcome o)
{
	static const char *const names[] = {
	    [IPCOMP_OK] = "good",
	    [IPCOMP_NO_GAIN] = "compressing it makes it no shorter",
	    [IPCOMP_BAD] = "not a whole DEFLATE stream",
	    [IPCOMP_TOO_LONG] = "longer than a packet once decompressed",
	    [IPCOMP_SHORT] = "shorter than the IPComp header",
	};

	return o < ARRAY_SIZE(names) ? names[o] : "?";
}
