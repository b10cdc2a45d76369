/*
 * A lifetime that one side does not name is no reason to refuse: the other's holds. The originals compared
 * numbers, so that a peer that named kilobytes was refused by a host that did not care.
 */
#include "keyd/ike1/choose.h"

const char *ike1_mismatch_name(enum ike1_mismatch m)
{
	static const char *const names[] = {
	    [IKE1_MEETS] = "",
	    [IKE1_MISS_MALFORMED] = "attributes",
	    [IKE1_MISS_UNKNOWN] = "unknown attribute",
	    [IKE1_MISS_CIPHER] = "enctype",
	    [IKE1_MISS_HASH] = "hashtype",
	    [IKE1_MISS_AUTH] = "authmethod",
	    [IKE1_MISS_GROUP] = "dh_group",
	    [IKE1_MISS_KEY_BITS] = "key length",
	    [IKE1_MISS_LIFE] = "lifetime",
	};

	return m < ARRAY_SIZE(names) ? names[m] : "?";
}

uint16_t ike1_default_bits(uint16_t cipher)
{
	enum { DEFAULT_BITS = 128 };

	switch (cipher) {
	case IKE1_CIPHER_BLOWFISH:
	case IKE1_CIPHER_RC5:
	case IKE1_CIPHER_CAST128:
	case IKE1_CIPHER_AES:
	case IKE1_CIPHER_CAMELLIA:
		return DEFAULT_BITS;
	default:
		return 0;
	}
}

bool ike1_bits_fit(enum proposal_check check, uint16_t own, uint16_t peer)
{
	switch (check) {
	case CHECK_OBEY:
		return true;
	case CHECK_STRICT:
	case CHECK_CLAIM:
		return peer >= own;
	default:
		return peer == own;
	}
}

/* 0 is a lifetime that was not named. */
static bool is_longer(uint64_t a, uint64_t b)
{
	return a && b && a > b;
}

static uint64_t shorter(uint64_t a, uint64_t b)
{
	return !a || is_longer(a, b) ? b : a;
}

static bool life_fits(enum proposal_check check, uint64_t own, uint64_t peer)
{
	switch (check) {
	case CHECK_OBEY:
		return true;
	case CHECK_STRICT:
	case CHECK_CLAIM:
		return !is_longer(peer, own);
	default:
		return !own || peer == own;
	}
}

/* Of two that fit. */
static uint64_t agreed(enum proposal_check check, uint64_t own, uint64_t peer)
{
	return check == CHECK_OBEY && peer ? peer : shorter(own, peer);
}

enum ike1_mismatch ike1_meet1(enum proposal_check check, const struct ike1_own1 *own,
    const struct ike1_phase1 *peer, uint64_t *ret_seconds)
{
	uint16_t bits = peer->key_bits ? peer->key_bits : ike1_default_bits(peer->cipher);

	if (own->cipher != peer->cipher)
		return IKE1_MISS_CIPHER;
	if (own->hash != peer->hash)
		return IKE1_MISS_HASH;
	if (own->auth != peer->auth)
		return IKE1_MISS_AUTH;
	if (own->group != peer->group)
		return IKE1_MISS_GROUP;
	if (!ike1_bits_fit(check, own->key_bits, bits))
		return IKE1_MISS_KEY_BITS;
	if (!life_fits(check, own->seconds, peer->life.seconds))
		return IKE1_MISS_LIFE;
	*ret_seconds = agreed(check, own->seconds, peer->life.seconds);
	return IKE1_MEETS;
}

/* Decodes the peer's transform; MEETS: it may be looked at. */
static enum ike1_mismatch decode(const struct ike1_transform *t, struct ike1_phase1 *ret)
{
	uint16_t unknown;

	if (t->id != IKE1_TRANSFORM_KEY_IKE || ike1_phase1_decode(t, ret, &unknown) != IKE_OK)
		return IKE1_MISS_MALFORMED;
	return unknown ? IKE1_MISS_UNKNOWN : IKE1_MEETS;
}

bool ike1_choose1(enum proposal_check check, const struct ike1_own1 *own, uint32_t n_own,
    const struct ike1_sa *peer, ike1_missed_fn missed, void *arg, struct ike1_choice1 *ret)
{
	for (uint8_t i = 0; i < peer->n_proposals; i++) {
		const struct ike1_proposal *p = &peer->proposal[i];

		for (uint8_t k = 0; p->protocol == IKE1_PROTO_ISAKMP && k < p->n_transforms; k++) {
			const struct ike1_transform *t = &peer->transform[p->first + k];
			struct ike1_choice1 c = {.proposal = p, .transform = t};
			enum ike1_mismatch readable = decode(t, &c.peer);

			for (c.own = 0; c.own < n_own; c.own++) {
				enum ike1_mismatch why =
				    readable ? readable : ike1_meet1(check, &own[c.own], &c.peer, &c.seconds);

				if (why == IKE1_MEETS) {
					*ret = c;
					return true;
				}
				if (missed)
					missed(arg, why, c.own, &c);
			}
		}
	}
	return false;
}

/* One lifetime of phase 2. True: taken, with *ret. */
static bool settle(enum proposal_check check, uint64_t own, uint64_t peer, uint64_t *ret)
{
	if (check == CHECK_CLAIM && is_longer(peer, own)) {
		*ret = own;
		return true;
	}
	*ret = agreed(check, own, peer);
	return life_fits(check, own, peer);
}

/* True: taken; the group that holds is the peer's. */
static bool group_fits(enum proposal_check check, uint16_t own, uint16_t peer)
{
	switch (check) {
	case CHECK_OBEY:
		return true;
	case CHECK_STRICT:
	case CHECK_CLAIM:
		return !own || own == peer;
	default:
		return own == peer;
	}
}

/* Whether the peer has to hear of a limit that holds: it expects a later one, or none. */
static bool is_news(uint64_t holds, uint64_t expected)
{
	return holds && (!expected || holds < expected);
}

enum ike1_verdict2 ike1_terms2(enum proposal_check check, const struct ike1_terms *own,
    const struct ike1_terms *peer, struct ike1_terms *ret, bool *ret_tell)
{
	struct ike1_terms t = {.group = peer->group};
	bool exact = check == CHECK_EXACT;

	if (!settle(check, own->seconds, peer->seconds, &t.seconds))
		return exact ? IKE1_TERMS_OTHER_SECONDS : IKE1_TERMS_LONG_SECONDS;
	if (!settle(check, own->kilobytes, peer->kilobytes, &t.kilobytes))
		return exact ? IKE1_TERMS_OTHER_KILOBYTES : IKE1_TERMS_LONG_KILOBYTES;
	if (!group_fits(check, own->group, peer->group))
		return IKE1_TERMS_GROUP;
	*ret = t;
	*ret_tell = is_news(t.seconds, peer->seconds ? peer->seconds : IKE1_LIFE_DEFAULT_S) ||
	            is_news(t.kilobytes, peer->kilobytes);
	return IKE1_TERMS_OK;
}
