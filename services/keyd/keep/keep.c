/*
 * A new version is written beside the old one, which goes when the new one counts; a successor that finds
 * both takes the later. Which slots are free is written nowhere but in the slots themselves. Message ids have
 * slots of their own that name their owner: they are only ever added, so that nothing is written anew for one
 * of them. How long something is shows when it is written, so the first slots of the first segment are for
 * that.
 */
#include "keyd/keep/keep.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH = 1, BEHIND_SCRATCH = SCRATCH + KEEP_RUN_MAX };

static const uint8_t magic[8] = "POSTSAS1";

struct header {
	uint8_t magic[8];
	uint32_t version, slot_size, n_slots, segment;
	uint64_t salt; /* random */
	uint8_t pad[SLOT_SIZE - 32];
};
static_assert(sizeof(struct header) == SLOT_SIZE, "the header is a slot");

struct segment {
	struct secret_region region;
	uint64_t salt;
	bool stored;
	struct slot_map map;
};

struct keep {
	struct keep_env env;
	struct segment *seg[KEEP_SEGMENTS_MAX];
	uint64_t last_key;
	bool told_full; /* once, until something could be kept again */
};

static struct keep_slot *slot_of(const struct keep *k, uint32_t at)
{
	return (struct keep_slot *)(void *)(k->seg[at / SLOTS_IN_SEGMENT]->region.p +
	                                    (size_t)(at % SLOTS_IN_SEGMENT) * SLOT_SIZE);
}

static struct header *header_of(const struct secret_region *r)
{
	return (struct header *)(void *)r->p;
}

static uint64_t salt_of(const struct keep *k, uint32_t at)
{
	return k->seg[at / SLOTS_IN_SEGMENT]->salt;
}

static void say(const struct keep *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct keep *k, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	if (!k->env.log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	k->env.log(k->env.arg, text);
}

struct keep *keep_new(const struct keep_env *env)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (k)
		k->env = *env;
	return k;
}

static void segment_free(struct segment *g)
{
	if (g)
		secret_region_fini(&g->region);
	free(g);
}

struct keep *keep_free(struct keep *k)
{
	if (!k)
		return NULL;
	for (uint32_t i = 0; i < KEEP_SEGMENTS_MAX; i++)
		segment_free(k->seg[i]);
	free(k);
	return NULL;
}

/* --- segments --- */

static void name_of(uint32_t i, char buf[KEEP_NAME_MAX])
{
	snprintf(buf, KEEP_NAME_MAX, "sas-%u", i);
}

/* KEEP_SEGMENTS_MAX: it is none of ours. */
static uint32_t segment_of_name(const char *name)
{
	char want[KEEP_NAME_MAX];

	for (uint32_t i = 0; i < KEEP_SEGMENTS_MAX; i++) {
		name_of(i, want);
		if (strcmp(want, name) == 0)
			return i;
	}
	return KEEP_SEGMENTS_MAX;
}

static const char *header_fault(const struct header *h, uint32_t i)
{
	if (memcmp(h->magic, magic, sizeof(magic)) != 0)
		return "it does not begin like ours";
	if (h->version != KEEP_VERSION || h->slot_size != SLOT_SIZE || h->n_slots != SLOTS_IN_SEGMENT)
		return "its layout is not this version's";
	return h->segment == i ? NULL : "it was stored under another name";
}

/* Its first slot for what is kept. */
static uint32_t first_of(uint32_t i)
{
	return i ? 1 : BEHIND_SCRATCH;
}

static int add_segment(struct keep *k, uint32_t i, struct secret_region *region)
{
	struct segment *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->region = *region;
	g->salt = header_of(region)->salt;
	*region = (struct secret_region)SECRET_REGION_INIT;
	slot_map_set(&g->map, 0, first_of(i), true);
	k->seg[i] = g;
	return 0;
}

static int refuse(struct keep *k, const char *name, uint32_t i, const char *why)
{
	say(k, "stored memory %s is not used: %s; the SAs in it are forgotten", name, why);
	/* A good segment of that name stays stored. */
	if (k->env.forget && (i == KEEP_SEGMENTS_MAX || !k->seg[i]))
		k->env.forget(k->env.arg, name);
	return -EINVAL;
}

int keep_adopt(struct keep *k, const char *name, int fd)
{
	AUTO_CLOSE int owned = fd;
	AUTO_SECRET_REGION struct secret_region region = SECRET_REGION_INIT;
	uint32_t i = segment_of_name(name);
	struct err_text e = {{0}};
	const char *why;
	int r;

	if (i == KEEP_SEGMENTS_MAX || k->seg[i])
		return refuse(k, name, i, "no segment has that name");
	if (secret_region_adopt(owned, SLOTS_BYTES, &region, &e) < 0)
		return refuse(k, name, i, e.s);
	(void)take_fd(&owned);
	why = header_fault(header_of(&region), i);
	if (why)
		return refuse(k, name, i, why);
	r = add_segment(k, i, &region);
	if (r == 0)
		k->seg[i]->stored = true;
	return r;
}

static void write_header(struct keep *k, const struct secret_region *r, uint32_t i)
{
	struct header *h = header_of(r);

	h->version = KEEP_VERSION;
	h->slot_size = SLOT_SIZE;
	h->n_slots = SLOTS_IN_SEGMENT;
	h->segment = i;
	k->env.rng->fill(k->env.rng, &h->salt, sizeof(h->salt));
	memcpy(h->magic, magic, sizeof(magic));
}

static int grow(struct keep *k, struct err_text *e)
{
	AUTO_SECRET_REGION struct secret_region region = SECRET_REGION_INIT;
	char name[KEEP_NAME_MAX];
	uint32_t i = 0;
	int r;

	while (i < KEEP_SEGMENTS_MAX && k->seg[i])
		i++;
	if (i == KEEP_SEGMENTS_MAX)
		return err_set(e, -ENOSPC, "%d segments are full", KEEP_SEGMENTS_MAX);
	name_of(i, name);
	r = (k->env.create ? k->env.create : secret_region_create)(name, SLOTS_BYTES, &region, e);
	if (r < 0)
		return r;
	write_header(k, &region, i);
	r = add_segment(k, i, &region);
	if (r < 0)
		return err_set(e, r, "out of memory");
	k->seg[i]->stored = k->env.store && k->env.store(k->env.arg, name, k->seg[i]->region.fd) >= 0;
	return 0;
}

/* 0: there is none. */
static uint32_t take_run(struct keep *k, uint32_t n)
{
	for (uint32_t i = 0; i < KEEP_SEGMENTS_MAX; i++) {
		uint32_t at = k->seg[i] ? slot_map_take(&k->seg[i]->map, n) : 0;

		if (at)
			return i * SLOTS_IN_SEGMENT + at;
	}
	return 0;
}

static uint32_t alloc(struct keep *k, uint32_t n, struct err_text *e)
{
	uint32_t at = take_run(k, n);

	if (!at && grow(k, e) == 0)
		at = take_run(k, n);
	return at;
}

static void mark(struct keep *k, uint32_t at, uint32_t n, bool used)
{
	slot_map_set(&k->seg[at / SLOTS_IN_SEGMENT]->map, at % SLOTS_IN_SEGMENT, n, used);
}

static void release(struct keep *k, uint32_t at, uint32_t n)
{
	keep_slot_clear(slot_of(k, at), n);
	mark(k, at, n, false);
}

/* --- while this process lives --- */

static void give_up(struct keep *k, struct keep_place *p, const char *why)
{
	if (!k->told_full)
		say(k, "an SA would not outlive this process: %s", why);
	k->told_full = true;
	keep_drop(k, p);
	p->refused = true;
}

/* Writes it where nothing counts. Octets; 0: there is no memory, or it does not fit. */
static size_t draft(
    struct keep *k, void (*write)(struct wr *w, const void *what), const void *what, struct err_text *e)
{
	struct wr w;

	if (!k->seg[0] && grow(k, e) < 0)
		return 0;
	w = wr_init(slot_of(k, SCRATCH), KEEP_OCTETS_MAX);
	write(&w, what);
	if (wr_ok(&w))
		return wr_len(&w);
	(void)err_set(e, -EMSGSIZE, "it has more than %d octets", KEEP_OCTETS_MAX);
	return 0;
}

static void run_init(struct keep_run *to, const struct keep_slot *old, const struct keep_place *p)
{
	atomic_store(&to->heard_ms, old ? atomic_load(&old->run.heard_ms) : 0);
	atomic_store(&to->dpd_seq, old ? atomic_load(&old->run.dpd_seq) : 0);
	atomic_store(&to->n_seen, p->n_seen);
}

/* Puts the draft where there is room for it. 0: there is none. */
static uint32_t place(struct keep *k, size_t len, uint32_t *ret_n, struct err_text *e)
{
	uint32_t n = (uint32_t)((len + KEEP_HEAD + SLOT_SIZE - 1) / SLOT_SIZE), at = len ? alloc(k, n, e) : 0;

	if (at)
		memcpy(slot_of(k, at)->octets, slot_of(k, SCRATCH), len);
	if (k->seg[0])
		wipe(slot_of(k, SCRATCH), KEEP_OCTETS_MAX);
	*ret_n = n;
	return at;
}

void keep_put(struct keep *k, struct keep_place *p, enum keep_kind kind,
    void (*write)(struct wr *w, const void *what), const void *what)
{
	uint32_t at, n, old = p->at, n_old = p->n_slots;
	struct err_text e = {{0}};
	struct keep_slot *s;
	size_t len;

	if (!k || p->refused)
		return;
	len = draft(k, write, what, &e);
	at = place(k, len, &n, &e);
	if (!at) {
		give_up(k, p, e.s);
		return;
	}
	s = slot_of(k, at);
	if (!p->key)
		p->key = ++k->last_key;
	s->h = (struct keep_head){.kind = kind,
	    .version = KEEP_VERSION,
	    .index = at,
	    .n_slots = n,
	    .key = p->key,
	    .turn = ++p->turn,
	    .len = (uint32_t)len};
	run_init(&s->run, old ? slot_of(k, old) : NULL, p);
	keep_slot_commit(s, salt_of(k, at));
	p->at = at;
	p->n_slots = n;
	if (old)
		release(k, old, n_old);
	k->told_full = false;
}

void keep_drop(struct keep *k, struct keep_place *p)
{
	if (k && p->at)
		release(k, p->at, p->n_slots);
	for (uint32_t i = 0; k && i < p->n_seen; i++)
		release(k, p->seen[i], 1);
	free(p->seen);
	*p = (struct keep_place){.refused = p->refused};
}

/* One more slot for message ids. The owner's count comes last: too many are no loss. */
static struct keep_slot *more_seen(struct keep *k, struct keep_place *p, struct err_text *e)
{
	uint32_t *list = realloc(p->seen, (p->n_seen + 1) * sizeof(*list)), at;
	struct keep_slot *s;

	if (!list) {
		(void)err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	p->seen = list;
	at = alloc(k, 1, e);
	if (!at)
		return NULL;
	if (!p->key)
		p->key = ++k->last_key;
	s = slot_of(k, at);
	s->h = (struct keep_head){
	    .kind = KEEP_SEEN, .version = KEEP_VERSION, .index = at, .n_slots = 1, .key = p->key};
	keep_slot_commit(s, salt_of(k, at));
	p->seen[p->n_seen++] = at;
	if (p->at)
		atomic_store(&slot_of(k, p->at)->run.n_seen, p->n_seen);
	return s;
}

void keep_saw(struct keep *k, struct keep_place *p, uint32_t id)
{
	struct keep_slot *s;
	struct err_text e = {{0}};
	struct keep_seen *ids;
	uint32_t n;

	if (!k || p->refused)
		return;
	s = p->n_seen ? slot_of(k, p->seen[p->n_seen - 1]) : NULL;
	if (!s || atomic_load(&keep_seen_of(s)->n) >= KEEP_IDS)
		s = more_seen(k, p, &e);
	if (!s) {
		give_up(k, p, e.s);
		return;
	}
	ids = keep_seen_of(s);
	n = atomic_load(&ids->n);
	ids->id[n] = id;
	atomic_store(&ids->n, n + 1);
}

void keep_heard(struct keep *k, const struct keep_place *p, uint64_t ms)
{
	if (k && p->at)
		atomic_store(&slot_of(k, p->at)->run.heard_ms, ms);
}

void keep_asked(struct keep *k, const struct keep_place *p, uint32_t dpd_seq)
{
	if (k && p->at)
		atomic_store(&slot_of(k, p->at)->run.dpd_seq, dpd_seq);
}

uint32_t keep_n_slots(const struct keep *k)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < KEEP_SEGMENTS_MAX; i++)
		n += k->seg[i] ? k->seg[i]->map.n_used - first_of(i) : 0;
	return n;
}

uint32_t keep_n_segments(const struct keep *k)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < KEEP_SEGMENTS_MAX; i++)
		n += k->seg[i] != NULL;
	return n;
}

bool keep_is_stored(const struct keep *k)
{
	for (uint32_t i = 0; i < KEEP_SEGMENTS_MAX; i++)
		if (k->seg[i] && !k->seg[i]->stored)
			return false;
	return true;
}

/* --- after a restart --- */

struct scan {
	struct keep *k;
	struct keep_head *head; /* all that may be believed */
	uint32_t n, room;
	struct keep_counts counts;
};

static void bad(struct scan *s, uint32_t at, const char *why)
{
	s->counts.bad++;
	say(s->k, "slot %u of what was kept is dropped: %s", at, why);
}

static bool add(struct scan *s, const struct keep_head *h)
{
	if (s->n == s->room) {
		uint32_t room = s->room ? 2 * s->room : 64;
		struct keep_head *bigger = realloc(s->head, room * sizeof(*bigger));

		if (!bigger)
			return false;
		s->head = bigger;
		s->room = room;
	}
	s->head[s->n++] = *h;
	return true;
}

/* How many slots belong to what stands at `at`. */
static uint32_t look(struct scan *s, uint32_t at)
{
	const char *why = NULL;
	struct keep_head h;
	enum keep_verdict v = keep_slot_read(
	    slot_of(s->k, at), salt_of(s->k, at), at, SLOTS_IN_SEGMENT - at % SLOTS_IN_SEGMENT, &h, &why);

	if (v == KEEP_OK && !add(s, &h))
		why = "out of memory";
	if (v == KEEP_OK && !why) {
		mark(s->k, at, h.n_slots, true);
		if (h.key > s->k->last_key)
			s->k->last_key = h.key;
		return h.n_slots;
	}
	if (v != KEEP_EMPTY)
		bad(s, at, why);
	keep_slot_clear(slot_of(s->k, at), 1);
	return 1;
}

/* Who belongs together, the latest first, message ids last. */
static int compare(const void *x, const void *y)
{
	const struct keep_head *a = x, *b = y;
	bool sa = a->kind == KEEP_SEEN, sb = b->kind == KEEP_SEEN;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (sa != sb)
		return sa ? 1 : -1;
	if (a->turn != b->turn)
		return a->turn > b->turn ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int take_seen(const struct keep_head *h, uint32_t n, struct keep_place *ret)
{
	ret->seen = n ? malloc(n * sizeof(*ret->seen)) : NULL;
	if (n && !ret->seen)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		ret->seen[ret->n_seen++] = h[i].index;
	return 0;
}

static void drop_all(struct scan *s, const struct keep_head *h, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		release(s->k, h[i].index, h[i].n_slots);
}

/* The first `n` heads are of one key. */
static void take_group(struct scan *s, const struct keep_head *h, uint32_t n,
    bool (*fn)(void *arg, struct keep_found *f), void *arg)
{
	struct keep_slot *slot = slot_of(s->k, h->index);
	struct keep_found f = {.kind = h->kind,
	    .octets = slot->octets,
	    .n = h->len,
	    .heard_ms = atomic_load(&slot->run.heard_ms),
	    .dpd_seq = atomic_load(&slot->run.dpd_seq),
	    .place = {.key = h->key, .turn = h->turn, .at = h->index, .n_slots = h->n_slots}};
	uint32_t older = 1;

	/* Ids were down before their owner was, or its end was under way. */
	if (h->kind == KEEP_SEEN) {
		drop_all(s, h, n);
		return;
	}
	while (older < n && h[older].kind != KEEP_SEEN)
		older++;
	drop_all(s, h + 1, older - 1);
	if (n - older < atomic_load(&slot->run.n_seen)) {
		bad(s, h->index, "message ids that its peer has used are missing");
	} else if (take_seen(h + older, n - older, &f.place) < 0) {
		bad(s, h->index, "out of memory");
	} else if (fn(arg, &f)) {
		s->counts.taken++;
		return;
	} else {
		s->counts.bad++;
	}
	free(f.place.seen);
	release(s->k, h->index, h->n_slots);
	drop_all(s, h + older, n - older);
}

struct keep_counts keep_scan(struct keep *k, bool (*fn)(void *arg, struct keep_found *f), void *arg)
{
	struct scan s = {.k = k};

	if (k->seg[0])
		wipe(slot_of(k, SCRATCH), (size_t)KEEP_RUN_MAX * SLOT_SIZE);
	for (uint32_t i = 0; i < KEEP_SEGMENTS_MAX; i++)
		for (uint32_t at = first_of(i); k->seg[i] && at < SLOTS_IN_SEGMENT;)
			at += look(&s, i * SLOTS_IN_SEGMENT + at);
	if (s.n)
		qsort(s.head, s.n, sizeof(*s.head), compare);
	for (uint32_t i = 0, n; i < s.n; i += n) {
		for (n = 1; i + n < s.n && s.head[i + n].key == s.head[i].key;)
			n++;
		take_group(&s, s.head + i, n, fn, arg);
	}
	free(s.head);
	return s.counts;
}

void keep_each_seen(
    const struct keep *k, const struct keep_place *p, void (*fn)(void *arg, uint32_t id), void *arg)
{
	for (uint32_t i = 0; i < p->n_seen; i++) {
		const struct keep_seen *ids = keep_seen_of(slot_of(k, p->seen[i]));
		uint32_t n = atomic_load(&ids->n);

		for (uint32_t j = 0; j < n && j < KEEP_IDS; j++)
			fn(arg, ids->id[j]);
	}
}
