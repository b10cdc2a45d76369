/*
 * libsodium's crypto_auth in its form of several parts: the label with its zero, then the octets.
 */
#include "ticket/seal.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

_Static_assert(TICKET_KEY_LEN == crypto_auth_hmacsha512256_KEYBYTES, "the key's length is libsodium's");

enum { MAC_LEN = crypto_auth_hmacsha512256_BYTES };

static void mac(
    const struct ticket_key *key, const char *label, const uint8_t *p, size_t n, uint8_t ret[MAC_LEN])
{
	crypto_auth_hmacsha512256_state s;

	crypto_auth_hmacsha512256_init(&s, key->octets, sizeof(key->octets));
	crypto_auth_hmacsha512256_update(&s, (const uint8_t *)label, strlen(label) + 1);
	crypto_auth_hmacsha512256_update(&s, p, n);
	crypto_auth_hmacsha512256_final(&s, ret);
	sodium_memzero(&s, sizeof(s));
}

int seal_close(const struct ticket_key *key, const char *label, const uint8_t *buf, struct wr *w)
{
	uint8_t m[MAC_LEN];

	if (!wr_ok(w))
		return -EMSGSIZE;
	mac(key, label, buf, wr_len(w), m);
	wr_bytes(w, m, sizeof(m));
	return wr_ok(w) ? (int)wr_len(w) : -EMSGSIZE;
}

bool seal_open(const struct ticket_key *key, const char *label, const uint8_t *buf, size_t n, struct rd *ret)
{
	uint8_t m[MAC_LEN];

	*ret = rd_init(buf, n < MAC_LEN ? 0 : n - MAC_LEN);
	if (n < MAC_LEN)
		return false;
	mac(key, label, buf, n - MAC_LEN, m);
	return sodium_memcmp(m, buf + n - MAC_LEN, MAC_LEN) == 0;
}
