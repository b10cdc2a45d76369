/*
 * SAD memory from an earlier life: the input lies over the slots of a segment. With a first octet that is odd
 * the checksums are made to fit, so that the judgement of the fields is reached.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapathd/sa/slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SLOTS = 24, INDEX = 3, NOW = 5000000 };

static _Alignas(64) struct sad_slot slot[SLOTS];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sad_slot_facts facts;
	struct sa_desc d;
	const char *why = NULL;

	if (n < 1)
		return 0;
	memset(slot, 0, sizeof(slot));
	if (n > 1)
		memcpy(slot, data + 1, n - 1 < sizeof(slot) ? n - 1 : sizeof(slot));
	if (data[0] & 1)
		sad_slot_commit(slot);
	switch (sad_slot_read(slot, INDEX, SLOTS, NOW, &d, &facts, &why)) {
	case SAD_SLOT_OK:
		if (sa_desc_check(&d, &why) != 0 || d.enc_key_len > ALG_KEY_MAX ||
		    d.auth_key_len > ALG_KEY_MAX)
			abort();
		if (atomic_load(&slot->run.seq) != ~atomic_load(&slot->run.seq_not))
			abort();
		/* Whoever goes on with the window stays inside the slots. */
		if (replay_check(sad_slot_window(slot), 1000) == REPLAY_NEW)
			(void)!replay_commit(sad_slot_window(slot), 1000);
		break;
	case SAD_SLOT_BAD:
		if (!why)
			abort();
		break;
	default:
		break;
	}
	if (sad_prints_read((struct sad_prints *)(void *)slot, INDEX) == SAD_SLOT_OK &&
	    atomic_load(&((struct sad_prints *)(void *)slot)->n) > SAD_PRINTS)
		abort();
	return 0;
}
