/*
 * The tables with these names are the crypto library's, which needs OpenSSL; the few that key exchange has
 * are named here, so that the command line does not.
 */
#include "cli/ike/words.h"

#include <stdio.h>

#include "base/auto.h"

struct word {
	uint32_t id;
	const char *name;
};

static const struct word prfs[] = {
    {ALG_PRF_HMAC_MD5, "hmac-md5"},
    {ALG_PRF_HMAC_SHA1, "hmac-sha1"},
    {ALG_PRF_HMAC_SHA256, "hmac-sha256"},
    {ALG_PRF_HMAC_SHA384, "hmac-sha384"},
    {ALG_PRF_HMAC_SHA512, "hmac-sha512"},
};

static const struct word groups[] = {
    {ALG_GROUP_MODP768, "modp768"},
    {ALG_GROUP_MODP1024, "modp1024"},
    {ALG_GROUP_MODP1536, "modp1536"},
    {ALG_GROUP_MODP2048, "modp2048"},
    {ALG_GROUP_MODP3072, "modp3072"},
    {ALG_GROUP_MODP4096, "modp4096"},
    {ALG_GROUP_MODP6144, "modp6144"},
    {ALG_GROUP_MODP8192, "modp8192"},
    {ALG_GROUP_ECP256, "ecp256"},
    {ALG_GROUP_ECP384, "ecp384"},
    {ALG_GROUP_ECP521, "ecp521"},
    {ALG_GROUP_MODP1024_160, "modp1024s160"},
    {ALG_GROUP_MODP2048_224, "modp2048s224"},
    {ALG_GROUP_MODP2048_256, "modp2048s256"},
    {ALG_GROUP_CURVE25519, "curve25519"},
    {ALG_GROUP_CURVE448, "curve448"},
};

static const char *find(const struct word *w, size_t n, uint32_t id, const char *kind, char *buf)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].id == id) {
			snprintf(buf, IKE_WORD_LEN, "%s", w[i].name);
			return buf;
		}
	snprintf(buf, IKE_WORD_LEN, "%s %u", kind, id);
	return buf;
}

const char *ike_prf_word(enum alg_prf prf, char buf[IKE_WORD_LEN])
{
	return find(prfs, ARRAY_SIZE(prfs), prf, "prf", buf);
}

const char *ike_group_word(enum alg_group group, char buf[IKE_WORD_LEN])
{
	return find(groups, ARRAY_SIZE(groups), group, "group", buf);
}

const char *ike_enc_word(enum alg_enc enc, uint16_t key_bits, char buf[IKE_WORD_LEN])
{
	const struct alg_enc_info *a = alg_enc_by_id(enc);

	if (!a)
		snprintf(buf, IKE_WORD_LEN, "cipher %u", (unsigned)enc);
	else if (key_bits && a->key_min != a->key_max)
		snprintf(buf, IKE_WORD_LEN, "%s %u", a->name, key_bits);
	else
		snprintf(buf, IKE_WORD_LEN, "%s", a->name);
	return buf;
}

const char *ike_auth_word(enum alg_auth auth, char buf[IKE_WORD_LEN])
{
	const struct alg_auth_info *a = alg_auth_by_id(auth);

	if (a)
		snprintf(buf, IKE_WORD_LEN, "%s", a->name);
	else
		snprintf(buf, IKE_WORD_LEN, "authentication %u", (unsigned)auth);
	return buf;
}

const char *ike_nat_words(const struct ike_row_sa *sa)
{
	if (sa->nat_here && sa->nat_there)
		return "NAT at both ends";
	if (sa->nat_here)
		return "NAT here";
	return sa->nat_there ? "NAT at the peer" : "no NAT";
}
