/*
 * The table of grants: numbers that are never used again, ends of every kind, and what datapathd is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "policyd/grants.h"

enum { FIRST = 5000, ENC = 1 << ALG_ENC_AES_CBC, AUTH = 1 << ALG_AUTH_HMAC_SHA1 };

/* Of exchange `n` for outbound policy `out_id`. */
static struct grant_terms terms(uint32_t out_id, uint32_t n)
{
	struct grant_terms t = {.out_id = out_id,
	    .local = inet_addr_v4(0xc0000201),
	    .remote = inet_addr_v4(0xc0000202),
	    .enc = ENC,
	    .auth = AUTH,
	    .n_requests = 1,
	    .req[0] = {.proto = IPSEC_ESP, .mode = IPSEC_TUNNEL}};

	memcpy(t.icookie, &n, sizeof(n));
	return t;
}

static struct grants *make(void **state)
{
	struct grants *g = malloc(sizeof(*g));

	assert_non_null(g);
	grants_init(g, FIRST);
	*state = g;
	return g;
}

static int teardown(void **state)
{
	if (*state)
		grants_fini(*state);
	free(*state);
	*state = NULL;
	return 0;
}

static struct grant *put(struct grants *g, uint32_t out_id, uint32_t n, uint64_t now_ms, int want)
{
	const struct grant_terms t = terms(out_id, n);
	struct grant *x = NULL;

	assert_int_equal(grants_put(g, &t, now_ms, &x, NULL), want);
	return x;
}

/* How many datapathd hears of, and how many of these were taken back. */
static unsigned tell(struct grants *g, unsigned *ret_gone)
{
	struct grant *x;
	unsigned n = 0;

	*ret_gone = 0;
	while ((x = grants_next_to_tell(g))) {
		n++;
		*ret_gone += x->gone;
		grants_told(g, x);
	}
	return n;
}

static void asked_again_it_is_renewed(void **state)
{
	struct grants *g = make(state);
	struct grant *one = put(g, 1, 1, 0, GRANT_NEW), *two = put(g, 1, 2, 0, GRANT_NEW);

	assert_int_equal(one->id, FIRST);
	assert_int_equal(two->id, FIRST + 1);
	assert_ptr_equal(put(g, 1, 1, 10, GRANT_RENEWED), one);
	assert_int_equal(one->expires_ms, 10 + GRANT_LIFE_MS);
	assert_int_equal(grants_next_ms(g), GRANT_LIFE_MS); /* of the other one */
	assert_ptr_equal(grants_find(g, FIRST), one);
	grants_drop(g, one, false);
	assert_null(grants_find(g, FIRST));
	assert_int_equal(put(g, 1, 1, 20, GRANT_NEW)->id, FIRST + 2);
	assert_int_equal(g->n, 2);
}

/* Two renewals that cross ask for the same one. */
static void it_goes_with_the_last_who_asked(void **state)
{
	struct grants *g = make(state);
	struct grant *x = put(g, 1, 1, 0, GRANT_NEW);
	unsigned gone;

	put(g, 1, 1, 10, GRANT_RENEWED);
	assert_false(grants_leave(g, x));
	assert_ptr_equal(grants_find(g, FIRST), x);
	assert_int_equal(tell(g, &gone), 0);
	assert_true(grants_leave(g, x));
	assert_null(grants_find(g, FIRST));
	assert_int_equal(tell(g, &gone), 1);
	assert_int_equal(gone, 1);
}

static void they_end_by_themselves(void **state)
{
	struct grants *g = make(state);
	unsigned gone;

	put(g, 1, 1, 0, GRANT_NEW);
	put(g, 1, 2, 5, GRANT_NEW);
	grants_expire(g, GRANT_LIFE_MS - 1);
	assert_int_equal(g->n, 2);
	grants_expire(g, GRANT_LIFE_MS);
	assert_int_equal(g->n, 1);
	grants_expire(g, GRANT_LIFE_MS + 5);
	assert_int_equal(g->n, 0);
	assert_int_equal(grants_next_ms(g), UINT64_MAX);
	assert_int_equal(tell(g, &gone), 0); /* datapathd knows when */
	grants_expire(g, UINT64_MAX);
}

static void the_table_is_bounded(void **state)
{
	struct grants *g = make(state);
	struct grant_terms t = terms(1, GRANTS_MAX);
	struct grant *x;
	struct err_text e;

	for (uint32_t i = 0; i < GRANTS_MAX; i++)
		put(g, 1, i, 0, GRANT_NEW);
	assert_int_equal(grants_put(g, &t, 0, &x, &e), -ENOSPC);
	put(g, 1, 7, 0, GRANT_RENEWED);
	for (uint64_t id = FIRST; id < FIRST + GRANTS_MAX; id++) {
		x = grants_find(g, id);
		assert_non_null(x);
		assert_int_equal(x->id, id);
	}
	grants_drop(g, grants_find(g, FIRST + 100), false);
	put(g, 1, GRANTS_MAX, 0, GRANT_NEW);
}

static void insert(struct spd *spd, uint32_t id, enum policy_dir dir)
{
	const struct policy p = {.id = id,
	    .dir = dir,
	    .action = POLICY_IPSEC,
	    .sel = {.src = {inet_addr_v4(id), 32}, .dst = {inet_addr_v4(1), 32}, .proto = IPPROTO_ANY_}};

	assert_int_equal(spd_insert(spd, &p, NULL), 0);
}

static void they_go_with_their_policies(void **state)
{
	struct grants *g = make(state);
	AUTO_SPD struct spd *spd = NULL;
	struct grant *x;
	unsigned gone;

	assert_int_equal(spd_new(&spd), 0);
	for (uint32_t id = 1; id <= 4; id++)
		insert(spd, id, id % 2 ? POLICY_OUT : POLICY_IN);
	put(g, 1, 1, 0, GRANT_NEW)->t.in_id = 2;
	put(g, 3, 1, 0, GRANT_NEW)->t.in_id = 4;
	put(g, 3, 2, 0, GRANT_NEW);
	assert_int_equal(grants_follow_spd(g, spd), 0);
	spd_remove(spd, spd_find_id(spd, 4)); /* the inbound partner */
	assert_int_equal(grants_follow_spd(g, spd), 1);
	x = grants_next_to_tell(g);
	assert_true(x->gone);
	assert_int_equal(x->id, FIRST + 1);
	assert_int_equal(tell(g, &gone), 1);
	spd_remove(spd, spd_find_id(spd, 3));
	assert_int_equal(grants_follow_spd(g, spd), 1);
	assert_int_equal(g->n, 1);
	assert_non_null(grants_find(g, FIRST));
	spd_clear(spd);
	assert_int_equal(grants_follow_spd(g, spd), 1);
	assert_int_equal(tell(g, &gone), 2);
	assert_int_equal(gone, 2);
	assert_int_equal(g->n_withdrawn, 3);
}

/* Takes two further policies, of which the first is `first`. */
static struct grant *put_set(struct grants *g, uint32_t out_id, uint32_t first, int want)
{
	struct grant_terms t = terms(out_id, 1);
	struct grant *x = NULL;

	t.more = calloc(2, sizeof(*t.more));
	t.n_more = 2;
	t.more[0] = (struct grant_more){.out_id = first, .in_id = first + 1};
	t.more[1] = (struct grant_more){.out_id = first + 2};
	assert_int_equal(grants_put(g, &t, 0, &x, NULL), want);
	if (want < 0)
		free(t.more);
	return x;
}

static void of_several_policies(void **state)
{
	struct grants *g = make(state);
	AUTO_SPD struct spd *spd = NULL;
	struct grant *x, *alone;

	assert_int_equal(spd_new(&spd), 0);
	for (uint32_t id = 1; id <= 9; id++)
		insert(spd, id, id % 2 ? POLICY_OUT : POLICY_IN);
	alone = put(g, 1, 1, 0, GRANT_NEW);
	x = put_set(g, 1, 3, GRANT_NEW);
	assert_ptr_not_equal(x, alone); /* another set is another question */
	assert_ptr_equal(put_set(g, 1, 3, GRANT_RENEWED), x);
	assert_ptr_not_equal(put_set(g, 1, 5, GRANT_NEW), x);
	assert_ptr_equal(put(g, 1, 1, 0, GRANT_RENEWED), alone);
	assert_int_equal(g->n_more, 4);
	assert_int_equal(grants_follow_spd(g, spd), 0);
	spd_remove(spd, spd_find_id(spd, 4)); /* a further one's inbound partner */
	assert_int_equal(grants_follow_spd(g, spd), 1);
	assert_int_equal(g->n_more, 2);
	spd_remove(spd, spd_find_id(spd, 7)); /* a further one */
	assert_int_equal(grants_follow_spd(g, spd), 1);
	assert_int_equal(g->n_more, 0);
	assert_int_equal(g->n, 1);
	g->n_more = GRANTS_MORE_MAX - 1;
	(void)put_set(g, 1, 3, -ENOSPC);
	g->n_more = 0;
}

static void a_datapathd_that_comes_back_hears_of_all(void **state)
{
	struct grants *g = make(state);
	unsigned gone;

	put(g, 1, 1, 0, GRANT_NEW);
	put(g, 2, 1, 0, GRANT_NEW);
	put(g, 3, 1, 0, GRANT_NEW);
	grants_drop(g, grants_find(g, FIRST + 1), true); /* while it was away */
	grants_tell_all(g);
	grants_tell_all(g);
	assert_int_equal(tell(g, &gone), 3);
	assert_int_equal(gone, 1);
	assert_int_equal(tell(g, &gone), 0);
	assert_int_equal(g->n, 2);
	grants_tell_all(g); /* teardown with something untold */
	grants_drop(g, grants_find(g, FIRST), true);
}

static struct ike_view *view(uint32_t enc, const struct inet_addr *peer)
{
	struct ike_view *v = ike_view_new(1, 1);

	assert_non_null(v);
	if (peer)
		assert_int_equal(ike_view_add_peer(v, "x", peer, IKE_GENERATE_OFF, false), 0);
	assert_int_equal(ike_view_add_child(v, &(struct ike_view_child){enc, AUTH}), 0);
	assert_int_equal(ike_view_sort(v), 0);
	return v;
}

static void they_follow_the_configuration(void **state)
{
	const struct inet_addr any = {0}, peer = inet_addr_v4(0xc0000202), other = inet_addr_v4(0xc0000203);
	AUTO_IKE_VIEW struct ike_view *same = view(ENC, &peer), *less = view(1 << ALG_ENC_3DES_CBC, &any);
	AUTO_IKE_VIEW struct ike_view *none = view(0, &any), *without = view(ENC, &other);
	struct grants *g = make(state);
	unsigned gone;

	put(g, 1, 1, 0, GRANT_NEW);
	assert_int_equal(grants_follow_view(g, same), 0);
	assert_int_equal(tell(g, &gone), 0);
	assert_int_equal(grants_follow_view(g, less), 0);
	assert_int_equal(grants_next_to_tell(g)->t.enc, 1 << ALG_ENC_3DES_CBC);
	assert_int_equal(tell(g, &gone), 1);
	assert_int_equal(gone, 0);
	assert_int_equal(grants_follow_view(g, without), 1);
	put(g, 1, 1, 0, GRANT_NEW);
	assert_int_equal(grants_follow_view(g, none), 1);
	assert_int_equal(tell(g, &gone), 2);
	assert_int_equal(gone, 2);
}

#define CASE(fn) cmocka_unit_test_teardown(fn, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(asked_again_it_is_renewed),
	    CASE(it_goes_with_the_last_who_asked),
	    CASE(they_end_by_themselves),
	    CASE(the_table_is_bounded),
	    CASE(they_go_with_their_policies),
	    CASE(of_several_policies),
	    CASE(a_datapathd_that_comes_back_hears_of_all),
	    CASE(they_follow_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
