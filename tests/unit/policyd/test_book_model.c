/*
 * The book and its lives against a list that is searched from the front: random spdadd, spdupdate, spddelete,
 * spdflush, transactions, use and time, thousands of them; after each one the whole SPD is compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/rng.h"
#include "policyd/lives.h"
#include "policyd/txn.h"
#include "support/model_spd.h"

enum { OPERATIONS = 6000, ROUNDS = 6, MODEL_MAX = 400, UNIVERSE = 60 };

struct row {
	struct policy p;
	int64_t born_ms, used_ms;
	uint32_t unique; /* how many automatic ids it has */
};

/* One list of all directions, in the order of arrival. */
struct model {
	struct row row[MODEL_MAX];
	unsigned n;
};

struct scene {
	struct clock_fake clock;
	struct rng_seeded seeded;
	struct rng *rng;
	struct book book;
	struct txn txn;
	struct txn_client me;
	struct lives lives;
	struct model now, staged;
	bool in_txn;
	struct policy universe[UNIVERSE];
	uint32_t next_id, next_reqid;
};

static struct model *target(struct scene *s)
{
	return s->in_txn ? &s->staged : &s->now;
}

static int find(const struct model *m, const struct policy *p)
{
	for (unsigned i = 0; i < m->n; i++)
		if (policy_same_entry(&m->row[i].p, p))
			return (int)i;
	return -1;
}

static void drop(struct model *m, unsigned i)
{
	memmove(&m->row[i], &m->row[i + 1], (m->n - i - 1) * sizeof(m->row[0]));
	m->n--;
}

/* The n-th of a direction: of the largest priority that is left the one that came first. */
static const struct row *nth(const struct model *m, enum policy_dir dir, bool used[MODEL_MAX])
{
	int best = -1;

	for (unsigned i = 0; i < m->n; i++)
		if (m->row[i].p.dir == dir && !used[i] &&
		    (best < 0 || m->row[i].p.priority > m->row[best].p.priority))
			best = (int)i;
	if (best < 0)
		return NULL;
	used[best] = true;
	return &m->row[best];
}

static void assert_same(const struct spd *spd, const struct model *m)
{
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++) {
		bool used[MODEL_MAX] = {false};
		const struct row *want;

		for (const struct spd_entry *x = spd_first(spd, d); x; x = spd_next(spd, x)) {
			want = nth(m, d, used);
			assert_non_null(want);
			assert_int_equal(x->policy.id, want->p.id);
			assert_int_equal(x->policy.action, want->p.action);
			assert_int_equal(x->born_ms, want->born_ms);
			assert_int_equal(x->used_ms, want->used_ms);
			assert_int_equal(x->policy.n_requests, want->p.n_requests);
			for (uint8_t i = 0; i < want->p.n_requests; i++) {
				assert_int_equal(x->policy.req[i].reqid, want->p.req[i].reqid);
				assert_int_equal(x->policy.req[i].reqid_auto, want->p.req[i].reqid_auto);
			}
			assert_ptr_equal(spd_find(spd, d, &x->policy.sel), x);
			assert_ptr_equal(spd_find_id(spd, x->policy.id), x);
		}
		assert_null(nth(m, d, used));
	}
	assert_int_equal(spd_count(spd, POLICY_DIR_NONE), m->n);
}

/* Policies come back, so that duplicates, updates and deletions meet something. */
static struct policy any_policy(struct scene *s)
{
	struct policy p = s->universe[rng_below(s->rng, UNIVERSE)];

	p.action = (enum policy_action)(POLICY_DISCARD + rng_below(s->rng, 3));
	p.priority = (int32_t)rng_below(s->rng, 3) - 1;
	p.lifetime_s = rng_below(s->rng, 4) ? 0 : 1 + rng_below(s->rng, 20);
	p.validtime_s = rng_below(s->rng, 4) ? 0 : 1 + rng_below(s->rng, 10);
	p.n_requests = p.action == POLICY_IPSEC ? (uint8_t)rng_below(s->rng, 3) : 0;
	for (uint8_t i = 0; i < p.n_requests; i++)
		p.req[i] = (struct policy_request){.proto = IPSEC_ESP,
		    .mode = IPSEC_TRANSPORT,
		    .level = (enum policy_level)(LEVEL_USE + rng_below(s->rng, 3))};
	return p;
}

static void op_put(struct scene *s, bool update)
{
	struct policy p = any_policy(s);
	struct model *m = target(s);
	struct err_text e = {{0}};
	struct book *b;
	uint32_t id = 0;
	int at = find(m, &p), r;

	assert_int_equal(txn_book(&s->txn, &s->me, &b, &e), 0);
	r = book_put(b, &p, update, &id, &e);
	if (at >= 0 && !update) {
		assert_int_equal(r, -EEXIST);
		return;
	}
	assert_int_equal(r, 0);
	if (at >= 0)
		drop(m, (unsigned)at);
	p.id = s->next_id++;
	for (uint8_t i = 0; i < p.n_requests; i++)
		if (p.req[i].level == LEVEL_UNIQUE) {
			p.req[i].reqid = s->next_reqid++;
			p.req[i].reqid_auto = true;
		}
	assert_int_equal(id, p.id);
	assert_true(m->n < MODEL_MAX);
	m->row[m->n++] = (struct row){.p = p, .born_ms = (int64_t)s->clock.ms};
	if (!s->in_txn)
		lives_add(&s->lives, b->spd, spd_find_id(b->spd, id));
}

static void op_delete(struct scene *s)
{
	struct policy p = any_policy(s);
	struct model *m = target(s);
	struct err_text e = {{0}};
	struct book *b;
	uint32_t id = 0;
	int at = find(m, &p);

	assert_int_equal(txn_book(&s->txn, &s->me, &b, &e), 0);
	assert_int_equal(book_delete(b, p.dir, &p.sel, &id, &e), at < 0 ? -ENOENT : 0);
	if (at < 0)
		return;
	assert_int_equal(id, m->row[at].p.id);
	drop(m, (unsigned)at);
}

static void op_flush(struct scene *s)
{
	struct err_text e = {{0}};
	struct book *b;

	if (rng_below(s->rng, 10))
		return;
	assert_int_equal(txn_book(&s->txn, &s->me, &b, &e), 0);
	book_flush(b);
	target(s)->n = 0;
}

static void op_txn(struct scene *s)
{
	struct err_text e = {{0}};

	if (!s->in_txn) {
		assert_int_equal(txn_begin(&s->txn, &s->me, &e), 0);
		s->staged = s->now;
	} else if (rng_below(s->rng, 2)) {
		assert_in_range(txn_commit(&s->txn, &s->me, &e), TXN_UNCHANGED, TXN_CHANGED);
		/* Use that was seen meanwhile is not forgotten. */
		for (unsigned i = 0; i < s->staged.n; i++)
			for (unsigned j = 0; j < s->now.n; j++)
				if (s->now.row[j].p.id == s->staged.row[i].p.id)
					s->staged.row[i].used_ms = s->now.row[j].used_ms;
		s->now = s->staged;
		lives_rebuild(&s->lives, s->book.spd);
	} else {
		assert_int_equal(txn_abort(&s->txn, &s->me, &e), 0);
	}
	s->in_txn = !s->in_txn;
}

static void op_use(struct scene *s)
{
	uint32_t age = rng_below(s->rng, 3000), id = 1 + rng_below(s->rng, s->next_id);
	int64_t at = (int64_t)s->clock.ms - age;

	book_used(&s->book, id, age);
	for (unsigned i = 0; i < s->now.n; i++) {
		struct row *r = &s->now.row[i];

		if (r->p.id == id && at > r->used_ms && at >= r->born_ms)
			r->used_ms = at;
	}
}

static bool is_over(const struct row *r, uint64_t now)
{
	int64_t used = r->used_ms > r->born_ms ? r->used_ms : r->born_ms;

	return (r->p.lifetime_s && r->born_ms + r->p.lifetime_s * 1000LL <= (int64_t)now) ||
	       (r->p.validtime_s && used + r->p.validtime_s * 1000LL <= (int64_t)now);
}

static void op_time(struct scene *s)
{
	struct policy gone;
	uint32_t id;

	s->clock.ms += rng_below(s->rng, 2000);
	while (lives_take(&s->lives, s->book.spd, s->clock.ms, &id)) {
		assert_true(book_expire(&s->book, id, &gone));
		assert_int_equal(gone.id, id);
		if (s->in_txn)
			(void)book_expire(&s->txn.staged, id, &gone);
		for (unsigned i = 0; i < s->staged.n; i++)
			if (s->staged.row[i].p.id == id)
				drop(&s->staged, i--);
		for (unsigned i = 0; i < s->now.n; i++)
			if (s->now.row[i].p.id == id) {
				assert_true(is_over(&s->now.row[i], s->clock.ms));
				drop(&s->now, i--);
			}
	}
	/* None was forgotten, and the next one is not later than it ends. */
	for (unsigned i = 0; i < s->now.n; i++) {
		const struct row *r = &s->now.row[i];

		assert_false(is_over(r, s->clock.ms));
		if (r->p.lifetime_s || r->p.validtime_s)
			assert_true(lives_next_ms(&s->lives) <=
			            (uint64_t)lives_end_ms(spd_find_id(s->book.spd, r->p.id)));
	}
	if (!s->in_txn && !s->now.n)
		assert_false(lives_take(&s->lives, s->book.spd, UINT64_MAX / 2, &id));
}

static void make_scene(struct scene *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	clock_fake_init(&s->clock, 500000);
	rng_seeded_init(&s->seeded, seed);
	s->rng = &s->seeded.rng;
	assert_int_equal(book_init(&s->book, 1), 0);
	s->book.clock = &s->clock.clock;
	txn_init(&s->txn, &s->book, &s->clock.clock);
	s->next_id = 1;
	s->next_reqid = POLICY_REQID_AUTO_FIRST;
	for (unsigned i = 0; i < UNIVERSE; i++)
		s->universe[i] = model_random_policy(s->rng, i % 2 ? INET_V6 : INET_V4);
}

static void test_book_agrees_with_a_list(void **state)
{
	static struct scene s;

	(void)state;
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		make_scene(&s, round);
		for (unsigned i = 0; i < OPERATIONS; i++) {
			switch (rng_below(s.rng, 12)) {
			case 0:
			case 1:
			case 2:
			case 3:
				op_put(&s, false);
				break;
			case 4:
			case 5:
				op_put(&s, true);
				break;
			case 6:
				op_delete(&s);
				break;
			case 7:
				op_flush(&s);
				break;
			case 8:
				op_txn(&s);
				break;
			case 9:
			case 10:
				op_use(&s);
				break;
			default:
				op_time(&s);
				break;
			}
			assert_same(s.book.spd, &s.now);
			if (s.in_txn)
				assert_same(s.txn.staged.spd, &s.staged);
		}
		txn_fini(&s.txn);
		lives_fini(&s.lives);
		book_fini(&s.book);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_book_agrees_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
