/*
 * SAD memory as hostile input: every changed octet, truncations, copies and nonsense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "support/path_rig.h"

enum { INDEX = 17, NOW = 5000000, LEFT = 100 };

static _Alignas(64) struct sad_slot slot[40];
static struct sad_slot_facts facts = {
    .serial = 42, .created_ms = 4000000, .created_wall_ms = 99, .pid = 7, .manual = true};

static void write_sa(const struct sa_desc *d)
{
	memset(slot, 0, sizeof(slot));
	sad_slot_write(slot, INDEX, d, &facts);
	sad_slot_commit(slot);
}

static enum sad_slot_verdict read_at(uint32_t index, uint32_t left, struct sa_desc *ret)
{
	struct sad_slot_facts f;
	const char *why = NULL;
	struct sa_desc d;
	enum sad_slot_verdict v = sad_slot_read(slot, index, left, NOW, &d, &f, &why);

	if (v == SAD_SLOT_BAD)
		assert_non_null(why);
	if (v == SAD_SLOT_OK && ret)
		*ret = d;
	return v;
}

static struct sa_desc some_sa(void)
{
	struct sa_desc d = path_rig_desc(
	    "10.0.0.1", "10.0.0.2", IPSEC_ESP, 0x1234, IPSEC_TUNNEL, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA256);

	d.life = (struct sa_lifetime){1, 2, 3, 4, 5, 6};
	d.reqid = 9;
	return d;
}

static void test_slot_written_reads_back_the_same(void **state)
{
	const struct sa_desc d = some_sa();
	struct sa_desc r;

	(void)state;
	write_sa(&d);
	assert_int_equal(read_at(INDEX, LEFT, &r), SAD_SLOT_OK);
	assert_true(inet_addr_equal(&r.src, &d.src) && inet_addr_equal(&r.dst, &d.dst));
	assert_int_equal(r.spi, d.spi);
	assert_int_equal(r.mode, d.mode);
	assert_int_equal(r.reqid, d.reqid);
	assert_int_equal(r.enc_key_len, d.enc_key_len);
	assert_memory_equal(r.enc_key, d.enc_key, d.enc_key_len);
	assert_memory_equal(r.auth_key, d.auth_key, d.auth_key_len);
	assert_memory_equal(&r.life, &d.life, sizeof(d.life));
}

static void test_slot_unfinished_is_empty(void **state)
{
	const struct sa_desc d = some_sa();

	(void)state;
	memset(slot, 0, sizeof(slot));
	assert_int_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_EMPTY);
	sad_slot_write(slot, INDEX, &d, &facts);
	assert_int_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_EMPTY);
}

/* A changed octet of what is fixed is always noticed. One of what moves may pass only where it is a legal
 * value: then the description is untouched and the sequence number is not below any that was taken. */
static void test_slot_every_changed_octet_is_refused_or_harmless(void **state)
{
	const struct sa_desc d = some_sa();
	const size_t moves = offsetof(struct sad_slot, run);
	struct sa_desc r;

	(void)state;
	for (size_t i = 0; i < SAD_SLOT_SIZE; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			write_sa(&d);
			atomic_store(&slot->run.seq, 1000);
			atomic_store(&slot->run.seq_not, ~(uint64_t)1000);
			((uint8_t *)slot)[i] ^= (uint8_t)(1 << bit);
			if (read_at(INDEX, LEFT, &r) != SAD_SLOT_OK)
				continue;
			assert_true(i >= moves);
			assert_int_equal(r.spi, d.spi);
			assert_true(atomic_load(&slot->run.seq) >= 1000);
			assert_int_equal(atomic_load(&slot->run.seq_not), ~atomic_load(&slot->run.seq));
		}
	}
}

/* With a checksum that fits, as somebody who writes on purpose would have it. */
static void test_slot_forged_fields_are_judged_one_by_one(void **state)
{
	const struct sa_desc d = some_sa();
	static const struct {
		size_t at;
		uint8_t value;
	} row[] = {
	    {offsetof(struct sad_slot_desc, kind), 9},
	    {offsetof(struct sad_slot_desc, version), 9},
	    {offsetof(struct sad_slot_desc, index), INDEX + 1},
	    {offsetof(struct sad_slot_desc, spi) + 1, 0}, /* 0x34: reserved */
	    {offsetof(struct sad_slot_desc, serial), 0},
	    {offsetof(struct sad_slot_desc, serial) + 7, 0xff},
	    {offsetof(struct sad_slot_desc, src_family), 0},
	    {offsetof(struct sad_slot_desc, src_family), 6},
	    {offsetof(struct sad_slot_desc, dst_family), 5},
	    {offsetof(struct sad_slot_desc, proto), 108},
	    {offsetof(struct sad_slot_desc, proto), 51},
	    {offsetof(struct sad_slot_desc, mode), 0},
	    {offsetof(struct sad_slot_desc, mode), 77},
	    {offsetof(struct sad_slot_desc, enc), 99},
	    {offsetof(struct sad_slot_desc, auth), 99},
	    {offsetof(struct sad_slot_desc, enc_key_len), 15},
	    {offsetof(struct sad_slot_desc, enc_key_len), 255},
	    {offsetof(struct sad_slot_desc, auth_key_len), 65},
	    {offsetof(struct sad_slot_desc, icv_len), 200},
	    {offsetof(struct sad_slot_desc, fresh_key), 2},
	    {offsetof(struct sad_slot_desc, manual), 2},
	    {offsetof(struct sad_slot_desc, zero), 1},
	    {offsetof(struct sad_slot_desc, n_more), 1},
	    {offsetof(struct sad_slot_desc, n_more) + 1, 1},
	    {offsetof(struct sad_slot_desc, partner), 42}, /* the serial itself: before the first one */
	    {offsetof(struct sad_slot_desc, partner) + 3, 1},
	    {offsetof(struct sad_slot_desc, comp), 2},
	    {offsetof(struct sad_slot_desc, encap_dport), 1},
	    {offsetof(struct sad_slot_desc, encap_frag), 1},
	    {offsetof(struct sad_slot_desc, oa_family), 4},
	    {offsetof(struct sad_slot_desc, flags), 0x01},
	    {offsetof(struct sad_slot_desc, flags) + 3, 0x80},
	    {offsetof(struct sad_slot_desc, replay_bytes) + 2, 0xff},
	    {offsetof(struct sad_slot_desc, replay_bytes),
	        200}, /* another window than the one that is there */
	    {offsetof(struct sad_slot_desc, created_ms) + 6, 0xff},
	    {offsetof(struct sad_slot_desc, n_extra), 1},
	    {offsetof(struct sad_slot_desc, n_extra) + 3, 0xff},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		write_sa(&d);
		if (row[i].at == offsetof(struct sad_slot_desc, serial))
			slot->d.serial = 0;
		if (row[i].at == offsetof(struct sad_slot_desc, spi) + 1)
			slot->d.spi = 0x34;
		else
			((uint8_t *)&slot->d)[row[i].at] = row[i].value;
		sad_slot_commit(slot);
		if (read_at(INDEX, LEFT, NULL) != SAD_SLOT_BAD)
			fail_msg("row %zu (offset %zu = %u) was believed", i, row[i].at, row[i].value);
	}
}

static void test_slot_copied_elsewhere_is_refused(void **state)
{
	const struct sa_desc d = some_sa();

	(void)state;
	write_sa(&d);
	assert_int_equal(read_at(INDEX + 1, LEFT, NULL), SAD_SLOT_BAD);
}

/* Killed between the counter and its complement: the higher reading counts. */
static void test_slot_interrupted_sequence_goes_on_above(void **state)
{
	const struct sa_desc d = some_sa();

	(void)state;
	write_sa(&d);
	atomic_store(&slot->run.seq, 501);
	atomic_store(&slot->run.seq_not, ~(uint64_t)500);
	assert_int_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_OK);
	assert_int_equal(atomic_load(&slot->run.seq), 501);
	atomic_store(&slot->run.seq, 500);
	atomic_store(&slot->run.seq_not, ~(uint64_t)501);
	assert_int_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_OK);
	assert_int_equal(atomic_load(&slot->run.seq), 501);
	atomic_store(&slot->run.seq, 5000);
	assert_int_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_BAD);
}

static void test_slot_large_window_needs_its_room(void **state)
{
	struct sa_desc d = some_sa();

	(void)state;
	d.replay_bytes = REPLAY_BYTES_MAX;
	assert_true(sad_slot_extra(d.replay_bytes, 0) < ARRAY_SIZE(slot));
	write_sa(&d);
	assert_int_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_OK);
	assert_int_equal(sad_slot_window(slot)->size, REPLAY_BYTES_MAX * 8);
	assert_ptr_equal(sad_slot_window(slot), slot + 1);
	assert_int_equal(read_at(INDEX, sad_slot_extra(d.replay_bytes, 0), NULL), SAD_SLOT_BAD);
	assert_int_equal(read_at(INDEX, sad_slot_extra(d.replay_bytes, 0) + 1, NULL), SAD_SLOT_OK);
	sad_slot_clear(slot, 1 + sad_slot_extra(d.replay_bytes, 0));
	for (size_t i = 0; i < sizeof(slot); i++)
		assert_int_equal(((uint8_t *)slot)[i], 0);
}

/* Behind the window, whether that has slots of its own or not. */
static void test_slot_further_reqids_come_back(void **state)
{
	static const uint32_t windows[] = {32, REPLAY_BYTES_MAX};
	uint32_t more[SA_MORE_MAX];
	struct sa_desc d = some_sa(), r;
	uint32_t n;

	(void)state;
	for (uint32_t i = 0; i < SA_MORE_MAX; i++)
		more[i] = 0x8000 + 3 * i;
	d.reqid = 7;
	d.more_reqids = more;
	for (size_t w = 0; w < ARRAY_SIZE(windows); w++)
		for (d.n_more = 0; d.n_more <= SA_MORE_MAX; d.n_more += d.n_more == 127 ? 1 : 127) {
			d.replay_bytes = windows[w];
			n = sad_slot_extra(d.replay_bytes, d.n_more);
			assert_true(n < ARRAY_SIZE(slot));
			write_sa(&d);
			assert_int_equal(read_at(INDEX, n, NULL), SAD_SLOT_BAD);
			assert_int_equal(read_at(INDEX, n + 1, &r), SAD_SLOT_OK);
			assert_int_equal(r.n_more, d.n_more);
			if (d.n_more)
				assert_memory_equal(r.more_reqids, more, d.n_more * sizeof(more[0]));
			assert_int_equal(sad_slot_window(slot)->size, windows[w] * 8);
			sad_slot_clear(slot, 1 + n);
			for (size_t i = 0; i < sizeof(slot); i++)
				assert_int_equal(((uint8_t *)slot)[i], 0);
		}
}

/* They are outside of what the commit word covers. */
static void test_slot_changed_reqids_are_refused(void **state)
{
	static const uint32_t more[] = {5, 9, 11};
	struct sa_desc d = some_sa();
	uint32_t *list;

	(void)state;
	d.reqid = 7;
	d.more_reqids = more;
	d.n_more = ARRAY_SIZE(more);
	for (size_t i = 0; i < sizeof(uint32_t) + sizeof(more); i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			write_sa(&d);
			((uint8_t *)(slot + 1))[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_BAD);
		}
	/* With a sum that fits: they have to rise. */
	write_sa(&d);
	list = (uint32_t *)(void *)(slot + 1);
	list[2] = 5;
	list[0] = (uint32_t)slot_sum(list + 1, sizeof(more));
	sad_slot_commit(slot);
	assert_int_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_BAD);
}

static void test_slot_random_octets_are_never_believed(void **state)
{
	struct rng_seeded rng;

	(void)state;
	rng_seeded_init(&rng, 3);
	for (int i = 0; i < 20000; i++) {
		rng.rng.fill(&rng.rng, slot, sizeof(slot[0]));
		assert_int_not_equal(read_at(INDEX, LEFT, NULL), SAD_SLOT_OK);
		assert_int_not_equal(sad_prints_read((struct sad_prints *)(void *)slot, INDEX), SAD_SLOT_OK);
	}
}

static void test_prints_every_changed_octet_of_the_head_is_refused(void **state)
{
	struct sad_prints *p = (struct sad_prints *)(void *)slot;

	(void)state;
	for (size_t i = 0; i < 24; i++) {
		sad_prints_write(p, INDEX);
		assert_int_equal(sad_prints_read(p, INDEX), SAD_SLOT_OK);
		((uint8_t *)p)[i] ^= 0x80;
		assert_int_not_equal(sad_prints_read(p, INDEX), SAD_SLOT_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slot_written_reads_back_the_same),
	    cmocka_unit_test(test_slot_unfinished_is_empty),
	    cmocka_unit_test(test_slot_every_changed_octet_is_refused_or_harmless),
	    cmocka_unit_test(test_slot_forged_fields_are_judged_one_by_one),
	    cmocka_unit_test(test_slot_copied_elsewhere_is_refused),
	    cmocka_unit_test(test_slot_interrupted_sequence_goes_on_above),
	    cmocka_unit_test(test_slot_large_window_needs_its_room),
	    cmocka_unit_test(test_slot_further_reqids_come_back),
	    cmocka_unit_test(test_slot_changed_reqids_are_refused),
	    cmocka_unit_test(test_slot_random_octets_are_never_believed),
	    cmocka_unit_test(test_prints_every_changed_octet_of_the_head_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
