/*
 * All of an SA's framing follows from four small numbers, so they are worked out once and every packet costs
 * additions only. Payload is never moved: the header is written in front of it and the trailer behind.
 */
#include "wire/esp/esp.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/rd.h"

enum { TRAILER_LEN = 2 };

struct esp_geom esp_geom_make(uint8_t iv_len, uint8_t block, uint8_t icv_len)
{
	/* RFC 4303 section 2.4: pad length and next header end on a 4-octet boundary, whatever the cipher. */
	return (struct esp_geom){.iv_len = iv_len,
	    .icv_len = icv_len,
	    .align = block > 4 ? block : 4,
	    .head = (uint8_t)(ESP_HDR_LEN + iv_len)};
}

uint8_t esp_pad_len(const struct esp_geom *g, size_t payload_len)
{
	return (uint8_t)(-(payload_len + TRAILER_LEN) & (g->align - 1u));
}

size_t esp_sealed_len(const struct esp_geom *g, size_t payload_len)
{
	return g->head + payload_len + esp_pad_len(g, payload_len) + TRAILER_LEN + g->icv_len;
}

size_t esp_payload_max(const struct esp_geom *g, size_t room)
{
	size_t fixed = (size_t)g->head + g->icv_len, data;

	if (room < fixed + g->align)
		return 0;
	data = (room - fixed) & ~(size_t)(g->align - 1);
	return data - TRAILER_LEN;
}

static void write_padding(uint8_t *p, uint8_t n, enum esp_pad kind, struct rng *rng)
{
	if (kind == ESP_PAD_RANDOM && rng) {
		rng->fill(rng, p, n);
		return;
	}
	for (uint8_t i = 0; i < n; i++)
		p[i] = kind == ESP_PAD_ZERO ? 0 : (uint8_t)(i + 1);
}

void esp_frame(const struct esp_geom *g, uint8_t *payload, size_t payload_len, uint32_t spi, uint32_t seq,
    uint8_t next, enum esp_pad pad, struct rng *rng, struct esp_frame *ret)
{
	uint8_t n_pad = esp_pad_len(g, payload_len), *tail = payload + payload_len;
	uint8_t *hdr = payload - g->head;

	/* RFC 4303 section 2 */
	spi = htonl(spi);
	seq = htonl(seq);
	memcpy(hdr, &spi, sizeof(spi));
	memcpy(hdr + sizeof(spi), &seq, sizeof(seq));
	write_padding(tail, n_pad, pad, rng);
	tail[n_pad] = n_pad;
	tail[n_pad + 1] = next;
	*ret = (struct esp_frame){.hdr = hdr,
	    .iv = hdr + ESP_HDR_LEN,
	    .data = payload,
	    .icv = tail + n_pad + TRAILER_LEN,
	    .data_len = (uint32_t)(payload_len + n_pad + TRAILER_LEN),
	    .total_len = (uint32_t)(g->head + payload_len + n_pad + TRAILER_LEN + g->icv_len)};
}

int esp_peek(const void *p, size_t len, uint32_t *ret_spi, uint32_t *ret_seq)
{
	struct rd r = rd_init(p, len);
	uint32_t spi = rd_u32(&r), seq = rd_u32(&r);

	if (!rd_ok(&r))
		return ESP_SHORT;
	*ret_spi = spi;
	*ret_seq = seq;
	return ESP_OK;
}

int esp_split(const struct esp_geom *g, uint8_t *p, size_t len, struct esp_frame *ret)
{
	size_t fixed = (size_t)g->head + g->icv_len, data_len;

	if (len < fixed + TRAILER_LEN || len > UINT16_MAX)
		return ESP_SHORT;
	data_len = len - fixed;
	if (data_len & (g->align - 1u))
		return ESP_ALIGN;
	*ret = (struct esp_frame){.hdr = p,
	    .iv = p + ESP_HDR_LEN,
	    .data = p + g->head,
	    .icv = p + g->head + data_len,
	    .data_len = (uint32_t)data_len,
	    .total_len = (uint32_t)len};
	return ESP_OK;
}

int esp_strip(const struct esp_frame *f, uint32_t *ret_payload_len, uint8_t *ret_next)
{
	uint32_t n_pad = f->data[f->data_len - 2];

	if (n_pad + TRAILER_LEN > f->data_len)
		return ESP_BAD_PAD;
	*ret_payload_len = f->data_len - TRAILER_LEN - n_pad;
	*ret_next = f->data[f->data_len - 1];
	return ESP_OK;
}

const char *esp_outcome_name(enum esp_outcome o)
{
	static const char *const names[] = {
	    [ESP_OK] = "good",
	    [ESP_SHORT] = "too short for the algorithms of its SA",
	    [ESP_ALIGN] = "ciphertext is not a whole number of blocks",
	    [ESP_BAD_PAD] = "pad length reaches beyond the payload",
	};

	return o < ARRAY_SIZE(names) ? names[o] : "?";
}
