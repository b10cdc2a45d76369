/*
 * What a launcher may give back to keyd as memory of established SAs: the input lies over the slots of a
 * segment, the sums are made to fit when its first octet is odd. Then the two decoders by themselves. What
 * they accept is encoded again and gives the same octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/ike1/kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SLOTS = KEEP_RUN_MAX, INDEX = 3, NOW = 5000000, SALT = 77 };

static _Alignas(64) struct keep_slot slot[SLOTS];

static void try_slot(const uint8_t *data, size_t n, bool fits)
{
	const char *why = NULL;
	struct keep_head h;

	memset(slot, 0, sizeof(slot));
	memcpy(slot, data, n < sizeof(slot) ? n : sizeof(slot));
	if (fits && slot->h.len <= KEEP_OCTETS_MAX)
		keep_slot_commit(slot, SALT);
	switch (keep_slot_read(slot, SALT, INDEX, SLOTS, &h, &why)) {
	case KEEP_OK:
		if (h.len > h.n_slots * SLOT_SIZE - KEEP_HEAD || h.n_slots > SLOTS || h.index != INDEX)
			abort();
		break;
	case KEEP_BAD:
		if (!why)
			abort();
		break;
	default:
		break;
	}
}

static void try_child(const uint8_t *data, size_t n)
{
	uint8_t again[KEEP_OCTETS_MAX];
	struct wr w = wr_init(again, sizeof(again));
	struct ike1_octets name;
	struct party party = {0};
	const char *why;
	struct child k;

	if (kept_child_decode(data, n, NOW, &k, &name, &why) < 0) {
		if (!why)
			abort();
		return;
	}
	if (!k.n_parts || k.n_parts > POLICY_REQUESTS_MAX || !name.n || name.n > PARTY_NAME_MAX)
		abort();
	party.name = (struct octets){(uint8_t *)(uintptr_t)name.p, name.n};
	k.party = &party;
	kept_child_encode(&w, &k);
	if (!wr_ok(&w) || wr_len(&w) != n || memcmp(again, data, n) != 0)
		abort();
}

static void inside(struct ike1_octets o, const uint8_t *data, size_t n)
{
	const uint8_t *p = o.p;

	if (o.n && (p < data || p + o.n > data + n))
		abort();
}

static void try_isakmp(const uint8_t *data, size_t n)
{
	struct kept_isakmp k;
	const char *why;

	if (kept_isakmp_decode(data, n, NOW, &k, &why) < 0) {
		if (!why)
			abort();
		return;
	}
	inside(k.d, data, n);
	inside(k.a, data, n);
	inside(k.cipher_key, data, n);
	inside(k.ticket, data, n);
	inside(k.user, data, n);
	inside(k.groups, data, n);
	inside((struct ike1_octets){k.iv, k.block}, data, n);
	if (k.block > IKE1_BLOCK_MAX || k.peer_id.len > IKE_ID_DATA_MAX || k.cipher_key.n != k.terms.key_len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 1)
		return 0;
	try_slot(data + 1, n - 1, data[0] & 1);
	try_child(data + 1, n - 1);
	try_isakmp(data + 1, n - 1);
	return 0;
}
