#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
#include "base/rng.h"
#include "base/sbuf.h"

static void test_sbuf_empty_is_the_empty_text(void **state)
{
	AUTO_SBUF struct sbuf b;

	(void)state;
	sbuf_init(&b);
	assert_string_equal(sbuf_str(&b), "");
	sbuf_add(&b, "%s", "");
	assert_string_equal(sbuf_str(&b), "");
	assert_int_equal(b.len, 0);
	assert_false(b.bad);
}

static void test_sbuf_adds_of_every_kind_follow_each_other(void **state)
{
	AUTO_SBUF struct sbuf b;

	(void)state;
	sbuf_init(&b);
	sbuf_add(&b, "spi=%u", 4096u);
	sbuf_add_bytes(&b, " key=xx", 5);
	sbuf_add_hex(&b, "\x00\x7f\xff", 3);
	sbuf_add_bytes(&b, NULL, 0);
	sbuf_add_hex(&b, NULL, 0);
	assert_string_equal(sbuf_str(&b), "spi=4096 key=007fff");
	assert_int_equal(b.len, strlen(sbuf_str(&b)));
	sbuf_reset(&b);
	assert_string_equal(sbuf_str(&b), "");
	sbuf_add(&b, "again");
	assert_string_equal(sbuf_str(&b), "again");
}

/* Every length around every doubling, in one piece and appended to something. */
static void test_sbuf_lengths_around_the_growth_steps(void **state)
{
	static char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int n = 0; n<4200; n += n> 240 && n < 270 ? 1 : n > 1000 && n < 1030 ? 1 : 37) {
		AUTO_SBUF struct sbuf b;

		sbuf_init(&b);
		sbuf_add(&b, "%.*s", n, text);
		sbuf_add(&b, "%.*s|", n, text);
		sbuf_add_bytes(&b, text, (size_t)n);
		assert_false(b.bad);
		assert_int_equal(b.len, 3 * n + 1);
		assert_int_equal(strlen(b.s), b.len);
		assert_true(b.room > b.len);
		assert_int_equal(b.s[2 * n], '|');
	}
}

static void test_sbuf_random_equals_a_flat_buffer(void **state)
{
	struct rng_seeded seeded;
	AUTO_SBUF struct sbuf b;
	static char flat[200000];
	size_t len = 0;

	(void)state;
	rng_seeded_init(&seeded, 3);
	sbuf_init(&b);
	for (int i = 0; i < 1000; i++) {
		char piece[201];
		size_t n = rng_below(&seeded.rng, sizeof(piece) - 1);

		memset(piece, 'a' + i % 26, n);
		piece[n] = '\0';
		if (rng_below(&seeded.rng, 2))
			sbuf_add(&b, "%s", piece);
		else
			sbuf_add_bytes(&b, piece, n);
		memcpy(flat + len, piece, n + 1);
		len += n;
	}
	assert_int_equal(b.len, len);
	assert_string_equal(sbuf_str(&b), flat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sbuf_empty_is_the_empty_text),
	    cmocka_unit_test(test_sbuf_adds_of_every_kind_follow_each_other),
	    cmocka_unit_test(test_sbuf_lengths_around_the_growth_steps),
	    cmocka_unit_test(test_sbuf_random_equals_a_flat_buffer),
	};

	return cmocka_run_group_tests_name("base/sbuf", tests, NULL, NULL);
}
