#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/list.h"
#include "base/rng.h"

struct thing {
	int v;
	struct list node;
};

static void expect(const struct list *head, const char *want)
{
	char got[64];
	size_t n = 0;

	list_foreach (t, head, struct thing, node)
		got[n++] = (char)t->v;
	got[n] = '\0';
	assert_string_equal(got, want);
	/* The same backwards. */
	for (const struct list *l = head->prev; l != head; l = l->prev)
		assert_int_equal(list_entry((struct list *)l, struct thing, node)->v, want[--n]);
	assert_int_equal(n, 0);
}

static void test_list_appends_prepends_inserts(void **state)
{
	struct list head = LIST_INIT(head);
	struct thing a = {.v = 'a'}, b = {.v = 'b'}, c = {.v = 'c'}, d = {.v = 'd'};

	(void)state;
	assert_true(list_is_empty(&head));
	expect(&head, "");
	list_append(&head, &b.node);
	expect(&head, "b");
	list_append(&head, &d.node);
	list_prepend(&head, &a.node);
	list_insert_before(&d.node, &c.node);
	expect(&head, "abcd");
	assert_false(list_is_empty(&head));
}

static void test_list_remove_twice_is_harmless(void **state)
{
	struct list head = LIST_INIT(head);
	struct thing a = {.v = 'a'}, b = {.v = 'b'};

	(void)state;
	list_append(&head, &a.node);
	list_append(&head, &b.node);
	list_remove(&a.node);
	assert_true(list_is_empty(&a.node));
	list_remove(&a.node);
	expect(&head, "b");
	list_append(&head, &a.node);
	expect(&head, "ba");
}

static void test_list_foreach_safe_survives_removal(void **state)
{
	struct list head = LIST_INIT(head);
	struct thing t[6];

	(void)state;
	for (int i = 0; i < 6; i++) {
		t[i].v = 'a' + i;
		list_append(&head, &t[i].node);
	}
	list_foreach_safe (it, next, &head, struct thing, node)
		if (it->v % 2)
			list_remove(&it->node);
	expect(&head, "bdf");
	list_foreach_safe (it, next, &head, struct thing, node)
		list_remove(&it->node);
	expect(&head, "");
}

static void test_list_random_equals_an_array(void **state)
{
	struct list head = LIST_INIT(head);
	struct thing t[20];
	struct rng_seeded seeded;
	char model[21] = "";

	(void)state;
	rng_seeded_init(&seeded, 11);
	for (int i = 0; i < 20; i++) {
		t[i].v = 'a' + i;
		list_init(&t[i].node);
	}
	for (int i = 0; i < 5000; i++) {
		struct thing *x = &t[rng_below(&seeded.rng, 20)];
		char *at = strchr(model, x->v);

		if (at) {
			list_remove(&x->node);
			memmove(at, at + 1, strlen(at));
		} else if (rng_below(&seeded.rng, 2)) {
			list_append(&head, &x->node);
			strncat(model, &(char){(char)x->v}, 1);
		} else {
			list_prepend(&head, &x->node);
			memmove(model + 1, model, strlen(model) + 1);
			model[0] = (char)x->v;
		}
		expect(&head, model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list_appends_prepends_inserts),
	    cmocka_unit_test(test_list_remove_twice_is_harmless),
	    cmocka_unit_test(test_list_foreach_safe_survives_removal),
	    cmocka_unit_test(test_list_random_equals_an_array),
	};

	return cmocka_run_group_tests_name("base/list", tests, NULL, NULL);
}
