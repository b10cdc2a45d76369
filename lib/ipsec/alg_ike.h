/*
 * What only key exchange needs of algorithms, under IANA's numbers for IKEv2 (RFC 7296 section 3.3.2), which
 * both versions of IKE use in here; version 1's own numbers stay on its wire.
 */
#ifndef POSTERN_IPSEC_ALG_IKE_H
#define POSTERN_IPSEC_ALG_IKE_H

#include <stdint.h>

/* Pseudorandom functions, and with them the hash of version 1. */
enum alg_prf {
	ALG_PRF_NONE = 0,
	ALG_PRF_HMAC_MD5 = 1,
	ALG_PRF_HMAC_SHA1 = 2,
	ALG_PRF_AES128_XCBC = 4, /* RFC 4434; version 2 only: there is no hash to it */
	ALG_PRF_HMAC_SHA256 = 5,
	ALG_PRF_HMAC_SHA384 = 6,
	ALG_PRF_HMAC_SHA512 = 7,
	ALG_PRF_AES128_CMAC = 8, /* RFC 4615; likewise */
};

/* Groups for the key exchange; the same numbers in both versions. */
enum alg_group {
	ALG_GROUP_NONE = 0,
	ALG_GROUP_MODP768 = 1, /* RFC 2409 section 6 */
	ALG_GROUP_MODP1024 = 2,
	ALG_GROUP_MODP1536 = 5, /* RFC 3526 */
	ALG_GROUP_MODP2048 = 14,
	ALG_GROUP_MODP3072 = 15,
	ALG_GROUP_MODP4096 = 16,
	ALG_GROUP_MODP6144 = 17,
	ALG_GROUP_MODP8192 = 18,
	ALG_GROUP_ECP256 = 19, /* RFC 5903 */
	ALG_GROUP_ECP384 = 20,
	ALG_GROUP_ECP521 = 21,
	ALG_GROUP_MODP1024_160 = 22, /* RFC 5114 */
	ALG_GROUP_MODP2048_224 = 23,
	ALG_GROUP_MODP2048_256 = 24,
	ALG_GROUP_CURVE25519 = 31, /* RFC 8031 */
	ALG_GROUP_CURVE448 = 32,
};

enum { ALG_PRF_LEN_MAX = 64, ALG_GROUP_PUBLIC_MAX = 1024 };

#endif
