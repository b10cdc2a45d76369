/*
 * Of all but PSS there is one encoding, which is compared; who deviates from it is not understood by others
 * either. The parameters of PSS may be left out where they are the default, and the NULL behind a hash's
 * name, too (RFC 4055 sections 2.1 and 3.1), so they are read. No length in here needs more than one octet.
 */
#include "wire/ike/v2_sig.h"

#include <string.h>

#include "base/rd.h"

enum {
	DER_INTEGER = 0x02,
	DER_NULL = 0x05,
	DER_SEQUENCE = 0x30,
	DER_CONTEXT = 0xa0, /* with the parameter's number */
	DER_LEN_MAX = 127,
	ROW_MAX = 67,
};

#define OID_SHA1     0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a
#define OID_SHA2(n)  0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, n
#define OID_PKCS1(n) 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, n
#define NIL          0x05, 0x00
#define RSA(n)       0x30, 0x0d, OID_PKCS1(n), NIL
#define ECDSA(n)     0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, n
#define EDWARDS(n)   0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, n
#define HASH(n)      0x30, 0x0d, OID_SHA2(n), NIL
#define PSS(n, salt)                                                                                         \
	0x30, 0x41, OID_PKCS1(0x0a), 0x30, 0x34, 0xa0, 0x0f, HASH(n), 0xa1, 0x1c, 0x30, 0x1a,                \
	    OID_PKCS1(0x08), HASH(n), 0xa2, 0x03, 0x02, 0x01, salt

static const struct row {
	enum ike2_sig_kind kind;
	uint8_t hash, len;
	uint8_t der[ROW_MAX];
} rows[] = {
    {IKE2_SIG_RSA, IKE2_HASH_SHA1, 15, {RSA(0x05)}},
    {IKE2_SIG_RSA, IKE2_HASH_SHA256, 15, {RSA(0x0b)}},
    {IKE2_SIG_RSA, IKE2_HASH_SHA384, 15, {RSA(0x0c)}},
    {IKE2_SIG_RSA, IKE2_HASH_SHA512, 15, {RSA(0x0d)}},
    {IKE2_SIG_ECDSA, IKE2_HASH_SHA1, 11, {0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01}},
    {IKE2_SIG_ECDSA, IKE2_HASH_SHA256, 12, {ECDSA(0x02)}},
    {IKE2_SIG_ECDSA, IKE2_HASH_SHA384, 12, {ECDSA(0x03)}},
    {IKE2_SIG_ECDSA, IKE2_HASH_SHA512, 12, {ECDSA(0x04)}},
    {IKE2_SIG_ED25519, IKE2_HASH_IDENTITY, 7, {EDWARDS(0x70)}},
    {IKE2_SIG_ED448, IKE2_HASH_IDENTITY, 7, {EDWARDS(0x71)}},
    {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA1, 15, {0x30, 0x0d, OID_PKCS1(0x0a), 0x30, 0x00}},
    {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA256, 67, {PSS(0x01, 32)}},
    {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA384, 67, {PSS(0x02, 48)}},
    {IKE2_SIG_RSA_PSS, IKE2_HASH_SHA512, 67, {PSS(0x03, 64)}},
};

/* With their headers. */
static const uint8_t oid_pss[] = {OID_PKCS1(0x0a)}, oid_mgf1[] = {OID_PKCS1(0x08)};
static const struct {
	uint8_t hash, len;
	uint8_t oid[11];
} hashes[] = {
    {IKE2_HASH_SHA1, 7, {OID_SHA1}},
    {IKE2_HASH_SHA256, 11, {OID_SHA2(0x01)}},
    {IKE2_HASH_SHA384, 11, {OID_SHA2(0x02)}},
    {IKE2_HASH_SHA512, 11, {OID_SHA2(0x03)}},
};

const uint8_t *ike2_sig_der(enum ike2_sig_kind kind, uint8_t hash, uint8_t *ret_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].kind != kind || rows[i].hash != hash)
			continue;
		*ret_len = rows[i].len;
		return rows[i].der;
	}
	return NULL;
}

/* What a value with this tag holds; the reader is bad when there is another one. */
static struct rd inside(struct rd *r, uint8_t tag)
{
	uint8_t got = rd_u8(r), len = rd_u8(r);

	if (got != tag || len > DER_LEN_MAX)
		rd_fail(r);
	return rd_sub(r, len);
}

static bool next_is(const struct rd *r, uint8_t tag)
{
	return rd_left(r) && r->p[0] == tag;
}

static bool starts_with(struct rd *r, const uint8_t *octets, size_t n)
{
	if (rd_left(r) < n || memcmp(r->p, octets, n) != 0)
		return false;
	rd_skip(r, n);
	return true;
}

/* The AlgorithmIdentifier of a hash, to the reader's end; 0: none of ours. */
static uint8_t read_hash(struct rd r)
{
	struct rd seq = inside(&r, DER_SEQUENCE);

	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		if (!starts_with(&seq, hashes[i].oid, hashes[i].len))
			continue;
		if (next_is(&seq, DER_NULL))
			(void)inside(&seq, DER_NULL);
		return rd_done(&seq) && rd_done(&r) ? hashes[i].hash : 0;
	}
	return 0;
}

/* That of MGF1 with a hash, to the reader's end; 0 likewise. */
static uint8_t read_mask_hash(struct rd r)
{
	struct rd seq = inside(&r, DER_SEQUENCE);

	return starts_with(&seq, oid_mgf1, sizeof(oid_mgf1)) && rd_done(&r) ? read_hash(seq) : 0;
}

/* A positive number of one or two octets, to the reader's end. */
static bool read_number(struct rd r, uint16_t *ret)
{
	struct rd n = inside(&r, DER_INTEGER);

	*ret = rd_left(&n) == 1 ? rd_u8(&n) : rd_u16(&n);
	return rd_done(&n) && rd_done(&r);
}

/* A parameter that may be left out. */
static bool has_param(struct rd *r, uint8_t number, struct rd *ret)
{
	if (!next_is(r, DER_CONTEXT + number))
		return false;
	*ret = inside(r, DER_CONTEXT + number);
	return true;
}

/* RFC 4055 section 3.1; what is left out is SHA-1 and a salt of 20 octets. */
static bool read_pss(struct rd r, struct ike2_sig *ret)
{
	struct ike2_sig s = {.kind = IKE2_SIG_RSA_PSS, .hash = IKE2_HASH_SHA1, .salt_len = 20};
	uint8_t mask_hash = IKE2_HASH_SHA1;
	uint16_t trailer = 1;
	struct rd p;

	if (has_param(&r, 0, &p))
		s.hash = read_hash(p);
	if (has_param(&r, 1, &p))
		mask_hash = read_mask_hash(p);
	if (has_param(&r, 2, &p) && !read_number(p, &s.salt_len))
		return false;
	if (has_param(&r, 3, &p) && !read_number(p, &trailer))
		return false;
	if (!rd_done(&r) || !s.hash || s.hash != mask_hash || trailer != 1)
		return false;
	*ret = s;
	return true;
}

bool ike2_sig_parse(const uint8_t *der, size_t n, struct ike2_sig *ret)
{
	struct rd r = rd_init(der, n), seq = inside(&r, DER_SEQUENCE), params;

	if (!rd_done(&r))
		return false;
	if (starts_with(&seq, oid_pss, sizeof(oid_pss))) {
		params = inside(&seq, DER_SEQUENCE);
		return rd_done(&seq) && read_pss(params, ret);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].len != n || memcmp(rows[i].der, der, n) != 0)
			continue;
		*ret = (struct ike2_sig){.kind = rows[i].kind, .hash = rows[i].hash};
		return true;
	}
	return false;
}
