#include "ipsec/ike_weak.h"

const char *ike_weak_cipher(enum alg_enc enc)
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

const char *ike_weak_hash(enum alg_prf hash)
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

const char *ike_weak_group(enum alg_group group)
{
	switch (group) {
	case ALG_GROUP_MODP768:
	case ALG_GROUP_MODP1024:
		return "a group that can be broken (RFC 8247: should not): take modp2048 or ecp256";
	case ALG_GROUP_MODP1536:
		return "a group that is too small by now (RFC 8247: should not): take modp2048 or ecp256";
	case ALG_GROUP_MODP1024_160:
		return "a group that can be broken, of an origin that nobody knows (RFC 8247: must not): "
		       "take "
		       "modp2048 or ecp256";
	case ALG_GROUP_MODP2048_224:
	case ALG_GROUP_MODP2048_256:
		return "a group of an origin that nobody knows (RFC 8247: should not): take modp2048 or "
		       "ecp256";
	default:
		return NULL;
	}
}

bool ike_weak_guess(enum ike_mode mode, enum ike_auth_method auth)
{
	return (mode == IKE_MODE_AGGRESSIVE || mode == IKE_MODE_BASE) && auth != IKE_AUTH_NONE &&
	       !ike_auth_is_rsa(auth);
}
