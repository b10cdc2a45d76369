/*
 * The order of a list decides what a packet meets, so a policy that is there already may stay only where
 * those that stay are in the order of the file. As many as possible do (the longest increasing run of their
 * places), because a policy that is taken out and put in again has another number, and its associations go
 * with the old one.
 */
#include "cli/load/policies.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/dump/dump.h"
#include "cli/setkey/request.h"
#include "ipsec/selector.h"

enum { REFUSALS_TOLD = 12 };

/* --- which stay --- */

static int by_prefix(const struct inet_prefix *a, const struct inet_prefix *b)
{
	const struct inet_addr x = inet_prefix_first(a), y = inet_prefix_first(b);
	int c = inet_addr_cmp(&x, &y);

	return c ? c : (int)a->plen - (int)b->plen;
}

/* By what tells one entry from another; any order will do. */
static int by_identity(const void *a, const void *b)
{
	const struct policy *x = (*(const struct policy_place *const *)a)->p,
	                    *y = (*(const struct policy_place *const *)b)->p;
	int c = (int)x->dir - (int)y->dir;

	c = c ? c : by_prefix(&x->sel.src, &y->sel.src);
	c = c ? c : by_prefix(&x->sel.dst, &y->sel.dst);
	c = c ? c : (int)x->sel.proto - (int)y->sel.proto;
	c = c ? c : (int)x->sel.sport - (int)y->sel.sport;
	c = c ? c : (int)x->sel.dport - (int)y->sel.dport;
	return c ? c : (int)x->sel.misc - (int)y->sel.misc;
}

static bool same_request(const struct policy_request *a, const struct policy_request *b)
{
	uint32_t x = a->reqid_auto ? 0 : a->reqid, y = b->reqid_auto ? 0 : b->reqid;

	return a->proto == b->proto && a->mode == b->mode && a->level == b->level && x == y &&
	       a->src_port == b->src_port && a->dst_port == b->dst_port &&
	       inet_addr_equal(&a->src, &b->src) && inet_addr_equal(&a->dst, &b->dst);
}

/* Of one identity. */
static bool same_content(const struct policy *a, const struct policy *b)
{
	if (a->action != b->action || a->priority != b->priority || a->in_only != b->in_only ||
	    a->lifetime_s != b->lifetime_s || a->validtime_s != b->validtime_s ||
	    a->n_requests != b->n_requests)
		return false;
	for (uint8_t i = 0; i < a->n_requests; i++)
		if (!same_request(&a->req[i], &b->req[i]))
			return false;
	return true;
}

/* The place in `was` of each of `is` that is there with the same content; UINT32_MAX: of none. */
static int find_all(const struct policy_place *was, uint32_t n_was, const struct policy_place *is,
    uint32_t n_is, uint32_t *ret)
{
	const struct policy_place **sorted = calloc(n_was + 1U, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_was; i++)
		sorted[i] = &was[i];
	qsort(sorted, n_was, sizeof(*sorted), by_identity);
	for (uint32_t i = 0; i < n_is; i++) {
		const struct policy_place *x = &is[i], *const *at = bsearch(
		                                           &x, sorted, n_was, sizeof(*sorted), by_identity);

		ret[i] = at && same_content((*at)->p, x->p) ? (uint32_t)(*at - was) : UINT32_MAX;
	}
	free(sorted);
	return 0;
}

/* The longest run of places, among those of one direction, that goes upwards: marks them. `last` and `prev`
 * have room for n. */
static void mark_longest(struct policy_place *was, struct policy_place *is, const uint32_t *place, uint32_t n,
    enum policy_dir dir, uint32_t *last, uint32_t *prev)
{
	uint32_t length = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t lo = 0, hi = length;

		if (is[i].p->dir != dir || place[i] == UINT32_MAX)
			continue;
		while (lo < hi) {
			uint32_t mid = lo + (hi - lo) / 2;

			if (place[last[mid]] < place[i])
				lo = mid + 1;
			else
				hi = mid;
		}
		prev[i] = lo ? last[lo - 1] : UINT32_MAX;
		last[lo] = i;
		length = lo == length ? length + 1 : length;
	}
	for (uint32_t i = length ? last[length - 1] : UINT32_MAX; i != UINT32_MAX; i = prev[i]) {
		is[i].stays = true;
		was[place[i]].stays = true;
	}
}

static void find_next(struct policy_place *is, uint32_t n, const struct policy_place *was,
    const uint32_t *place, enum policy_dir dir)
{
	uint32_t next = 0;

	for (uint32_t i = n; i-- > 0;) {
		if (is[i].p->dir != dir)
			continue;
		is[i].before = next;
		if (is[i].stays)
			next = was[place[i]].p->id;
	}
}

int policy_diff_match(struct policy_place *was, uint32_t n_was, struct policy_place *is, uint32_t n_is)
{
	AUTO_FREE uint32_t *work = calloc(3 * (size_t)n_is + 1, sizeof(*work));
	int r = work ? find_all(was, n_was, is, n_is, work) : -ENOMEM;

	for (enum policy_dir d = POLICY_IN; r == 0 && d <= POLICY_FWD; d++) {
		mark_longest(was, is, work, n_is, d, work + n_is, work + 2 * (size_t)n_is);
		find_next(is, n_is, was, work, d);
	}
	return r;
}

/* --- in the SPD --- */

static int collect(const struct policy *p, void *arg)
{
	struct policy_diff *d = arg;
	uint32_t room = d->room ? 2 * d->room : 64;

	if (!p->loaded)
		return 0;
	if (d->n_in_force == d->room) {
		struct policy *list = reallocarray(d->in_force, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		d->in_force = list;
		d->room = room;
	}
	d->in_force[d->n_in_force++] = *p;
	return 0;
}

static int compare(struct policy_diff *d, const struct policy *plan, uint32_t n)
{
	int r;

	d->was = calloc(d->n_in_force + 1U, sizeof(*d->was));
	d->is = calloc(n + 1U, sizeof(*d->is));
	if (!d->was || !d->is)
		return -ENOMEM;
	d->n_is = n;
	for (uint32_t i = 0; i < d->n_in_force; i++)
		d->was[i].p = &d->in_force[i];
	for (uint32_t i = 0; i < n; i++)
		d->is[i].p = &plan[i];
	r = policy_diff_match(d->was, d->n_in_force, d->is, n);
	for (uint32_t i = 0; i < d->n_in_force; i++)
		d->n_removed += !d->was[i].stays;
	for (uint32_t i = 0; i < n; i++)
		d->n_added += !d->is[i].stays;
	return r;
}

int policy_diff_make(
    struct session *s, const struct policy *plan, uint32_t n, struct policy_diff *ret, struct err_text *e)
{
	AUTO_POLICY_DIFF struct policy_diff d = {0};
	int r = cli_each_policy(s->peer[SESSION_POLICYD], collect, &d, e);

	if (r == 0)
		r = compare(&d, plan, n);
	if (r == -ENOMEM)
		return err_set(e, r, "out of memory");
	if (r < 0)
		return err_prefix(e, r, "the policies in force cannot be read");
	*ret = d;
	d = (struct policy_diff){0};
	return 0;
}

void policy_diff_fini(struct policy_diff *d)
{
	free(d->in_force);
	free(d->was);
	free(d->is);
	*d = (struct policy_diff){0};
}

static void say_refused(struct session *s, const struct policy *p)
{
	fprintf(s->cli->err, "%s: the policy ", s->cli->prog);
	dump_policy_line(s->cli->err, p);
	if (s->refusal == EEXIST)
		fputs(
		    " cannot be put in: there is one for the same packets that setkey has made; take it out "
		    "there (`setkey -FP` takes out all of them, and until the next load nothing is "
		    "protected), "
		    "or leave it out here\n",
		    s->cli->err);
	else
		fprintf(s->cli->err, " was refused: %s\n", s->refusal_text.s);
}

static int put_one(struct session *s, const struct policy_place *x)
{
	struct request_done done;
	struct policy p = *x->p;
	int r;

	p.loaded = true;
	r = request_spd_put_before(s, &p, x->before, &done);
	if (r == SESSION_REFUSED)
		say_refused(s, &p);
	return r;
}

int policy_diff_put(struct session *s, const struct policy_diff *d)
{
	struct request_done done;
	unsigned n_refused = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < d->n_in_force; i++)
		if (!d->was[i].stays)
			r = request_spd_delete(s, d->was[i].p, &done);
	if (r == SESSION_REFUSED)
		cli_fail(s->cli, "a policy cannot be taken out: %s", s->refusal_text.s);
	if (r != 0)
		return r;
	for (uint32_t i = 0; r >= 0 && n_refused < REFUSALS_TOLD && i < d->n_is; i++) {
		r = d->is[i].stays ? 0 : put_one(s, &d->is[i]);
		n_refused += r == SESSION_REFUSED;
	}
	return r < 0 ? r : n_refused ? SESSION_REFUSED : 0;
}
