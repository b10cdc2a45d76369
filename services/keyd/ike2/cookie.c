/*
 * A cookie is an HMAC over nonce, address and SPI under a key of the minute, so that it is good for whoever
 * got it, and for a minute or two.
 */
#include "keyd/ike2/cookie.h"

#include "crypto/ike.h"
#include "secret/secret.h"
#include "wire/ike/out.h"
#include "wire/ike/v2_payload.h"

enum { KEY_MS = 60000, COOKIE_LEN = 32 };

static void renew_key(struct core *c)
{
	struct core_ike2 *k = &c->ike2;
	uint64_t now = core_now(c);

	if (k->cookie_since_ms && now < k->cookie_since_ms + KEY_MS)
		return;
	/* After a long rest the one before is no one's. */
	if (k->cookie_since_ms && now < k->cookie_since_ms + 2 * (uint64_t)KEY_MS)
		memcpy(k->cookie_key[1], k->cookie_key[0], sizeof(k->cookie_key[0]));
	else
		c->rng->fill(c->rng, k->cookie_key[1], sizeof(k->cookie_key[1]));
	c->rng->fill(c->rng, k->cookie_key[0], sizeof(k->cookie_key[0]));
	k->cookie_since_ms = now ? now : 1;
}

static bool make(const struct core *c, unsigned key, const struct ike_path *path, const struct ike_hdr *h,
    const struct ike_payload *nonce, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct iovec v[] = {{(void *)(uintptr_t)nonce->body, nonce->len},
	    {(void *)(uintptr_t)path->remote.b, inet_addr_len(&path->remote)},
	    {(void *)(uintptr_t)h->icookie, IKE_COOKIE_LEN}};

	return crypto_prf(ALG_PRF_HMAC_SHA256, c->ike2.cookie_key[key], sizeof(c->ike2.cookie_key[key]), v,
	           ARRAY_SIZE(v), ret) == 0;
}

static bool is_ours(const struct core *c, const struct ike_path *path, const struct ike_hdr *h,
    const struct ike_payload *nonce, const struct ike2_notification *n)
{
	uint8_t want[ALG_PRF_LEN_MAX];

	for (unsigned key = 0; key < ARRAY_SIZE(c->ike2.cookie_key); key++)
		if (n->len == COOKIE_LEN && make(c, key, path, h, nonce, want) &&
		    secret_equal_bytes(n->data, want, COOKIE_LEN))
			return true;
	return false;
}

static void ask(
    struct core *c, const struct ike_path *path, const struct ike_hdr *h, const struct ike_payload *nonce)
{
	struct ike_hdr to = *h;
	uint8_t cookie[ALG_PRF_LEN_MAX];
	struct ike_out o;
	size_t n;

	if (!make(c, 0, path, h, nonce, cookie))
		return;
	to.flags = IKE2_F_RESPONSE;
	to.minor = 0;
	ike_out_init(&o, c->out, sizeof(c->out), &to);
	ike2_put_note(&o, IKE2_N_COOKIE, cookie, COOKIE_LEN);
	n = ike_out_end(&o);
	if (n)
		c->ports.send(c->ports.arg, path, c->out, n);
}

bool cookie_admits(
    struct core *c, const struct ike_path *path, const struct ike_hdr *h, const struct ike_chain *chain)
{
	const struct ike_payload *nonce = ike_chain_find(chain, IKE2_P_NONCE, 0);
	struct ike2_notification n;
	bool shown;

	if (c->ike2.n_unproved < COOKIE_FROM && bucket_take(&c->keys, 1, core_now(c)))
		return true;
	renew_key(c);
	shown = ike2_notify_find(chain, IKE2_N_COOKIE, &n) && is_ours(c, path, h, nonce, &n);
	if (!shown) {
		ask(c, path, h, nonce);
		return false;
	}
	if (bucket_take(&c->again, 1, core_now(c)))
		return true;
	c->counters.refused_busy++;
	return false;
}
