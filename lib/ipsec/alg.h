/*
 * The one table of transforms: setkey's names, statistics names, key sizes and wire geometry. Code that wants
 * to know anything about an algorithm asks this table.
 */
#ifndef POSTERN_IPSEC_ALG_H
#define POSTERN_IPSEC_ALG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Our own stable numbers: they stand in IPC records and in SAD memory, so values are never reused. */
enum alg_enc {
	ALG_ENC_NONE = 0,
	ALG_ENC_NULL = 1,
	ALG_ENC_3DES_CBC = 2,
	ALG_ENC_AES_CBC = 3,
	ALG_ENC_AES_GCM_16 = 4,
	ALG_ENC_DES_CBC = 5,
	ALG_ENC_BLOWFISH_CBC = 6,
	ALG_ENC_CAST128_CBC = 7,
	ALG_ENC_CAMELLIA_CBC = 8,
	ALG_ENC_AES_CTR = 9,
	ALG_ENC_AES_GCM_8 = 10,
	ALG_ENC_AES_GCM_12 = 11,
	ALG_ENC_AES_CCM_8 = 12,
	ALG_ENC_AES_CCM_12 = 13,
	ALG_ENC_AES_CCM_16 = 14,
	ALG_ENC_AES_GMAC = 15,
	ALG_ENC_CHACHA20_POLY1305 = 16,
};

enum alg_auth {
	ALG_AUTH_NONE = 0,
	ALG_AUTH_HMAC_MD5 = 1,
	ALG_AUTH_HMAC_SHA1 = 2,
	ALG_AUTH_HMAC_SHA256 = 3,
	ALG_AUTH_HMAC_SHA384 = 4,
	ALG_AUTH_HMAC_SHA512 = 5,
	ALG_AUTH_HMAC_RIPEMD160 = 6,
	ALG_AUTH_AES_XCBC = 7,
	ALG_AUTH_AES_CMAC = 8,
	ALG_AUTH_KEYED_MD5 = 9,
	ALG_AUTH_KEYED_SHA1 = 10,
	ALG_AUTH_AES_GMAC = 11, /* AH only (RFC 4543 section 4); in ESP it is an encryption algorithm */
};

enum alg_comp {
	ALG_COMP_NONE = 0,
	ALG_COMP_DEFLATE = 2, /* also its well-known CPI (RFC 2394) */
};

/* How a cipher is used on a packet. */
enum alg_kind {
	ALG_KIND_NULL = 0,
	ALG_KIND_CBC,
	ALG_KIND_CTR,    /* RFC 3686: needs integrity from elsewhere */
	ALG_KIND_GCM,    /* RFC 4106 */
	ALG_KIND_CCM,    /* RFC 4309 */
	ALG_KIND_GMAC,   /* RFC 4543: integrity only, nothing is enciphered */
	ALG_KIND_CHACHA, /* RFC 7634 */
};

enum { ALG_KEY_MAX = 64, ALG_ICV_MAX = 32, ALG_IV_MAX = 16 };

struct alg_enc_info {
	enum alg_enc id;
	enum alg_kind kind;
	const char *name;                   /* as setkey dumps it */
	const char *stat_name;              /* as netstat's histogram has it */
	uint8_t stat_order;                 /* place in the histogram */
	uint8_t key_min, key_max, key_step; /* bytes, salt included */
	uint8_t salt_len;                   /* last bytes of the key that are the nonce's salt */
	uint8_t block;                      /* padding unit before ESP's own 4 */
	uint8_t iv_len;                     /* bytes on the wire */
	uint8_t icv_len;                    /* of the combined mode, else 0 */
	bool aead, counter; /* combined mode; needs a never-repeated IV (RFC 8221 section 3) */
};

struct alg_auth_info {
	enum alg_auth id;
	const char *name, *stat_name;
	uint8_t stat_order;
	uint8_t key_min, key_max, key_step;
	uint8_t icv_len;    /* bytes on the wire by default (RFC 2403, 2404, 4868); GMAC in AH: with its IV */
	uint8_t digest_len; /* of the whole value; a longer ICV cannot be had */
	bool counter;       /* needs a never-repeated IV (RFC 8221 section 3) */
};

/* An authentication algorithm by another name, with an ICV of another length. */
struct alg_auth_short {
	const char *name;
	enum alg_auth id;
	uint8_t icv_len;
};

/* By number; NULL when unknown, so that a number from outside can be tried. */
const struct alg_enc_info *alg_enc_by_id(uint32_t id);
const struct alg_auth_info *alg_auth_by_id(uint32_t id);
/* By any of setkey's names (setkey.md section 7), aliases included; NULL when unknown. */
const struct alg_enc_info *alg_enc_by_name(const char *name);
const struct alg_auth_info *alg_auth_by_name(const char *name);
/* The name with which setkey says this algorithm with this ICV ("hmac-sha256-96" for 12 bytes); the plain
 * name for the default length (or 0) and where there is no other. */
const char *alg_auth_name(const struct alg_auth_info *a, uint8_t icv_len);
/* NULL when it is no name of a shortened one; such a name is known to alg_auth_by_name() too. */
const struct alg_auth_short *alg_auth_short_by_name(const char *name);
/* "deflate"; NULL and ALG_COMP_NONE when unknown. */
const char *alg_comp_name(uint32_t id);
enum alg_comp alg_comp_by_name(const char *name);
/* Iterate the table: NULL at the end. */
const struct alg_enc_info *alg_enc_at(size_t i);
const struct alg_auth_info *alg_auth_at(size_t i);
/* True for a name that setkey's language knows but this build does not provide: "unsupported algorithm". */
bool alg_name_is_known(const char *name);

bool alg_enc_keylen_ok(const struct alg_enc_info *a, size_t n);
bool alg_auth_keylen_ok(const struct alg_auth_info *a, size_t n);

#endif
