/*
 * A magic number and the number of keys; then for each the peer's index, its length, its octets.
 */
#include "certd/kept_keys.h"

#include <errno.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

enum { MAGIC = 0x504b4b31, HEAD_LEN = 8, ROW_LEN = 8 };

static bool is_kept(const struct creds *c, uint32_t i)
{
	return c->unlocked[i] && c->own[i];
}

/* Adds the room that one key takes. */
static int measure(const struct own_key *k, size_t *n)
{
	AUTO_SECRET struct secret *key = NULL;
	int r = own_key_private(k, &key);

	if (r == 0)
		*n += ROW_LEN + secret_len(key);
	return r;
}

static int put(struct wr *w, uint32_t peer, const struct own_key *k)
{
	AUTO_SECRET struct secret *key = NULL;
	int r = own_key_private(k, &key);

	if (r < 0)
		return r;
	wr_u32(w, peer);
	wr_u32(w, (uint32_t)secret_len(key));
	wr_bytes(w, secret_bytes(key), secret_len(key));
	return 0;
}

int kept_keys_make(const struct creds *c, uint32_t n_peers, struct secret_region *ret, struct err_text *e)
{
	uint32_t n = n_peers < c->n_peers ? n_peers : c->n_peers, keys = 0;
	size_t octets = HEAD_LEN;
	struct wr w;
	int r = 0;

	*ret = (struct secret_region)SECRET_REGION_INIT;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (is_kept(c, i)) {
			r = measure(c->own[i], &octets);
			keys++;
		}
	if (r < 0)
		return err_set(e, r, "a private key cannot be written: %s", err_name(r));
	if (!keys)
		return 0;
	if (octets > KEPT_KEYS_MAX)
		return err_set(e, -EFBIG, "private keys behind passphrases have %zu octets: %d are the most",
		    octets, KEPT_KEYS_MAX);
	r = secret_region_create("certd-keys", octets, ret, e);
	if (r < 0)
		return r;
	w = wr_init(ret->p, ret->len);
	wr_u32(&w, MAGIC);
	wr_u32(&w, keys);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (is_kept(c, i))
			r = put(&w, i, c->own[i]);
	if (r == 0 && wr_ok(&w))
		return 0;
	secret_region_fini(ret);
	return err_set(e, -ENOMEM, "private keys cannot be written");
}

int kept_keys_find(const uint8_t *p, size_t n, uint32_t peer, struct ike1_octets *ret)
{
	struct rd r = rd_init(p, n);
	uint32_t keys;

	if (rd_u32(&r) != MAGIC)
		return -EBADMSG;
	keys = rd_u32(&r);
	while (keys-- && rd_ok(&r)) {
		uint32_t whose = rd_u32(&r), len = rd_u32(&r);
		const uint8_t *key = rd_bytes(&r, len);

		if (rd_ok(&r) && whose == peer) {
			*ret = (struct ike1_octets){key, len};
			return 0;
		}
	}
	return rd_ok(&r) ? -ENOENT : -EBADMSG;
}
