/*
 * ESP framing (RFC 4303 section 2): where header, IV, padding and ICV go around a payload, and back. No keys
 * here: lib/crypto does the work between esp_frame() and the wire, and between esp_split() and esp_strip().
 */
#ifndef POSTERN_WIRE_ESP_ESP_H
#define POSTERN_WIRE_ESP_ESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/rng.h"

enum {
	ESP_HDR_LEN = 8,            /* SPI, sequence number */
	ESP_HEAD_MAX = 8 + 16,      /* header and longest IV */
	ESP_TAIL_MAX = 15 + 2 + 32, /* padding to a block of 16, pad length and next header, longest ICV */
	ESP_NEXT_DUMMY = 59,        /* RFC 4303 section 2.6: to be discarded without a word */
};

enum esp_outcome {
	ESP_OK = 0,
	ESP_SHORT,   /* fewer octets than header, IV, one trailer and ICV need */
	ESP_ALIGN,   /* ciphertext is not a whole number of blocks */
	ESP_BAD_PAD, /* pad length reaches beyond the payload */
};

enum esp_pad { ESP_PAD_SEQ = 0 /* 1, 2, 3... */, ESP_PAD_ZERO, ESP_PAD_RANDOM };

/* What never changes for one SA. */
struct esp_geom {
	uint8_t iv_len, icv_len;
	uint8_t align; /* payload, padding and trailer end on this: cipher block, at least 4 */
	uint8_t head;  /* header and IV */
};

/* block: the cipher's, a power of two up to 16. */
struct esp_geom esp_geom_make(uint8_t iv_len, uint8_t block, uint8_t icv_len);

/* Octets of padding for this payload (0..align-1); the two trailer octets not counted. */
uint8_t esp_pad_len(const struct esp_geom *g, size_t payload_len);
/* Octets from the SPI to the end of the ICV. */
size_t esp_sealed_len(const struct esp_geom *g, size_t payload_len);
/* Longest payload that, sealed, is no longer than `room`; 0 when none. */
size_t esp_payload_max(const struct esp_geom *g, size_t room);

/* One packet's parts; they lie one behind the other from `hdr`. */
struct esp_frame {
	uint8_t *hdr, *iv, *data, *icv;
	uint32_t data_len;  /* what is enciphered */
	uint32_t total_len; /* from hdr to the end of the ICV */
};

/*
 * Builds header and trailer around `payload` where it lies. The caller has at least g->head octets in front
 * and esp_sealed_len() - g->head - payload_len behind. IV and ICV are left for crypto_seal_burst(). rng is
 * used for ESP_PAD_RANDOM only.
 */
void esp_frame(const struct esp_geom *g, uint8_t *payload, size_t payload_len, uint32_t spi, uint32_t seq,
    uint8_t next, enum esp_pad pad, struct rng *rng, struct esp_frame *ret);

/* SPI and sequence number before the SA is known. 0, or ESP_SHORT. */
must_check int esp_peek(const void *p, size_t len, uint32_t *ret_spi, uint32_t *ret_seq);

/* Finds the parts of a received packet that begins at p. 0, ESP_SHORT or ESP_ALIGN. */
must_check int esp_split(const struct esp_geom *g, uint8_t *p, size_t len, struct esp_frame *ret);

/*
 * Reads the trailer of opened data. The content of the padding is not checked (senders may choose it). 0, or
 * ESP_BAD_PAD. A payload of length 0 is legal.
 */
must_check int esp_strip(const struct esp_frame *f, uint32_t *ret_payload_len, uint8_t *ret_next);

const char *esp_outcome_name(enum esp_outcome o);

#endif
