/*
 * SKEYID is made of Ni | Nr, one behind the other and with no length between them (RFC 2409 section 5), and a
 * peer's nonce is whatever keyd says. So a keyd that was taken over looks for two exchanges of ours, one that
 * we began with nonce A and one that "the peer" began and we answered with nonce B, and for nonces X and Z to
 * say in the peer's place, such that
 *
 *      A | X == Z | B
 *
 * Both then have one SKEYID, and the proof that certd gives in the one is the peer's proof in the other. Two
 * that we both began, or both answered, cannot meet: A and B stand in a fixed place, and no two are the same.
 *
 * What is in the way are two properties of our nonces, which are r[16] | MAC(key of this process, r)[16]:
 *
 * - Of those for exchanges that we begin, no octet has its top bit; of those for exchanges that we answer,
 * the first octet has. Where Z is shorter than A, the first octet of B would have to be an octet of A.
 * - Where Z is as long as A or longer, it begins with A, and that is looked for: a peer's nonce that begins
 * with one of ours is a reflection, and refused. Nobody can send one by chance.
 *
 * With signatures Ni | Nr is a key of HMAC, which takes no notice of zeros behind it. They stand at the end
 * and move nothing of the above. What an exchange has left are 112 random bits of A and 127 of B.
 */
#include "certd/nonce.h"

#include <errno.h>
#include <string.h>

#include "crypto/ike.h"

enum { RANDOM = 16, MAC = 16, TOP = 0x80 };

_Static_assert(RANDOM + MAC == NONCE_LEN, "a nonce is these two");

/* What a nonce with these random octets has behind them. */
static int make_mac(const struct nonce_key *key, const uint8_t *r, uint8_t ret[MAC])
{
	const struct iovec v = {.iov_base = (void *)(uintptr_t)r, .iov_len = RANDOM};
	bool we_began = !(r[0] & TOP);
	uint8_t all[ALG_PRF_LEN_MAX];

	if (crypto_prf(ALG_PRF_HMAC_SHA256, key->octets, sizeof(key->octets), &v, 1, all) < 0)
		return -EIO;
	for (size_t i = 0; i < MAC; i++)
		ret[i] = we_began ? all[i] & (TOP - 1) : all[i];
	return 0;
}

int nonce_make(const struct nonce_key *key, struct rng *rng, bool we_began, uint8_t ret[NONCE_LEN])
{
	rng->fill(rng, ret, RANDOM);
	if (!we_began)
		ret[0] |= TOP;
	for (size_t i = 0; we_began && i < RANDOM; i++)
		ret[i] &= TOP - 1;
	return make_mac(key, ret, ret + RANDOM);
}

bool nonce_meets_ours(const struct nonce_key *key, const uint8_t *p, size_t n)
{
	size_t known = n < NONCE_LEN ? n : NONCE_LEN;
	uint8_t mac[MAC];

	return n >= NONCE_KNOWN &&
	       (make_mac(key, p, mac) < 0 || memcmp(mac, p + RANDOM, known - RANDOM) == 0);
}

bool nonce_begins_with_ours(const struct nonce_key *key, const uint8_t *p, size_t n)
{
	uint8_t mac[MAC];

	/* Without an HMAC nothing can be said: then nothing is let through. */
	return n >= NONCE_LEN && (make_mac(key, p, mac) < 0 || memcmp(mac, p + RANDOM, MAC) == 0);
}
