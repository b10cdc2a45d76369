/*
 * One slot of SAD memory: everything an SA needs to go on after its process was killed. The layout is fixed
 * and versioned, because the next process may be a newer build; what stands in a slot is believed only after
 * sad_slot_read() has judged it like a stranger's message.
 */
#ifndef POSTERN_DATAPATHD_SA_SLOT_H
#define POSTERN_DATAPATHD_SA_SLOT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "ipsec/sa.h"
#include "secret/slots.h"
#include "wire/esp/replay.h"

enum {
	SAD_SLOT_SIZE = SLOT_SIZE,
	SAD_SLOT_VERSION = 4,
	SAD_WINDOW_INLINE = 128, /* octets of window in the slot itself (up to `-r 56`); a larger one fills
	                            slots of its own */
	SAD_PRINT_LEN = 16,
	SAD_PRINTS = 30, /* fingerprints per slot */
};

enum sad_slot_kind { SAD_KIND_FREE = 0, SAD_KIND_SA = 1, SAD_KIND_PRINTS = 2 };

/* Fixed at creation and covered by the commit word. */
struct sad_slot_desc {
	uint32_t kind, version;
	uint32_t index; /* its own place: segment * slots + slot, so that a copied slot is not believed */
	uint32_t spi;
	uint64_t serial;
	uint8_t src_family, dst_family, proto, mode;
	uint8_t enc, auth, enc_key_len, auth_key_len;
	uint8_t icv_len, fresh_key, manual, comp;
	uint32_t flags;
	uint8_t src[16], dst[16];
	uint32_t reqid, replay_bytes;
	uint64_t life[6]; /* soft_s hard_s soft_bytes hard_bytes soft_packets hard_packets */
	uint64_t created_ms, created_wall_ms;
	uint32_t pid, n_extra; /* slots behind this one that hold its window, and then further reqids */
	uint32_t src_scope, dst_scope; /* of link-local IPv6 addresses */
	uint16_t encap_sport, encap_dport, encap_frag;
	uint8_t oa_family, zero;
	uint8_t nat_oa[16];
	uint16_t encap_keepalive, n_more; /* so many reqids are in slots of their own, behind their sum */
	uint32_t partner; /* how many serials ago the inbound SA was made that it belongs to; 0: none */
	uint8_t enc_key[ALG_KEY_MAX], auth_key[ALG_KEY_MAX];
};

/* Changes while the SA lives. seq_not is written after seq and holds its complement: a pair that does not fit
 * was interrupted or damaged, and the higher reading counts. */
struct sad_slot_run {
	_Atomic uint64_t seq, seq_not;
	_Atomic uint64_t bytes, packets;
	_Atomic uint64_t last_used_ms; /* CLOCK_BOOTTIME; 0: never */
	_Atomic uint32_t state;        /* enum sa_state; control's, read by the worker */
	_Atomic uint32_t told;         /* enum sad_told: control's */
	_Atomic uint32_t far_port; /* control's: in UDP, where a translator has moved the far end; 0: not */
	uint32_t zero;
};

enum sad_told { SAD_TOLD_SOFT = 1, SAD_TOLD_HARD = 2 };

struct sad_slot {
	_Atomic uint64_t
	    commit; /* sad_slot_seal() of what it covers; 0: nothing here. Written last, cleared first */
	struct sad_slot_desc d;
	struct sad_slot_run run;
	_Alignas(8) uint8_t window[SAD_WINDOW_INLINE]; /* struct replay */
};

/* A slot of fingerprints. `n` counts up after the bytes of an entry are there. */
struct sad_prints {
	_Atomic uint64_t commit;
	uint32_t kind, version;
	uint32_t index;
	_Atomic uint32_t n;
	uint8_t pad[SAD_SLOT_SIZE - 24 - SAD_PRINTS * SAD_PRINT_LEN];
	uint8_t print[SAD_PRINTS][SAD_PRINT_LEN];
};

static_assert(sizeof(struct sad_slot) == SAD_SLOT_SIZE, "slots tile the segment");
static_assert(sizeof(struct sad_prints) == SAD_SLOT_SIZE, "slots tile the segment");
static_assert(sizeof(struct sad_slot_desc) == 320, "fixed layout: a change needs a new SAD_SLOT_VERSION");
static_assert(sizeof(struct sad_slot_run) == 56, "fixed layout: a change needs a new SAD_SLOT_VERSION");

/* What a slot says beside the description. */
struct sad_slot_facts {
	uint64_t serial, created_ms, created_wall_ms;
	uint64_t partner; /* outbound: serial of the inbound SA that was made with it; 0: none */
	uint32_t pid;
	bool manual;
};

/* Slots beyond the first that an SA with this window (setkey's -r) and so many further reqids needs. */
uint32_t sad_slot_extra(uint32_t replay_bytes, uint16_t n_more);
/* The window of a slot that was written or read. */
struct replay *sad_slot_window(struct sad_slot *s);

/* Fills a free slot but for the commit word. `d` has passed sa_desc_check() and has its keys. */
void sad_slot_write(
    struct sad_slot *s, uint32_t index, const struct sa_desc *d, const struct sad_slot_facts *f);
/* From here on the slot counts, also for a successor of this process. */
void sad_slot_commit(struct sad_slot *s);
/* Forgets and wipes `n` slots from s on. */
void sad_slot_clear(struct sad_slot *s, uint32_t n);

enum sad_slot_verdict { SAD_SLOT_OK = 0, SAD_SLOT_EMPTY, SAD_SLOT_BAD };

/*
 * Judges the slot found at `index`, with `n_left` slots from it to the end of its segment, at time now_ms.
 * OK: *ret_desc borrows its keys from the slot; the sequence number has been made consistent. BAD: *ret_why
 * says what does not hold; outputs untouched.
 */
enum sad_slot_verdict sad_slot_read(struct sad_slot *s, uint32_t index, uint32_t n_left, uint64_t now_ms,
    struct sa_desc *ret_desc, struct sad_slot_facts *ret_facts, const char **ret_why);

/* The same for a slot of fingerprints; OK: s->n is in range. */
enum sad_slot_verdict sad_prints_read(struct sad_prints *s, uint32_t index);
void sad_prints_write(struct sad_prints *s, uint32_t index);

#endif
