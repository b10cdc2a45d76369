#include "cli/weak_ike.h"

const char *weak_ike_cipher(enum alg_enc enc)
{
	switch (enc) {
	case ALG_ENC_DES_CBC:
		return "des, whose keys can be found by trying all of them (RFC 8247: must not)";
	case ALG_ENC_3DES_CBC:
		return "3des, whose blocks are too small for much traffic (RFC 8247: may)";
	case ALG_ENC_BLOWFISH_CBC:
	case ALG_ENC_CAST128_CBC:
		return "a cipher whose blocks are too small: take aes256";
	default:
		return NULL;
	}
}

const char *weak_ike_hash(enum alg_prf hash)
{
	switch (hash) {
	case ALG_PRF_HMAC_MD5:
		return "md5 (RFC 8247: must not)";
	case ALG_PRF_HMAC_SHA1:
		return "sha1, which is on its way out (RFC 8247: must, but will not stay so)";
	default:
		return NULL;
	}
}

const char *weak_ike_group(enum alg_group group)
{
	switch (group) {
	case ALG_GROUP_MODP768:
	case ALG_GROUP_MODP1024:
		return "a group that can be broken (RFC 8247: should not): take modp2048 or ecp256";
	case ALG_GROUP_MODP1536:
		return "a group that is too small by now (RFC 8247: should not): take modp2048 or ecp256";
	default:
		return NULL;
	}
}

bool weak_ike_guess(enum ike_mode mode, enum ike_auth_method auth)
{
	return (mode == IKE_MODE_AGGRESSIVE || mode == IKE_MODE_BASE) && auth != IKE_AUTH_NONE &&
	       !ike_auth_is_rsa(auth);
}

static bool by_cipher(const struct ike_row_sa *sa)
{
	return weak_ike_cipher(sa->enc);
}

static bool by_hash(const struct ike_row_sa *sa)
{
	return weak_ike_hash(sa->prf);
}

static bool by_group(const struct ike_row_sa *sa)
{
	return weak_ike_group(sa->group);
}

static bool by_mode(const struct ike_row_sa *sa)
{
	return sa->version == 1 && weak_ike_guess(sa->mode, sa->auth);
}

static const struct {
	const char *name;
	bool (*applies)(const struct ike_row_sa *sa);
	const char *text;
} kinds[WEAK_IKE_KINDS] = {
    {"cipher", by_cipher, "negotiate under des, 3des, blowfish or cast128 (RFC 8247 wants aes)"},
    {"hash", by_hash, "negotiate with md5 or sha1 (RFC 8247: must not; must, but will not stay so)"},
    {"group", by_group, "made their keys in a group of 1536 bits or less (RFC 8247: should not)"},
    {"guess", by_mode,
        "came up in a mode in which others can guess at the pre-shared key: main mode does not let them"},
};

void weak_ike_judge(struct weak_ike_notes *w, const struct ike_row_sa *sa)
{
	if (!sa->agreed)
		return;
	w->n_sas++;
	for (size_t i = 0; i < WEAK_IKE_KINDS; i++)
		w->n[i] += kinds[i].applies(sa);
}

const char *weak_ike_name(size_t kind)
{
	return kinds[kind].name;
}

const char *weak_ike_text(size_t kind)
{
	return kinds[kind].text;
}
