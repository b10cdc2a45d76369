/*
 * Slot 0 of each segment is its header, so that a segment is one descriptor and needs no second file. Which
 * slots are free is not written anywhere but in the slots themselves (commit word 0): a process killed
 * between two steps leaves at worst an unpublished slot, which its successor wipes.
 */
#include "datapathd/sa/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapathd/tunables.h"

static const uint8_t magic[8] = "POSTSAD1";

struct sad_header {
	uint8_t magic[8];
	uint32_t version, slot_size, n_slots, segment;
	uint8_t family[SAD_FAMILY_LEN];      /* random, the same in every segment of one SAD */
	_Atomic uint64_t serial, serial_not; /* last one given out and its complement; segment 0 only */
	_Atomic uint32_t prefer_old;
	_Atomic uint32_t tunables; /* segment 0 only */
	uint8_t pad[SAD_SLOT_SIZE - 24 - SAD_FAMILY_LEN - 24];
};
static_assert(sizeof(struct sad_header) == SAD_SLOT_SIZE, "the header is a slot");

struct segment {
	struct secret_region region;
	bool kept;
	struct slot_map map;
	struct sad_prints *prints[SAD_SEGMENT_SLOTS / 64]; /* slots of fingerprints in this segment */
	uint32_t n_prints;
};

struct sad_store {
	struct sad_store_env env;
	struct segment *seg[SAD_SEGMENTS_MAX];
	uint8_t family[SAD_FAMILY_LEN]; /* all zero until there is a segment */
	uint64_t last_serial;
	bool forgotten[SAD_SEGMENTS_MAX]; /* the launcher has nothing under this name any more */
};

static bool has_family(const uint8_t f[SAD_FAMILY_LEN])
{
	static const uint8_t zero[SAD_FAMILY_LEN];

	return memcmp(f, zero, sizeof(zero)) != 0;
}

static struct sad_header *header_of(const struct segment *g)
{
	return (struct sad_header *)(void *)g->region.p;
}

static struct sad_slot *slot_at(const struct segment *g, uint32_t i)
{
	return (struct sad_slot *)(void *)(g->region.p + (size_t)i * SAD_SLOT_SIZE);
}

static void say(const struct sad_store *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct sad_store *s, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	if (!s->env.log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->env.log(s->env.arg, text);
}

int sad_store_new(const struct sad_store_env *env, struct sad_store **ret)
{
	struct sad_store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->env = *env;
	*ret = s;
	return 0;
}

static void segment_free(struct segment *g)
{
	if (g)
		secret_region_fini(&g->region);
	free(g);
}

struct sad_store *sad_store_free(struct sad_store *s)
{
	if (!s)
		return NULL;
	for (uint32_t i = 0; i < SAD_SEGMENTS_MAX; i++)
		segment_free(s->seg[i]);
	wipe(s->family, sizeof(s->family));
	free(s);
	return NULL;
}

/* "sad-K" with K below the maximum, written as we write it; SAD_SEGMENTS_MAX for anything else. */
static uint32_t segment_of_name(const char *name)
{
	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++) {
		char want[SAD_NAME_MAX];

		snprintf(want, sizeof(want), "sad-%u", k);
		if (strcmp(want, name) == 0)
			return k;
	}
	return SAD_SEGMENTS_MAX;
}

static const char *header_fault(const struct sad_store *s, const struct sad_header *h, uint32_t k)
{
	if (memcmp(h->magic, magic, sizeof(magic)) != 0)
		return "it does not begin like SAD memory";
	if (h->version != SAD_SLOT_VERSION || h->slot_size != SAD_SLOT_SIZE ||
	    h->n_slots != SAD_SEGMENT_SLOTS)
		return "its layout is not this version's";
	if (h->segment != k)
		return "it was stored under another name";
	if (has_family(s->family) && memcmp(h->family, s->family, SAD_FAMILY_LEN) != 0)
		return "it belongs to another SAD";
	if (!has_family(h->family) || atomic_load(&h->prefer_old) > 1)
		return "its header is damaged";
	return NULL;
}

/* Whichever of the two readings is higher and still believable: a serial may be skipped, never repeated. */
static uint64_t header_serial(const struct sad_header *h)
{
	uint64_t a = atomic_load(&h->serial), b = ~atomic_load(&h->serial_not);
	uint64_t high = a > b ? a : b, low = a > b ? b : a;

	return high < UINT64_MAX / 2 ? high : low < UINT64_MAX / 2 ? low : 0;
}

/* The name may be one that a good segment has too: that one stays, or is kept again. */
static void forget(struct sad_store *s, const char *name, uint32_t k)
{
	if (!s->env.forget || (k < SAD_SEGMENTS_MAX && s->seg[k]))
		return;
	s->env.forget(s->env.arg, name);
	if (k < SAD_SEGMENTS_MAX)
		s->forgotten[k] = true;
}

int sad_store_adopt(struct sad_store *s, const char *name, int fd)
{
	AUTO_CLOSE int owned = fd;
	AUTO_SECRET_REGION struct secret_region region = SECRET_REGION_INIT;
	struct err_text e = {0};
	uint32_t k = segment_of_name(name);
	const char *why = NULL;
	struct segment *g;

	if (k == SAD_SEGMENTS_MAX || s->seg[k])
		why = "no segment has that name";
	else if (secret_region_adopt(owned, SAD_SEGMENT_BYTES, &region, &e) < 0)
		why = e.s[0] ? e.s : "it is not secret memory";
	else
		(void)take_fd(&owned);
	if (!why)
		why = header_fault(s, (const struct sad_header *)(const void *)region.p, k);
	g = why ? NULL : calloc(1, sizeof(*g));
	if (!g) {
		say(s, "stored memory %s is not used: %s; its SAs are lost and must be loaded again", name,
		    why ? why : "out of memory");
		if (why)
			forget(s, name, k);
		return why ? -EINVAL : -ENOMEM;
	}
	g->region = region;
	region = (struct secret_region)SECRET_REGION_INIT;
	g->kept = !s->forgotten[k] || (s->env.keep && s->env.keep(s->env.arg, name, g->region.fd) >= 0);
	slot_map_set(&g->map, 0, 1, true);
	s->seg[k] = g;
	memcpy(s->family, header_of(g)->family, SAD_FAMILY_LEN);
	if (header_serial(header_of(g)) > s->last_serial)
		s->last_serial = header_serial(header_of(g));
	return 0;
}

static bool scan_prints(struct segment *g, uint32_t i, uint32_t index)
{
	struct sad_prints *p = (struct sad_prints *)(void *)slot_at(g, i);

	if (g->n_prints == ARRAY_SIZE(g->prints) || sad_prints_read(p, index) != SAD_SLOT_OK)
		return false;
	g->prints[g->n_prints++] = p;
	return true;
}

/* How many slots belong to what stands at i. */
static uint32_t scan_slot(struct sad_store *s, struct segment *g, uint32_t k, uint32_t i,
    int (*fn)(void *, struct sad_slot *, const struct sa_desc *, const struct sad_slot_facts *), void *arg,
    struct sad_store_found *found)
{
	struct sad_slot *slot = slot_at(g, i);
	uint32_t index = k * SAD_SEGMENT_SLOTS + i, n = 1;
	const char *why = "";
	struct sad_slot_facts f;
	struct sa_desc d;
	enum sad_slot_verdict v;
	int r;

	if (scan_prints(g, i, index)) {
		slot_map_set(&g->map, i, 1, true);
		return 1;
	}
	v = sad_slot_read(slot, index, SAD_SEGMENT_SLOTS - i, clock_now_ms(s->env.clock), &d, &f, &why);
	if (v == SAD_SLOT_OK) {
		n = 1 + sad_slot_extra(d.replay_bytes, d.n_more);
		slot_map_set(&g->map, i, n, true);
		if (f.serial > s->last_serial)
			s->last_serial = f.serial;
		r = fn(arg, slot, &d, &f);
		if (r >= 0) {
			found->sas += r == 0;
			return n;
		}
		slot_map_set(&g->map, i, n, false);
		why = "it could not be taken over";
	}
	if (v != SAD_SLOT_EMPTY) {
		found->bad++;
		say(s, "slot %u of SAD memory is dropped: %s; load that SA again", index, why);
	}
	sad_slot_clear(slot, n);
	return n;
}

struct sad_store_found sad_store_scan(struct sad_store *s,
    int (*fn)(void *arg, struct sad_slot *slot, const struct sa_desc *d, const struct sad_slot_facts *f),
    void *arg)
{
	struct sad_store_found found = {0};

	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++)
		for (uint32_t i = 1; s->seg[k] && i < SAD_SEGMENT_SLOTS;)
			i += scan_slot(s, s->seg[k], k, i, fn, arg, &found);
	return found;
}

static void write_header(struct sad_store *s, struct segment *g, uint32_t k)
{
	struct sad_header *h = header_of(g);

	while (!has_family(s->family))
		s->env.rng->fill(s->env.rng, s->family, sizeof(s->family));
	h->version = SAD_SLOT_VERSION;
	h->slot_size = SAD_SLOT_SIZE;
	h->n_slots = SAD_SEGMENT_SLOTS;
	h->segment = k;
	memcpy(h->family, s->family, SAD_FAMILY_LEN);
	atomic_store(&h->serial, s->last_serial);
	atomic_store(&h->serial_not, ~s->last_serial);
	atomic_store(&h->tunables, tunables_pack(tunables_default));
	memcpy(h->magic, magic, sizeof(magic));
}

int sad_store_grow(struct sad_store *s, struct err_text *e)
{
	AUTO_SECRET_REGION struct secret_region region = SECRET_REGION_INIT;
	char name[SAD_NAME_MAX];
	struct segment *g;
	uint32_t k = 0;
	int r;

	while (k < SAD_SEGMENTS_MAX && s->seg[k])
		k++;
	if (k == SAD_SEGMENTS_MAX)
		return err_set(e, -ENOSPC,
		    "the SAD is full (%d segments of %d slots): delete SAs that are not needed",
		    SAD_SEGMENTS_MAX, SAD_SEGMENT_SLOTS);
	snprintf(name, sizeof(name), "sad-%u", k);
	r = secret_region_create(name, SAD_SEGMENT_BYTES, &region, e);
	if (r < 0)
		return r;
	g = calloc(1, sizeof(*g));
	if (!g)
		return err_set(e, -ENOMEM, "out of memory");
	g->region = region;
	region = (struct secret_region)SECRET_REGION_INIT;
	slot_map_set(&g->map, 0, 1, true);
	write_header(s, g, k);
	g->kept = s->env.keep && s->env.keep(s->env.arg, name, g->region.fd) >= 0;
	s->seg[k] = g;
	return 0;
}

int sad_store_begin(struct sad_store *s, struct err_text *e)
{
	return s->seg[0] ? 0 : sad_store_grow(s, e);
}

/* A run of n free slots of segment k. */
static int take_run(struct sad_store *s, uint32_t k, uint32_t n, struct sad_slot **ret, uint32_t *ret_index)
{
	struct segment *g = s->seg[k];
	uint32_t at = g ? slot_map_take(&g->map, n) : 0;

	if (!at)
		return -ENOSPC;
	*ret = slot_at(g, at);
	*ret_index = k * SAD_SEGMENT_SLOTS + at;
	return 0;
}

int sad_store_alloc(
    struct sad_store *s, uint32_t extra, struct sad_slot **ret, uint32_t *ret_index, struct err_text *e)
{
	int r;

	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++)
		if (take_run(s, k, 1 + extra, ret, ret_index) == 0)
			return 0;
	r = sad_store_grow(s, e);
	if (r < 0)
		return r;
	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++)
		if (take_run(s, k, 1 + extra, ret, ret_index) == 0)
			return 0;
	return err_set(e, -ENOSPC, "the SAD has no room for a replay window of this size");
}

void sad_store_release(struct sad_store *s, struct sad_slot *slot)
{
	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++) {
		struct segment *g = s->seg[k];
		uint32_t at, n;

		if (!g || (uint8_t *)slot < g->region.p || (uint8_t *)slot >= g->region.p + g->region.len)
			continue;
		at = (uint32_t)(slot - slot_at(g, 0));
		n = 1 + sad_slot_extra(slot->d.replay_bytes, slot->d.n_more);
		if (n > SAD_SEGMENT_SLOTS - at)
			n = 1;
		sad_slot_clear(slot, n);
		slot_map_set(&g->map, at, n, false);
		return;
	}
}

uint64_t sad_store_next_serial(struct sad_store *s)
{
	s->last_serial++;
	if (s->seg[0]) {
		struct sad_header *h = header_of(s->seg[0]);

		atomic_store(&h->serial, s->last_serial);
		atomic_store(&h->serial_not, ~s->last_serial);
	}
	return s->last_serial;
}

bool sad_store_prefers_old(const struct sad_store *s)
{
	return s->seg[0] && atomic_load(&header_of(s->seg[0])->prefer_old);
}

void sad_store_prefer_old(struct sad_store *s, bool old)
{
	if (s->seg[0])
		atomic_store(&header_of(s->seg[0])->prefer_old, old);
}

uint32_t sad_store_tunables(const struct sad_store *s)
{
	return s->seg[0] ? atomic_load(&header_of(s->seg[0])->tunables) : tunables_pack(tunables_default);
}

void sad_store_set_tunables(struct sad_store *s, uint32_t word)
{
	if (s->seg[0])
		atomic_store(&header_of(s->seg[0])->tunables, word);
}

static bool prints_have(const struct sad_prints *p, const uint8_t print[SAD_PRINT_LEN])
{
	uint32_t n = atomic_load_explicit(&p->n, memory_order_acquire);

	for (uint32_t i = 0; i < n && i < SAD_PRINTS; i++)
		if (memcmp(p->print[i], print, SAD_PRINT_LEN) == 0)
			return true;
	return false;
}

bool sad_store_knows_print(const struct sad_store *s, const uint8_t print[SAD_PRINT_LEN])
{
	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++)
		for (uint32_t i = 0; s->seg[k] && i < s->seg[k]->n_prints; i++)
			if (prints_have(s->seg[k]->prints[i], print))
				return true;
	return false;
}

static int new_prints(struct sad_store *s, struct sad_prints **ret, struct err_text *e)
{
	struct sad_slot *slot;
	uint32_t index;
	int r = sad_store_alloc(s, 0, &slot, &index, e);
	struct segment *g;

	if (r < 0)
		return r;
	g = s->seg[index / SAD_SEGMENT_SLOTS];
	if (g->n_prints == ARRAY_SIZE(g->prints)) {
		sad_store_release(s, slot);
		return err_set(e, -ENOSPC,
		    "no room to remember more counter-mode keys: use a cipher that is not one (aes-cbc with "
		    "-A)");
	}
	*ret = (struct sad_prints *)(void *)slot;
	sad_prints_write(*ret, index);
	g->prints[g->n_prints++] = *ret;
	return 0;
}

int sad_store_remember_print(struct sad_store *s, const uint8_t print[SAD_PRINT_LEN], struct err_text *e)
{
	struct sad_prints *at = NULL;
	uint32_t n;
	int r;

	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX && !at; k++)
		for (uint32_t i = 0; s->seg[k] && i < s->seg[k]->n_prints && !at; i++)
			if (atomic_load(&s->seg[k]->prints[i]->n) < SAD_PRINTS)
				at = s->seg[k]->prints[i];
	if (!at) {
		r = new_prints(s, &at, e);
		if (r < 0)
			return r;
	}
	n = atomic_load(&at->n);
	memcpy(at->print[n], print, SAD_PRINT_LEN);
	atomic_store_explicit(&at->n, n + 1, memory_order_release);
	return 0;
}

int sad_store_use_print(struct sad_store *s, const uint8_t print[SAD_PRINT_LEN], struct err_text *e)
{
	int r = s->env.write_down ? s->env.write_down(s->env.arg, print) : 0;

	if (r < 0)
		return err_set(e, r,
		    "it could not be written down that this counter-mode key is used now (%s), so it is not "
		    "used",
		    err_name(r));
	return sad_store_remember_print(s, print, e);
}

int sad_store_each_print(
    const struct sad_store *s, int (*fn)(void *arg, const uint8_t print[SAD_PRINT_LEN]), void *arg)
{
	int r = 0;

	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++)
		for (uint32_t i = 0; s->seg[k] && i < s->seg[k]->n_prints; i++)
			for (uint32_t j = 0; r == 0 && j < atomic_load(&s->seg[k]->prints[i]->n); j++)
				r = fn(arg, s->seg[k]->prints[i]->print[j]);
	return r;
}

void sad_store_offer_family(struct sad_store *s, const uint8_t family[SAD_FAMILY_LEN])
{
	if (!has_family(s->family))
		memcpy(s->family, family, SAD_FAMILY_LEN);
}

const uint8_t *sad_store_print_key(const struct sad_store *s)
{
	return s->family;
}

uint32_t sad_store_segments(const struct sad_store *s)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++)
		n += s->seg[k] != NULL;
	return n;
}

bool sad_store_is_kept(const struct sad_store *s)
{
	for (uint32_t k = 0; k < SAD_SEGMENTS_MAX; k++)
		if (s->seg[k] && !s->seg[k]->kept)
			return false;
	return true;
}

const char *sad_store_kind(const struct sad_store *s)
{
	return secret_region_kind_name(s->seg[0] ? s->seg[0]->region.kind : SECRET_REGION_NONE);
}
