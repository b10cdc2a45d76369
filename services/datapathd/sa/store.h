/*
 * SAD memory: segments of secret memory that wait in the launcher's store while no process of ours runs. Only
 * the control thread gives out and takes back slots.
 */
#ifndef POSTERN_DATAPATHD_SA_STORE_H
#define POSTERN_DATAPATHD_SA_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "datapathd/sa/slot.h"
#include "secret/region.h"

enum {
	SAD_SEGMENT_SLOTS = SLOTS_IN_SEGMENT,
	SAD_SEGMENT_BYTES = SLOTS_BYTES,
	SAD_SEGMENTS_MAX = 64,
	SAD_NAME_MAX = 16, /* "sad-63" */
	SAD_FAMILY_LEN = 32,
};

struct sad_store;

struct sad_store_env {
	const struct clock *clock;
	struct rng *rng;
	/* Puts a copy of a new segment into the launcher's store. Negative: nobody keeps it. May be NULL. */
	int (*keep)(void *arg, const char *name, int fd);
	/* Takes what is stored under a name out of the launcher's store: keys that nobody will ever use again
	 * are not kept for nothing. May be NULL. */
	void (*forget)(void *arg, const char *name);
	/* Writes a fingerprint down where it outlives the launcher, before its key is used. Negative: the key
	 * is refused. May be NULL. */
	int (*write_down)(void *arg, const uint8_t print[SAD_PRINT_LEN]);
	/* One line about memory that was refused or is kept less safely. May be NULL. */
	void (*log)(void *arg, const char *what);
	void *arg;
};

/* 0, or -ENOMEM. `env` is copied. */
int must_check sad_store_new(const struct sad_store_env *env, struct sad_store **ret);
/* Unmaps; what is in memory stays there for a successor. NULL is fine; returns NULL. */
struct sad_store *sad_store_free(struct sad_store *s);

/* Takes over a descriptor (owned from here on, also on failure) that came back under `name`. 0; -EINVAL when
 * it is not a segment of ours: it is then logged, and the launcher forgets it. */
int sad_store_adopt(struct sad_store *s, const char *name, int fd);

struct sad_store_found {
	uint32_t sas, bad;
};
/* After the last adopt and before the first alloc: calls fn for every slot that may be believed; fn refuses
 * one with a negative value, which clears it, and says 1 when it released another one for it. Bad slots are
 * cleared and counted. */
struct sad_store_found sad_store_scan(struct sad_store *s,
    int (*fn)(void *arg, struct sad_slot *slot, const struct sa_desc *d, const struct sad_slot_facts *f),
    void *arg);

/* For a store without memory, before begin: the key fingerprints are made with, from an earlier one's file. A
 * store that has one keeps it. */
void sad_store_offer_family(struct sad_store *s, const uint8_t family[SAD_FAMILY_LEN]);
/* Makes sure of segment 0, which holds the serial and the setting. As grow. */
int must_check sad_store_begin(struct sad_store *s, struct err_text *e);
/* Adds a segment. 0; -ENOSPC beyond the maximum; -errno from the kernel, with `e`. */
int must_check sad_store_grow(struct sad_store *s, struct err_text *e);

/* A free slot with `extra` slots behind it, growing if needed; *ret_index is for sad_slot_write(). 0, or as
 * grow. */
int must_check sad_store_alloc(
    struct sad_store *s, uint32_t extra, struct sad_slot **ret, uint32_t *ret_index, struct err_text *e);
/* Wipes and gives back. */
void sad_store_release(struct sad_store *s, struct sad_slot *slot);

/* The next number; it is marked as used in SAD memory before it is returned. */
uint64_t sad_store_next_serial(struct sad_store *s);

/* The setting key_preferred_oldsa outlives the process too. */
bool sad_store_prefers_old(const struct sad_store *s);
void sad_store_prefer_old(struct sad_store *s, bool old);

/* So do the tunables, as tunables_pack() gives them. */
uint32_t sad_store_tunables(const struct sad_store *s);
void sad_store_set_tunables(struct sad_store *s, uint32_t word);

/* Fingerprints of counter-mode keys ever loaded, made with this key (SAD_FAMILY_LEN octets, there once a
 * segment is). */
const uint8_t *sad_store_print_key(const struct sad_store *s);
bool sad_store_knows_print(const struct sad_store *s, const uint8_t print[SAD_PRINT_LEN]);
/* In memory only: for what is written down already. 0, or -ENOSPC, -errno. */
int must_check sad_store_remember_print(
    struct sad_store *s, const uint8_t print[SAD_PRINT_LEN], struct err_text *e);
/* Written down and remembered. 0, or -ENOSPC, -errno: then the key must not be used. */
int must_check sad_store_use_print(
    struct sad_store *s, const uint8_t print[SAD_PRINT_LEN], struct err_text *e);
/* Until fn returns other than 0, which is then the result. */
int sad_store_each_print(
    const struct sad_store *s, int (*fn)(void *arg, const uint8_t print[SAD_PRINT_LEN]), void *arg);

uint32_t sad_store_segments(const struct sad_store *s);
/* Whether each segment waits in a launcher's store. */
bool sad_store_is_kept(const struct sad_store *s);
/* "memfd_secret", or what stands in for it. */
const char *sad_store_kind(const struct sad_store *s);

#endif
