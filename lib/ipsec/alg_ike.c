#include "ipsec/alg_ike.h"

#include <stddef.h>

#include "base/auto.h"

const char *alg_prf_name(uint32_t id)
{
	static const char *const names[] = {[ALG_PRF_HMAC_MD5] = "md5",
	    [ALG_PRF_HMAC_SHA1] = "sha1",
	    [ALG_PRF_HMAC_SHA256] = "sha256",
	    [ALG_PRF_HMAC_SHA384] = "sha384",
	    [ALG_PRF_HMAC_SHA512] = "sha512"};

	return id < ARRAY_SIZE(names) ? names[id] : NULL;
}

const char *alg_group_name(uint32_t id)
{
	static const char *const names[] = {[ALG_GROUP_MODP768] = "modp768",
	    [ALG_GROUP_MODP1024] = "modp1024",
	    [ALG_GROUP_MODP1536] = "modp1536",
	    [ALG_GROUP_MODP2048] = "modp2048",
	    [ALG_GROUP_MODP3072] = "modp3072",
	    [ALG_GROUP_MODP4096] = "modp4096",
	    [ALG_GROUP_MODP6144] = "modp6144",
	    [ALG_GROUP_MODP8192] = "modp8192",
	    [ALG_GROUP_ECP256] = "ecp256",
	    [ALG_GROUP_ECP384] = "ecp384",
	    [ALG_GROUP_ECP521] = "ecp521",
	    [ALG_GROUP_CURVE25519] = "curve25519",
	    [ALG_GROUP_CURVE448] = "curve448"};

	return id < ARRAY_SIZE(names) ? names[id] : NULL;
}
