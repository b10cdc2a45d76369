/*
 * Free of sockets and time, so that setkey's semantics can be tested as a table.
 */
#include "policyd/book.h"

#include <errno.h>

#include "base/auto.h"
#include "base/clock.h"

int book_init(struct book *b, uint64_t version)
{
	*b = (struct book){.clock = &clock_boottime,
	    .version = version,
	    .next_id = 1,
	    .next_reqid = POLICY_REQID_AUTO_FIRST,
	    .enabled = true,
	    .deflev = policy_deflev_kame};
	return spd_new(&b->spd);
}

void book_fini(struct book *b)
{
	b->spd = spd_free(b->spd);
}

/* Gives plain `unique` its numbers and judges a number that was asked for. */
static int settle_reqids(struct book *b, struct policy *p, struct err_text *e)
{
	for (uint8_t i = 0; i < p->n_requests; i++) {
		struct policy_request *q = &p->req[i];

		q->reqid_auto = false;
		if (q->level == LEVEL_UNIQUE ? q->reqid > POLICY_REQID_MANUAL_MAX : q->reqid != 0)
			return err_set(e, -EINVAL,
			    "Invalid argument: unique:%u is not 1 to %d; plain `unique` chooses a number "
			    "itself",
			    q->reqid, POLICY_REQID_MANUAL_MAX);
	}
	/* Used up only by billions of policies in one boot; numbers that begin anew would be somebody's. */
	if (UINT32_MAX - b->next_reqid < p->n_requests || b->next_id == UINT32_MAX)
		return err_set(
		    e, -ENOSPC, "the numbers for policies and `unique` are used up until the next boot");
	for (uint8_t i = 0; i < p->n_requests; i++)
		if (p->req[i].level == LEVEL_UNIQUE && !p->req[i].reqid) {
			p->req[i].reqid = b->next_reqid++;
			p->req[i].reqid_auto = true;
		}
	return 0;
}

int book_put(struct book *b, const struct policy *p, bool update, uint32_t *ret_id, struct err_text *e)
{
	return book_put_before(b, p, update, 0, ret_id, e);
}

static int find_place(
    const struct book *b, const struct policy *p, uint32_t id, struct spd_entry **ret, struct err_text *e)
{
	*ret = spd_find_id(b->spd, id);
	if (!*ret)
		return id ? err_set(e, -ENOENT, "there is no policy %u to put it before", id) : 0;
	if ((*ret)->policy.dir != p->dir || (*ret)->policy.priority != p->priority ||
	    selector_equal(&(*ret)->policy.sel, &p->sel))
		return err_set(e, -EINVAL,
		    "policy %u is not another one of its direction and priority, which it could be put "
		    "before",
		    id);
	return 0;
}

int book_put_before(struct book *b, const struct policy *p, bool update, uint32_t before, uint32_t *ret_id,
    struct err_text *e)
{
	struct spd_entry *old = spd_find(b->spd, p->dir, &p->sel), *x, *place;
	struct policy copy;
	int r = find_place(b, p, before, &place, e);

	if (r < 0)
		return r;
	if (old && !update && !old->inherited && !old->policy.generated)
		return err_set(e, -EEXIST, "File exists");
	if (!old && spd_count(b->spd, POLICY_DIR_NONE) >= BOOK_POLICIES_MAX)
		return err_set(e, -ENOSPC, "the SPD is full: it holds %d policies", BOOK_POLICIES_MAX);
	policy_copy(&copy, p);
	r = settle_reqids(b, &copy, e);
	if (r < 0)
		return r;
	copy.id = b->next_id;
	copy.created_wall_ms = clock_wall_ms();
	copy.last_used_wall_ms = 0;
	if (old)
		spd_remove(b->spd, old);
	r = spd_insert_before(b->spd, &copy, place, &x);
	b->version++;
	if (r < 0)
		return err_set(e, r, "out of memory");
	x->born_ms = (int64_t)clock_now_ms(b->clock);
	b->next_id++;
	*ret_id = copy.id;
	return 0;
}

int book_delete(
    struct book *b, enum policy_dir dir, const struct selector *sel, uint32_t *ret_id, struct err_text *e)
{
	struct spd_entry *old = spd_find(b->spd, dir, sel);

	if (!old)
		return err_set(e, -ENOENT, "No entry");
	*ret_id = old->policy.id;
	spd_remove(b->spd, old);
	b->version++;
	return 0;
}

void book_flush(struct book *b)
{
	spd_clear(b->spd);
	b->version++;
}

bool book_expire(struct book *b, uint32_t id, struct policy *ret)
{
	struct spd_entry *x = spd_find_id(b->spd, id);

	if (!x)
		return false;
	policy_copy(ret, &x->policy);
	spd_remove(b->spd, x);
	b->version++;
	return true;
}

void book_used(struct book *b, uint32_t id, uint32_t age_ms)
{
	struct spd_entry *x = spd_find_id(b->spd, id);
	int64_t at = (int64_t)clock_now_ms(b->clock) - age_ms;

	if (!x || at <= x->used_ms || at < x->born_ms)
		return;
	x->used_ms = at;
	x->policy.last_used_wall_ms = clock_wall_ms() - age_ms;
}

void book_set_enabled(struct book *b, bool on)
{
	if (b->enabled == on)
		return;
	b->enabled = on;
	b->version++;
}

bool book_set_deflev(struct book *b, const struct policy_deflev *d)
{
	if (policy_deflev_equal(&b->deflev, d))
		return false;
	b->deflev = *d;
	b->version++;
	return true;
}

/* Numbers are never used again, so the same policy under the same number did not change. */
static bool stayed(const struct spd *in, const struct policy *p)
{
	const struct spd_entry *x = spd_find(in, p->dir, &p->sel);

	return x && x->policy.id == p->id;
}

static size_t tell_missing(
    const struct spd *from, const struct spd *in, enum book_change what, book_change_fn fn, void *arg)
{
	size_t n = 0;

	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++)
		for (const struct spd_entry *x = spd_first(from, d); x; x = spd_next(from, x))
			if (!stayed(in, &x->policy)) {
				n++;
				if (fn)
					fn(arg, what, &x->policy);
			}
	return n;
}

void book_diff(const struct spd *before, const struct spd *after, book_change_fn fn, void *arg)
{
	size_t n = spd_count(before, POLICY_DIR_NONE);

	if (n && tell_missing(before, after, BOOK_REMOVED, NULL, NULL) == n)
		fn(arg, BOOK_FLUSHED, NULL);
	else
		tell_missing(before, after, BOOK_REMOVED, fn, arg);
	tell_missing(after, before, BOOK_ADDED, fn, arg);
}

int book_stage(const struct book *b, struct book *ret_staged)
{
	struct book staged = *b;
	int r = spd_clone(b->spd, &staged.spd);

	if (r == 0)
		*ret_staged = staged;
	return r;
}

static void keep_numbers(struct book *b, const struct book *staged)
{
	b->next_id = staged->next_id;
	b->next_reqid = staged->next_reqid;
}

/* What was learnt meanwhile about policies that stay. */
static void keep_used(const struct spd *from, struct spd *to)
{
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++)
		for (struct spd_entry *x = spd_first(to, d); x; x = spd_next(to, x)) {
			const struct spd_entry *old = spd_find_id(from, x->policy.id);

			if (!old || old->used_ms <= x->used_ms)
				continue;
			x->used_ms = old->used_ms;
			x->policy.last_used_wall_ms = old->policy.last_used_wall_ms;
		}
}

void book_apply(struct book *b, struct book *staged)
{
	struct spd *old = b->spd;

	keep_used(old, staged->spd);
	b->spd = take_ptr(staged->spd);
	b->version = (staged->version > b->version ? staged->version : b->version) + 1;
	keep_numbers(b, staged);
	spd_free(old);
}

void book_forget(struct book *b, struct book *staged)
{
	keep_numbers(b, staged);
	book_fini(staged);
}
