/*
 * Policies as text and as bytes: ipsec_set_policy(3), ipsec_strerror(3). Link with -lipsec.
 *
 * The bytes are those of the key management interface: a struct sadb_x_policy and behind it, for each
 * request, a struct sadb_x_ipsecrequest with its two socket addresses, if it has any; all in host byte order
 * but the addresses and ports. These structures and the values in them (IPSEC_DIR_*, IPSEC_POLICY_*,
 * IPSEC_MODE_*, IPSEC_LEVEL_*) come from the kernel's own headers, so that a program may include those as
 * well.
 */
#ifndef POSTERN_NETINET6_IPSEC_H
#define POSTERN_NETINET6_IPSEC_H

#include <linux/ipsec.h>
#include <linux/pfkeyv2.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What ipsec_set_policy() returns, in later versions of the original. */
typedef void *ipsec_policy_t;

/*
 * Reads a policy, for instance "out ipsec esp/transport//require", up to its NUL or for `len` bytes,
 * whichever comes first. Returns its binary form, to be given back to free(3); NULL for an error, told by
 * ipsec_strerror().
 */
char *ipsec_set_policy(const char *policy, int len);

/*
 * Bytes of a binary policy; negative for an error: NULL, or no policy. As with every function that takes a
 * binary policy, the caller promises that as many bytes can be read as its first two say (a number of
 * eights).
 */
int ipsec_get_policylen(const void *policy);

/*
 * The text of a binary policy, to be given back to free(3): direction, action, and each request behind a
 * `delim` (NULL: one blank). NULL for an error. The second form writes the ports of endpoints too:
 * "10.0.0.1[4500]".
 */
char *ipsec_dump_policy(const void *policy, const char *delim);
char *ipsec_dump_policy_withports(const void *policy, const char *delim);

/* What the calling thread's last call of this library came to. Valid until the thread's next call that fails.
 */
const char *ipsec_strerror(void);

/*
 * Whether a key of `bits` fits an algorithm: 0, or -1. `supported` is SADB_EXT_SUPPORTED_AUTH or _ENCRYPT,
 * `satype` SADB_SATYPE_AH or _ESP, `alg` an SADB_*ALG_* number. Salts of counter modes count as key.
 */
int ipsec_check_keylen(unsigned int supported, unsigned int alg, unsigned int bits);
int ipsec_check_keylen2(unsigned int satype, unsigned int alg, unsigned int bits);
/* Fills `ret` with what is known of an algorithm: 0, or -1. */
int ipsec_get_keylen(unsigned int supported, unsigned int alg, struct sadb_alg *ret);

/* Writes `len` bytes to standard output, in hexadecimal, 32 a line in groups of four. */
void ipsec_hexdump(const void *buf, int len);

#ifdef __cplusplus
}
#endif

#endif
