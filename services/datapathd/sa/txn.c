/*
 * Removal is a mark on the SA until commit, so a statement is judged against what the SAD will be: staged
 * SAs, and those of the SAD that carry no mark of this transaction.
 */
#include "datapathd/sa/txn.h"

#include <errno.h>
#include <string.h>

#include "secret/secret.h"

/* Further than a worker gets between the reading of an old counter and the end of its use. */
static const uint64_t seq_jump = 4096;

int sad_txn_init(struct sad_txn *t, struct sad *s)
{
	t->sad = s;
	t->manual = true;
	t->partner = 0;
	t->n_doomed = 0;
	list_init(&t->staged);
	return rhash_init(&t->by_spi, s->epoch);
}

static void unmark(struct sad_txn *t)
{
	larvae_spare(&t->sad->larvae, t);
	if (!t->n_doomed)
		return;
	list_foreach (sa, &t->sad->all, struct sa, link)
		if (sa->doomed_by == t)
			sa->doomed_by = NULL;
	t->n_doomed = 0;
}

static void mark(struct sad_txn *t, struct sa *sa)
{
	sa->doomed_by = t;
	t->n_doomed++;
}

static void unstage(struct sad_txn *t, struct sa *sa)
{
	rhash_remove(&t->by_spi, &sa->rt->by_spi);
	(void)sad_unmake(sa);
}

void sad_txn_fini(struct sad_txn *t)
{
	list_foreach_safe (sa, tmp, &t->staged, struct sa, link)
		unstage(t, sa);
	unmark(t);
	rhash_fini(&t->by_spi);
}

static uint64_t ident_hash(const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	return rhash_bytes((uint64_t)proto << 32 | spi, dst->b, sizeof(dst->b));
}

static struct sa *find_staged(
    const struct sad_txn *t, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	struct rhash_node *n;

	rhash_foreach(n, &t->by_spi, ident_hash(dst, proto, spi))
	{
		struct sa_rt *rt = container_of(n, struct sa_rt, by_spi);

		if (rt->spi == spi && rt->proto == proto && inet_addr_equal(&rt->dst, dst))
			return rt->control;
	}
	return NULL;
}

/* What holds this (destination, protocol, SPI) once the transaction is applied; NULL: free. */
static struct sa *holder(
    const struct sad_txn *t, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	static const struct inet_addr any;
	struct sa *sa = find_staged(t, dst, proto, spi);

	if (sa)
		return sa;
	sa = sad_find(t->sad, &any, dst, proto, spi);
	return sa && sa->doomed_by != t ? sa : NULL;
}

/* As holder(), of reserved SPIs. */
static struct larva *holding_larva(
    const struct sad_txn *t, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	struct larva *l = larvae_find(&t->sad->larvae, dst, proto, spi);

	return l && l->doomed_by != t ? l : NULL;
}

static bool is_staged(const struct sad_txn *t, const struct sa *sa)
{
	return find_staged(t, &sa->desc.dst, sa->desc.proto, sa->desc.spi) == sa;
}

static void drop(struct sad_txn *t, struct sa *sa)
{
	if (is_staged(t, sa))
		unstage(t, sa);
	else
		mark(t, sa);
}

static int no_entry(struct err_text *e)
{
	return err_set(e, -ENOENT, "No entry.");
}

static bool same_keys(const struct sa_desc *a, const struct sa_desc *b)
{
	return a->enc == b->enc && a->auth == b->auth && a->enc_key_len == b->enc_key_len &&
	       a->auth_key_len == b->auth_key_len &&
	       (!a->enc_key_len || secret_equal_bytes(a->enc_key, b->enc_key, a->enc_key_len)) &&
	       (!a->auth_key_len || secret_equal_bytes(a->auth_key, b->auth_key, a->auth_key_len));
}

/* An update that keeps the keys goes on where the old SA is: numbers ahead of it, replays still refused. Done
 * at commit, because the old one is in use until then. */
static void carry_on(struct sa *sa, const struct sa *old)
{
	uint64_t seq = atomic_load(&old->slot->run.seq);

	/* The numbers of one kind mean nothing in the other. */
	if (!same_keys(&sa->desc, &old->desc) || (sa->desc.flags ^ old->desc.flags) & SA_F_ESN)
		return;
	if (seq) {
		uint64_t last = sa->rt->seq_kind == SEQ_32 ? UINT32_MAX : UINT64_MAX;

		seq = seq > last - seq_jump ? last : seq + seq_jump;
		atomic_store(&sa->slot->run.seq, seq);
		atomic_store(&sa->slot->run.seq_not, ~seq);
	}
	replay_carry(sa->rt->window, old->rt->window);
}

/* A negotiated key comes from a Diffie-Hellman value and two nonces: it needs no memory to be a new one, and
 * that of every rekeying would soon be full. */
static int check_staged_key(const struct sad_txn *t, const struct sa_desc *d, struct err_text *e)
{
	if (!d->fresh_key || !t->manual)
		return 0;
	list_foreach (sa, &t->staged, struct sa, link)
		if (sa->desc.fresh_key && same_keys(&sa->desc, d))
			return err_set(e, -EEXIST,
			    "this %s key stands twice in the transaction: every SA needs its own",
			    d->enc ? alg_enc_by_id(d->enc)->name : alg_auth_by_id(d->auth)->name);
	return sad_check_key(t->sad, d, e);
}

int sad_txn_add(struct sad_txn *t, const struct sa_desc *d, bool update, uint32_t pid, uint64_t *ret_serial,
    struct err_text *e)
{
	struct sa *old = holder(t, &d->dst, d->proto, d->spi), *sa;
	const struct larva *larva = holding_larva(t, &d->dst, d->proto, d->spi);
	const struct sad_origin by = {.pid = pid, .manual = t->manual, .partner = t->partner};
	int r;

	if (!update && (old || larva))
		return err_set(e, -EEXIST, "File exists");
	if (update && !larva && (!old || !inet_addr_equal(&old->desc.src, &d->src)))
		return no_entry(e);
	if (update && larva && !inet_addr_equal(&larva->src, &d->src))
		return no_entry(e);
	r = check_staged_key(t, d, e);
	if (r < 0)
		return r;
	r = sad_make(t->sad, d, &by, &sa, e);
	if (r < 0)
		return r;
	sa->carries_on = update;
	if (old)
		drop(t, old);
	list_append(&t->staged, &sa->link);
	rhash_insert(&t->by_spi, &sa->rt->by_spi, ident_hash(&d->dst, d->proto, d->spi));
	*ret_serial = sa->facts.serial;
	return 0;
}

int sad_txn_delete(struct sad_txn *t, const struct sa_ident *id, uint64_t *ret_serial, struct err_text *e)
{
	struct sa *sa = holder(t, &id->dst, id->proto, id->spi);
	struct larva *larva = sa ? NULL : holding_larva(t, &id->dst, id->proto, id->spi);

	if (larva && inet_addr_equal(&larva->src, &id->src)) {
		*ret_serial = larva->serial;
		larva->doomed_by = t;
		return 0;
	}
	if (!sa || !inet_addr_equal(&sa->desc.src, &id->src))
		return no_entry(e);
	*ret_serial = sa->facts.serial;
	drop(t, sa);
	return 0;
}

static bool in_group(const struct sa *sa, const struct sa_ident *id)
{
	return sa->desc.proto == id->proto && inet_addr_equal(&sa->desc.src, &id->src) &&
	       inet_addr_equal(&sa->desc.dst, &id->dst);
}

int sad_txn_delete_all(struct sad_txn *t, const struct sa_ident *id, uint32_t *ret_n, struct err_text *e)
{
	uint32_t n = 0;

	list_foreach_safe (sa, tmp, &t->staged, struct sa, link) {
		if (in_group(sa, id)) {
			unstage(t, sa);
			n++;
		}
	}
	list_foreach (sa, &t->sad->all, struct sa, link) {
		if (in_group(sa, id) && sa->doomed_by != t) {
			mark(t, sa);
			n++;
		}
	}
	if (!n)
		return no_entry(e);
	*ret_n = n;
	return 0;
}

void sad_txn_flush(struct sad_txn *t, uint32_t proto, uint32_t *ret_n)
{
	uint32_t n = 0;

	list_foreach_safe (sa, tmp, &t->staged, struct sa, link) {
		if (!proto || sa->desc.proto == proto) {
			unstage(t, sa);
			n++;
		}
	}
	list_foreach (sa, &t->sad->all, struct sa, link) {
		if ((!proto || sa->desc.proto == proto) && sa->doomed_by != t) {
			mark(t, sa);
			n++;
		}
	}
	n += larvae_doom(&t->sad->larvae, proto, t);
	*ret_n = n;
}

/* Others may have changed the SAD since the statements were judged. */
static int judge_again(struct sad_txn *t, struct err_text *e)
{
	static const struct inet_addr any;
	int r;

	list_foreach (sa, &t->staged, struct sa, link) {
		const struct sa *held = sad_find(t->sad, &any, &sa->desc.dst, sa->desc.proto, sa->desc.spi);

		if (held && held->doomed_by != t)
			return err_set(e, -EEXIST,
			    "File exists: %s SPI 0x%08x was added by somebody else meanwhile",
			    ipsec_proto_name(sa->desc.proto), sa->desc.spi);
		r = t->manual ? sad_check_key(t->sad, &sa->desc, e) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int remember_keys(struct sad_txn *t, struct err_text *e)
{
	list_foreach (sa, &t->staged, struct sa, link) {
		int r = t->manual ? sad_remember_key(t->sad, &sa->desc, e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static void take_over(struct sad_txn *t, struct sa *sa)
{
	struct larva *larva = larvae_find(&t->sad->larvae, &sa->desc.dst, sa->desc.proto, sa->desc.spi);
	const struct sa *old = sad_find(t->sad, &sa->desc.src, &sa->desc.dst, sa->desc.proto, sa->desc.spi);

	if (larva)
		larvae_remove(&t->sad->larvae, larva);
	if (sa->carries_on && old && old->doomed_by == t)
		carry_on(sa, old);
}

static void remove_marked(struct sad_txn *t, bool replaced, sad_changed_fn fn, void *arg)
{
	list_foreach_safe (sa, tmp, &t->sad->all, struct sa, link) {
		if (sa->doomed_by != t)
			continue;
		if (fn)
			fn(arg, "sa.delete", sa);
		sad_remove(t->sad, sa, replaced);
	}
	t->n_doomed = 0;
}

int sad_txn_commit(struct sad_txn *t, sad_changed_fn fn, void *arg, struct err_text *e)
{
	bool replaces = !list_is_empty(&t->staged);
	int r = judge_again(t, e);

	if (r == 0)
		r = remember_keys(t, e);
	if (r < 0) {
		list_foreach_safe (sa, tmp, &t->staged, struct sa, link)
			unstage(t, sa);
		unmark(t);
		return r;
	}
	list_foreach_safe (sa, tmp, &t->staged, struct sa, link) {
		rhash_remove(&t->by_spi, &sa->rt->by_spi);
		take_over(t, sa);
		sad_insert(t->sad, sa);
		if (fn)
			fn(arg, "sa.add", sa);
	}
	larvae_remove_doomed(&t->sad->larvae, t);
	if (t->n_doomed)
		remove_marked(t, replaces, fn, arg);
	return 0;
}
