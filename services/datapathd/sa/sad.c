/*
 * Two indexes because the two directions ask two questions. What is removed leaves them only after a quiet
 * point: a worker that began to walk a chain before the replacement was linked in front must still find the
 * old SA, and never neither. Memory is wiped after a second one.
 */
#include "datapathd/sa/sad.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fetch.h"
#include "crypto/crypto.h"

int sad_init(struct sad *s, struct epoch *epoch, struct sad_store *store, const struct clock *clock)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->epoch = epoch;
	s->store = store;
	s->clock = clock;
	list_init(&s->all);
	list_init(&s->iters);
	larvae_init(&s->larvae);
	r = rhash_init(&s->by_spi, epoch);
	return r < 0 ? r : rhash_init(&s->by_pair, epoch);
}

void sad_fini(struct sad *s)
{
	list_foreach_safe (sa, tmp, &s->all, struct sa, link) {
		(void)sa_rt_free(sa->rt);
		free(sa);
	}
	rhash_fini(&s->by_spi);
	rhash_fini(&s->by_pair);
}

static uint64_t spi_hash(const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	return rhash_bytes((uint64_t)proto << 32 | spi, dst->b, sizeof(dst->b));
}

static uint64_t pair_hash(const struct inet_addr *src, const struct inet_addr *dst, enum ipsec_proto proto)
{
	return rhash_bytes(rhash_bytes(proto, src->b, sizeof(src->b)), dst->b, sizeof(dst->b));
}

struct sa_rt *sad_find_in(struct sad *s, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	struct rhash_node *n;

	rhash_foreach(n, &s->by_spi, spi_hash(dst, proto, spi))
	{
		struct sa_rt *rt = container_of(n, struct sa_rt, by_spi);

		if (rt->spi == spi && rt->proto == proto && inet_addr_equal(&rt->dst, dst))
			return rt;
	}
	return NULL;
}

uint64_t sad_hash_in(const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	return spi_hash(dst, proto, spi);
}

uint64_t sad_hash_out(const struct inet_addr *src, const struct inet_addr *dst, enum ipsec_proto proto)
{
	return pair_hash(src, dst, proto);
}

/* Each pass needs what the one before it has asked for. The first entry of a chain is nearly always the one.
 */
static void fetch_all(const struct rhash *h, const uint64_t *hash, size_t n, size_t node_at, bool in)
{
	const struct sa_rt *rt[SAD_FETCH_MAX];
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		fetch(rhash_bucket(h, hash[i]), 1);
	for (size_t i = 0; i < n; i++) {
		const struct rhash_node *node = rhash_find(h, hash[i]).node;

		if (!node)
			continue;
		rt[found] = (const void *)((const char *)node - node_at);
		fetch(rt[found++], sizeof(*rt[0]));
	}
	for (size_t i = 0; i < found; i++) {
		fetch(rt[i]->run, sizeof(*rt[i]->run));
		if (in)
			fetch(rt[i]->window, FETCH_LINE);
		crypto_sa_fetch(in ? rt[i]->open : rt[i]->seal, false);
	}
	for (size_t i = 0; i < found; i++)
		crypto_sa_fetch(in ? rt[i]->open : rt[i]->seal, true);
}

void sad_fetch_in(const struct sad *s, const uint64_t *hash, size_t n)
{
	fetch_all(&s->by_spi, hash, n, offsetof(struct sa_rt, by_spi), true);
}

void sad_fetch_out(const struct sad *s, const uint64_t *hash, size_t n)
{
	fetch_all(&s->by_pair, hash, n, offsetof(struct sa_rt, by_pair), false);
}

static bool wanted(const struct sa_rt *rt, const struct sad_want *w)
{
	return rt->proto == w->proto && (rt->mode == w->mode || rt->mode == IPSEC_MODE_ANY) &&
	       (!w->reqid || sa_rt_serves(rt, w->reqid)) &&
	       (!w->dport || (rt->encap.sport == w->sport && rt->encap.dport == w->dport)) &&
	       inet_addr_equal(&rt->src, &w->src) && inet_addr_equal(&rt->dst, &w->dst);
}

/* Newest: mature before dying, then the one added last. Oldest: dying before mature, then the one added
 * first. */
static bool better(const struct sa_rt *a, const struct sa_rt *than, bool prefer_old)
{
	uint32_t sa = atomic_load_explicit(&a->run->state, memory_order_relaxed);
	uint32_t st = atomic_load_explicit(&than->run->state, memory_order_relaxed);

	if (sa != st)
		return (sa == SA_MATURE) != prefer_old;
	return prefer_old ? a->serial < than->serial : a->serial > than->serial;
}

struct sa_rt *sad_find_out(struct sad *s, const struct sad_want *w)
{
	bool prefer_old = atomic_load_explicit(&s->prefer_old, memory_order_relaxed);
	struct rhash_node *n;
	struct sa_rt *best = NULL;

	rhash_foreach(n, &s->by_pair, pair_hash(&w->src, &w->dst, w->proto))
	{
		struct sa_rt *rt = container_of(n, struct sa_rt, by_pair);

		if (wanted(rt, w) && sa_rt_usable(rt, w->now_ms) && (!best || better(rt, best, prefer_old)))
			best = rt;
	}
	return best;
}

struct sa_rt *sad_find_comp(
    struct sad *s, const struct inet_addr *src, const struct inet_addr *dst, uint16_t cpi, uint64_t now_ms)
{
	struct rhash_node *n;

	rhash_foreach(n, &s->by_pair, pair_hash(src, dst, IPSEC_IPCOMP))
	{
		struct sa_rt *rt = container_of(n, struct sa_rt, by_pair);

		if (rt->proto == IPSEC_IPCOMP && rt->cpi == cpi && sa_rt_usable(rt, now_ms) &&
		    inet_addr_equal(&rt->src, src) && inet_addr_equal(&rt->dst, dst))
			return rt;
	}
	return NULL;
}

struct sa *sad_find(const struct sad *s, const struct inet_addr *src, const struct inet_addr *dst,
    enum ipsec_proto proto, uint32_t spi)
{
	struct rhash_node *n;

	rhash_foreach(n, &s->by_spi, spi_hash(dst, proto, spi))
	{
		struct sa_rt *rt = container_of(n, struct sa_rt, by_spi);

		if (!rt->control->leaving && rt->spi == spi && rt->proto == proto &&
		    inet_addr_equal(&rt->dst, dst) &&
		    (src->family == INET_NONE || inet_addr_equal(&rt->src, src)))
			return rt->control;
	}
	return NULL;
}

/* The list is in this order, and what is removed is mostly old. */
struct sa *sad_find_serial(const struct sad *s, uint64_t serial)
{
	list_foreach (sa, &s->all, struct sa, link)
		if (sa->facts.serial >= serial)
			return sa->facts.serial == serial ? sa : NULL;
	return NULL;
}

static struct sa *sa_alloc(struct sad *s, struct sad_slot *slot)
{
	struct sa *sa = calloc(1, sizeof(*sa));

	if (!sa)
		return NULL;
	list_init(&sa->link);
	sa->sad = s;
	sa->slot = slot;
	return sa;
}

/* What the person who loads it can do about it. */
static int say_refused(const struct sa_desc *d, int r, struct err_text *e)
{
	const char *fault = crypto_key_fault(d->enc, d->enc_key, d->enc_key_len);

	if (r == -EKEYREJECTED && fault)
		return err_set(
		    e, r, "the key of %s is refused: %s; choose another", alg_enc_by_id(d->enc)->name, fault);
	if (r == -EOPNOTSUPP && crypto_check_present(d->enc, d->enc_key_len, d->auth, e) < 0)
		return r;
	return err_set(e, r, "the crypto library does not accept this SA's algorithms: %s", err_name(r));
}

static int sa_compile(
    struct sa *sa, const struct sa_desc *d, const struct sad_slot_facts *f, struct err_text *e)
{
	int r;

	sa->desc = *d;
	sa->facts = *f;
	sa->desc.enc_key = sa->slot->d.enc_key;
	sa->desc.auth_key = sa->slot->d.auth_key;
	r = sa_rt_compile(&sa->desc, f, sa->slot, &sa->rt);
	if (r < 0)
		return say_refused(&sa->desc, r, e);
	sa->desc.more_reqids = sa->rt->more;
	sa->rt->control = sa;
	return 0;
}

int sad_make(
    struct sad *s, const struct sa_desc *d, const struct sad_origin *by, struct sa **ret, struct err_text *e)
{
	const struct sad_slot_facts f = {
	    .serial = sad_store_next_serial(s->store),
	    .created_ms = clock_now_ms(s->clock),
	    .created_wall_ms = clock_wall_ms(),
	    .partner = by->partner,
	    .pid = by->pid,
	    .manual = by->manual,
	};
	struct sad_slot *slot;
	uint32_t index;
	struct sa *sa;
	int r;

	r = sad_store_alloc(s->store, sad_slot_extra(d->replay_bytes, d->n_more), &slot, &index, e);
	if (r < 0)
		return r;
	sad_slot_write(slot, index, d, &f);
	sa = sa_alloc(s, slot);
	if (!sa) {
		sad_store_release(s->store, slot);
		return err_set(e, -ENOMEM, "out of memory");
	}
	r = sa_compile(sa, d, &f, e);
	if (r < 0) {
		(void)sad_unmake(sa);
		return r;
	}
	*ret = sa;
	return 0;
}

int sad_reserve(struct sad *s, const struct larva *want, uint32_t min, uint32_t max, struct rng *rng,
    const struct larva **ret, struct err_text *e)
{
	enum { TRIES = 1000 };
	static const struct inet_addr any;
	struct larva l = *want;
	int r = -ENOSPC;

	l.created_ms = clock_now_ms(s->clock);
	l.created_wall_ms = clock_wall_ms();
	for (int i = 0; r < 0 && i < TRIES; i++) {
		l.spi = min + rng_below(rng, max - min + 1);
		if (sad_find(s, &any, &l.dst, l.proto, l.spi) ||
		    larvae_find(&s->larvae, &l.dst, l.proto, l.spi))
			continue;
		l.serial = sad_store_next_serial(s->store);
		r = larvae_add(&s->larvae, &l);
		if (r < 0)
			return err_set(e, r,
			    "%d SPIs are reserved and not used yet: try again when some have ended",
			    l.holder ? LARVAE_HELD_MAX : LARVAE_MAX);
	}
	if (r < 0)
		return err_set(e, r, "no SPI from %u to %u is free", min, max);
	*ret = larvae_find(&s->larvae, &l.dst, l.proto, l.spi);
	return 0;
}

struct sa *sad_unmake(struct sa *sa)
{
	if (!sa)
		return NULL;
	list_remove(&sa->link);
	(void)sa_rt_free(sa->rt);
	sad_store_release(sa->sad->store, sa->slot);
	free(sa);
	return NULL;
}

static void retired_free(struct retired *r)
{
	(void)sad_unmake(container_of(r, struct sa, retired));
}

/* Serials only grow, so this is nearly always an append; a transaction may commit behind later additions. */
static void link_by_serial(struct sad *s, struct sa *sa)
{
	struct list *at = &s->all;

	while (at->prev != &s->all && list_entry(at->prev, struct sa, link)->facts.serial > sa->facts.serial)
		at = at->prev;
	list_insert_before(at, &sa->link);
}

static void index_sa(struct sad *s, struct sa *sa)
{
	rhash_insert(&s->by_spi, &sa->rt->by_spi, spi_hash(&sa->desc.dst, sa->desc.proto, sa->desc.spi));
	rhash_insert(&s->by_pair, &sa->rt->by_pair, pair_hash(&sa->desc.src, &sa->desc.dst, sa->desc.proto));
	sa->indexed = true;
}

static void unindex_sa(struct sad *s, struct sa *sa)
{
	if (!sa->indexed)
		return;
	rhash_remove(&s->by_spi, &sa->rt->by_spi);
	rhash_remove(&s->by_pair, &sa->rt->by_pair);
	sa->indexed = false;
}

void sad_insert(struct sad *s, struct sa *sa)
{
	sad_slot_commit(sa->slot);
	list_remove(&sa->link);
	link_by_serial(s, sa);
	index_sa(s, sa);
	s->n++;
}

static void retired_leave(struct retired *r)
{
	struct sa *sa = container_of(r, struct sa, retired);

	unindex_sa(sa->sad, sa);
	epoch_retire(sa->sad->epoch, &sa->retired, retired_free);
}

void sad_remove(struct sad *s, struct sa *sa, bool replaced)
{
	if (!replaced)
		atomic_store(&sa->slot->run.state, SA_DEAD);
	list_foreach (it, &s->iters, struct sad_iter, link)
		if (it->next == &sa->link)
			it->next = sa->link.next;
	list_remove(&sa->link);
	sa->leaving = true;
	atomic_store(&sa->slot->commit, 0);
	s->n--;
	epoch_retire(s->epoch, &sa->retired, retired_leave);
}

void sad_expire(struct sad *s, struct sa *sa)
{
	uint64_t now = clock_now_ms(s->clock);

	atomic_store(&sa->slot->run.state, SA_DEAD);
	unindex_sa(s, sa);
	sa->dead_ms = now ? now : 1;
}

/* A process killed while it replaced an SA leaves both; the later one went on from the earlier one's numbers.
 * True when the newcomer is it, and the other is gone. */
static bool supersedes(struct sad *s, struct sa *there, const struct sad_slot_facts *f)
{
	if (there->facts.serial >= f->serial)
		return false;
	unindex_sa(s, there);
	s->n--;
	(void)sad_unmake(there);
	return true;
}

static int recover_one(
    void *arg, struct sad_slot *slot, const struct sa_desc *d, const struct sad_slot_facts *f)
{
	static const struct inet_addr any;
	struct sad *s = arg;
	struct sa *sa = sad_find(s, &any, &d->dst, d->proto, d->spi);
	bool later = sa != NULL;
	struct err_text e;
	int r;

	if (sa && !supersedes(s, sa, f))
		return -EEXIST;
	sa = sa_alloc(s, slot);
	if (!sa)
		return -ENOMEM;
	r = sa_compile(sa, d, f, &e);
	if (r < 0) {
		free(sa);
		return r;
	}
	link_by_serial(s, sa);
	s->n++;
	if (atomic_load(&slot->run.state) == SA_DEAD)
		sad_expire(s, sa);
	else
		index_sa(s, sa);
	return later;
}

struct sad_store_found sad_recover(struct sad *s)
{
	struct sad_store_found found = sad_store_scan(s->store, recover_one, s);

	atomic_store(&s->prefer_old, sad_store_prefers_old(s->store));
	return found;
}

/* Keyed, so that the stored octets are of no use to anybody who sees them without the segment's header. */
static int key_print(
    const struct sad *s, const struct sa_desc *d, uint8_t ret[SAD_PRINT_LEN], struct err_text *e)
{
	const struct crypto_sa_params p = {
	    .dir = CRYPTO_SEAL,
	    .auth = ALG_AUTH_HMAC_SHA256,
	    .auth_key = sad_store_print_key(s->store),
	    .auth_key_len = SAD_FAMILY_LEN,
	    .icv_len = SAD_PRINT_LEN,
	};
	/* iovec has no const; the octets are only read. */
	const bool enc = d->enc_key_len != 0;
	const struct iovec key = {.iov_base = (void *)(uintptr_t)(enc ? d->enc_key : d->auth_key),
	    .iov_len = enc ? d->enc_key_len : d->auth_key_len};
	struct crypto_sa *mac = NULL;
	struct crypto_mac_op op = {.piece = &key, .n_pieces = 1, .icv = ret};
	int r = crypto_sa_new(&p, &mac);

	if (r == 0) {
		op.sa = mac;
		r = crypto_mac_seal_burst(&op, 1) == 1 ? 0 : -EIO;
	}
	(void)crypto_sa_free(mac);
	return r < 0 ? err_set(e, r, "the key's fingerprint could not be computed: %s", err_name(r)) : 0;
}

static bool counts_keys(const struct sa_desc *d)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(d->auth);

	return (enc && enc->counter) || (auth && auth->counter);
}

int sad_check_key(const struct sad *s, const struct sa_desc *d, struct err_text *e)
{
	uint8_t print[SAD_PRINT_LEN];
	int r;

	if (!counts_keys(d))
		return 0;
	r = key_print(s, d, print, e);
	if (r < 0)
		return r;
	if (sad_store_knows_print(s->store, print))
		return err_set(e, -EEXIST,
		    "this %s key was loaded before: a counter-mode key protects nothing the second time, "
		    "make a new one",
		    d->enc ? alg_enc_by_id(d->enc)->name : alg_auth_by_id(d->auth)->name);
	return 0;
}

int sad_remember_key(struct sad *s, const struct sa_desc *d, struct err_text *e)
{
	uint8_t print[SAD_PRINT_LEN];
	int r;

	if (!counts_keys(d))
		return 0;
	r = key_print(s, d, print, e);
	return r < 0 ? r : sad_store_use_print(s->store, print, e);
}

void sad_set_prefer_old(struct sad *s, bool old)
{
	sad_store_prefer_old(s->store, old);
	atomic_store(&s->prefer_old, old);
}

enum sa_state sad_sa_state(const struct sa *sa)
{
	return (enum sa_state)atomic_load(&sa->slot->run.state);
}

void sad_sa_status(const struct sa *sa, uint64_t now_ms, struct sa_status *ret)
{
	const struct sad_slot_run *r = &sa->slot->run;
	uint64_t sent = atomic_load(&r->seq), got = __atomic_load_n(&sa->rt->window->top, __ATOMIC_RELAXED);
	uint64_t last = atomic_load(&r->last_used_ms), ago = last && now_ms > last ? now_ms - last : 0;

	*ret = (struct sa_status){
	    .serial = sa->facts.serial,
	    .state = sad_sa_state(sa),
	    .manual = sa->facts.manual,
	    .seq = sent ? sent : got,
	    .created_wall_ms = sa->facts.created_wall_ms,
	    .last_used_wall_ms = last ? clock_wall_ms() - ago : 0,
	    .age_ms = now_ms > sa->facts.created_ms ? now_ms - sa->facts.created_ms : 0,
	    .bytes = atomic_load(&r->bytes),
	    .packets = atomic_load(&r->packets),
	    .pid = sa->facts.pid,
	};
}

void sad_iter_init(struct sad_iter *it, struct sad *s)
{
	it->next = s->all.next;
	list_append(&s->iters, &it->link);
}

struct sa *sad_iter_next(struct sad_iter *it, struct sad *s)
{
	struct sa *sa;

	if (it->next == &s->all)
		return NULL;
	sa = list_entry(it->next, struct sa, link);
	it->next = it->next->next;
	return sa;
}

void sad_iter_fini(struct sad_iter *it)
{
	list_remove(&it->link);
}
