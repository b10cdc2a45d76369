/*
 * SAD memory across lives: what a killed process leaves is taken over whole; what is not ours is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "datapathd/sa/prints_file.h"
#include "support/path_rig.h"

/* The launcher's store. */
static struct {
	char name[SAD_NAME_MAX];
	int fd;
} kept[SAD_SEGMENTS_MAX];
static unsigned n_kept, n_said;

static struct clock_fake fake;
static struct rng_seeded rng;
static struct epoch epoch;
static struct sad_store *store;
static struct sad sad;

static int keep(void *arg, const char *name, int fd)
{
	(void)arg;
	snprintf(kept[n_kept].name, sizeof(kept[n_kept].name), "%s", name);
	kept[n_kept++].fd = dup(fd);
	return 0;
}

static char forgotten[SAD_NAME_MAX];
static unsigned n_forgotten;

static void forget(void *arg, const char *name)
{
	(void)arg;
	snprintf(forgotten, sizeof(forgotten), "%s", name);
	n_forgotten++;
}

static void say(void *arg, const char *what)
{
	(void)arg;
	assert_true(strlen(what) > 10);
	n_said++;
}

static int used_keys = -1;

static int write_down(void *arg, const uint8_t print[SAD_PRINT_LEN])
{
	(void)arg;
	return used_keys < 0 ? 0 : prints_file_add(used_keys, print);
}

static void begin_life(void)
{
	const struct sad_store_env env = {.clock = &fake.clock,
	    .rng = &rng.rng,
	    .keep = keep,
	    .forget = forget,
	    .write_down = write_down,
	    .log = say};

	epoch_init(&epoch);
	assert_int_equal(sad_store_new(&env, &store), 0);
	assert_int_equal(sad_init(&sad, &epoch, store, &fake.clock), 0);
}

static struct sad_store_found recover(void)
{
	struct err_text e;
	struct sad_store_found found;
	unsigned n = n_kept;

	for (unsigned i = 0; i < n; i++)
		(void)sad_store_adopt(store, kept[i].name, dup(kept[i].fd));
	found = sad_recover(&sad);
	assert_int_equal(sad_store_begin(store, &e), 0);
	return found;
}

/* As kill -9 would: nothing is said to anybody. */
static void end_life(void)
{
	epoch_fini(&epoch);
	sad_fini(&sad);
	epoch_fini(&epoch);
	store = sad_store_free(store);
}

static int setup(void **state)
{
	struct err_text e;

	(void)state;
	n_kept = n_said = 0;
	clock_fake_init(&fake, 1000000);
	rng_seeded_init(&rng, 11);
	assert_int_equal(crypto_init(&e), 0);
	begin_life();
	assert_int_equal(recover().sas, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_life();
	for (unsigned i = 0; i < n_kept; i++)
		close(kept[i].fd);
	return 0;
}

static struct sa *add(uint32_t spi, enum alg_enc enc, uint32_t replay_bytes)
{
	struct sa_desc d = path_rig_desc("10.0.0.1", "10.0.0.2", IPSEC_ESP, spi, IPSEC_TUNNEL, enc,
	    enc == ALG_ENC_AES_GCM_16 ? ALG_AUTH_NONE : ALG_AUTH_HMAC_SHA1);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;
	struct sa *sa = NULL;

	d.replay_bytes = replay_bytes;
	assert_int_equal(sad_txn_init(&t, &sad), 0);
	if (sad_txn_add(&t, &d, false, 5, &serial, &e) == 0 && sad_txn_commit(&t, NULL, NULL, &e) == 0)
		sa = sad_find(&sad, &d.src, &d.dst, d.proto, spi);
	sad_txn_fini(&t);
	return sa;
}

static struct sa *find(uint32_t spi)
{
	const struct inet_addr src = path_rig_addr("10.0.0.1"), dst = path_rig_addr("10.0.0.2");

	return sad_find(&sad, &src, &dst, IPSEC_ESP, spi);
}

/* Whose an SA is, is known to the next life, and with whom it belongs; and that its key needs nobody's word.
 */
static void test_store_next_life_knows_whose_an_sa_is(void **state)
{
	struct sa_desc d = path_rig_desc(
	    "10.0.0.1", "10.0.0.2", IPSEC_ESP, 0x2000, IPSEC_TUNNEL, ALG_ENC_AES_GCM_16, ALG_AUTH_NONE);
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;

	(void)state;
	assert_int_equal(sad_txn_init(&t, &sad), 0);
	t.manual = false;
	t.partner = 1;
	sad_store_next_serial(sad.store); /* which has that one */
	assert_int_equal(sad_txn_add(&t, &d, false, 5, &serial, &e), 0);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	assert_non_null(add(0x2001, ALG_ENC_AES_CBC, 4));
	end_life();
	begin_life();
	assert_int_equal(recover().sas, 2);
	assert_false(find(0x2000)->facts.manual);
	assert_int_equal(find(0x2000)->facts.serial, serial);
	assert_int_equal(find(0x2000)->facts.partner, 1);
	assert_true(find(0x2001)->facts.manual);
	assert_int_equal(find(0x2001)->facts.partner, 0);
}

static void test_store_next_life_has_the_same_sas(void **state)
{
	uint64_t serial, seq;
	struct sa *sa;

	(void)state;
	for (uint32_t spi = 0x1000; spi < 0x1000 + 1500; spi++)
		assert_non_null(add(spi, ALG_ENC_AES_CBC, spi % 3 ? 4 : 1024));
	assert_true(sad_store_segments(store) > 1);
	sa = find(0x1234);
	serial = sa->facts.serial;
	for (int i = 0; i < 100; i++)
		assert_int_equal(sa_rt_take_seq(sa->rt, &seq), 0);
	assert_int_equal(replay_commit(sa->rt->window, 77), REPLAY_NEW);
	sad_set_prefer_old(&sad, true);

	end_life();
	begin_life();
	assert_int_equal(recover().sas, 1500);
	assert_int_equal(n_said, 0);
	sa = find(0x1234);
	assert_non_null(sa);
	assert_int_equal(sa->facts.serial, serial);
	assert_int_equal(sa_rt_take_seq(sa->rt, &seq), 0);
	assert_int_equal(seq, 101);
	assert_int_equal(replay_check(sa->rt->window, 77), REPLAY_SEEN);
	assert_true(atomic_load(&sad.prefer_old));
	/* No serial is given out twice. */
	assert_true(add(0x9999, ALG_ENC_AES_CBC, 0)->facts.serial > 1500);
}

/* And for which policies it is, though these have slots of their own, which others do not get. */
static void test_store_next_life_knows_all_policies_of_an_sa(void **state)
{
	struct sa_desc d = path_rig_desc(
	    "10.0.0.1", "10.0.0.2", IPSEC_ESP, 0x2000, IPSEC_TUNNEL, ALG_ENC_AES_CBC, ALG_AUTH_HMAC_SHA1);
	uint32_t more[SA_MORE_MAX];
	struct sad_store_found found;
	struct err_text e = {0};
	struct sad_txn t;
	uint64_t serial;

	(void)state;
	for (uint32_t i = 0; i < SA_MORE_MAX; i++)
		more[i] = 0x8000 + 2 * i;
	d.reqid = 7;
	d.more_reqids = more;
	d.n_more = SA_MORE_MAX;
	assert_int_equal(sad_txn_init(&t, &sad), 0);
	assert_int_equal(sad_txn_add(&t, &d, false, 5, &serial, &e), 0);
	assert_int_equal(sad_txn_commit(&t, NULL, NULL, &e), 0);
	sad_txn_fini(&t);
	for (uint32_t spi = 0x2001; spi < 0x2010; spi++)
		assert_non_null(add(spi, ALG_ENC_AES_CBC, 4));
	for (int life = 0; life < 2; life++) {
		end_life();
		begin_life();
		found = recover();
		assert_int_equal(found.sas, 16);
		assert_int_equal(found.bad, 0);
	}
	for (uint32_t reqid = 0x7fff; reqid < 0x8000 + 2 * SA_MORE_MAX; reqid++)
		assert_int_equal(sa_rt_serves(find(0x2000)->rt, reqid), reqid >= 0x8000 && reqid % 2 == 0);
	assert_true(sa_rt_serves(find(0x2000)->rt, 7));
	assert_false(sa_rt_serves(find(0x2001)->rt, 0x8000));
}

static void test_store_serials_of_deleted_sas_are_not_reused(void **state)
{
	uint64_t serial;

	(void)state;
	for (uint32_t spi = 0x1000; spi < 0x1010; spi++)
		(void)add(spi, ALG_ENC_NULL, 0);
	serial = find(0x100f)->facts.serial;
	for (uint32_t spi = 0x1000; spi < 0x1010; spi++)
		sad_remove(&sad, find(spi), false);
	end_life();
	begin_life();
	assert_int_equal(recover().sas, 0);
	assert_true(add(0x2000, ALG_ENC_NULL, 0)->facts.serial > serial);
}

/* RFC 8221 section 3, RFC 4106: not in this life, not in the next. */
static void test_store_counter_mode_key_is_refused_the_second_time(void **state)
{
	(void)state;
	assert_non_null(add(0x1000, ALG_ENC_AES_GCM_16, 4));
	sad_remove(&sad, find(0x1000), false);
	assert_false(epoch_reclaim(&epoch));
	assert_null(add(0x1000, ALG_ENC_AES_GCM_16, 4));
	/* Many others in between, more than one slot of fingerprints holds. */
	for (uint32_t spi = 0x1001; spi < 0x1001 + 2 * SAD_PRINTS; spi++)
		assert_non_null(add(spi, ALG_ENC_AES_GCM_16, 4));
	end_life();
	begin_life();
	(void)recover();
	assert_null(add(0x1000, ALG_ENC_AES_GCM_16, 4));
	sad_remove(&sad, find(0x1001 + SAD_PRINTS), false);
	assert_null(add(0x1001 + SAD_PRINTS, ALG_ENC_AES_GCM_16, 4));
	assert_non_null(add(0x80f0, ALG_ENC_AES_GCM_16, 4));
}

/* The launcher's store is gone, as after a restart of the suite. */
static void lose_memory(void)
{
	end_life();
	while (n_kept)
		close(kept[--n_kept].fd);
	begin_life();
	(void)sad_recover(&sad);
}

static int join(void)
{
	struct err_text e = {0};

	return prints_file_join(used_keys, store, &e);
}

/* RFC 8221 section 3: nor after a restart of suite or host, when SAD memory is gone. */
static void test_prints_file_counter_mode_key_is_refused_after_memory_is_gone(void **state)
{
	char path[] = "/tmp/postern-used-keys-XXXXXX";

	(void)state;
	close(mkstemp(path));
	used_keys = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(join(), 0);
	assert_non_null(add(0x1000, ALG_ENC_AES_GCM_16, 4));
	assert_non_null(add(0x1001, ALG_ENC_AES_GCM_16, 4));
	for (int life = 0; life < 2; life++) {
		lose_memory();
		assert_int_equal(join(), 0);
		assert_null(add(0x1000, ALG_ENC_AES_GCM_16, 4));
		assert_null(add(0x1001, ALG_ENC_AES_GCM_16, 4));
	}
	assert_non_null(add(0x1002, ALG_ENC_AES_GCM_16, 4));
	/* A record that a power failure cut is no record, and the next one is whole again. */
	assert_int_equal(pwrite(used_keys, "torn", 4, lseek(used_keys, 0, SEEK_END)), 4);
	assert_non_null(add(0x1003, ALG_ENC_AES_GCM_16, 4));
	lose_memory();
	assert_int_equal(join(), 0);
	assert_null(add(0x1002, ALG_ENC_AES_GCM_16, 4));
	assert_null(add(0x1003, ALG_ENC_AES_GCM_16, 4));
	/* A file that was removed comes back from memory. */
	assert_int_equal(ftruncate(used_keys, 0), 0);
	assert_int_equal(join(), 0);
	lose_memory();
	assert_int_equal(join(), 0);
	assert_null(add(0x1000, ALG_ENC_AES_GCM_16, 4));
	/* One that cannot be written keeps the key out. */
	close(used_keys);
	used_keys = open(path, O_RDONLY | O_CLOEXEC);
	assert_null(add(0x1004, ALG_ENC_AES_GCM_16, 4));
	close(used_keys);
	used_keys = -1;
	unlink(path);
}

static struct sad_slot *raw_slot(unsigned i)
{
	uint8_t *p = mmap(NULL, SAD_SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, kept[0].fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return (struct sad_slot *)(void *)p + i;
}

static void test_store_bad_slot_is_dropped_and_counted_the_rest_lives(void **state)
{
	struct sad_store_found found;
	struct sad_slot *base;

	(void)state;
	for (uint32_t spi = 0x1000; spi < 0x1003; spi++)
		(void)add(spi, ALG_ENC_AES_CBC, 4);
	base = raw_slot(0);
	base[2].d.spi ^= 1;
	end_life();
	begin_life();
	found = recover();
	assert_int_equal(found.sas, 2);
	assert_int_equal(found.bad, 1);
	assert_int_equal(n_said, 1);
	/* Its memory holds no key any more. */
	for (size_t i = 0; i < SAD_SLOT_SIZE; i++)
		assert_int_equal(((uint8_t *)&base[2])[i], 0);
	munmap(base, SAD_SEGMENT_BYTES);
}

static void test_store_two_slots_of_one_identity_leave_one(void **state)
{
	struct sad_store_found found;
	struct sad_slot *base;

	(void)state;
	(void)add(0x1000, ALG_ENC_AES_CBC, 4);
	base = raw_slot(0);
	base[500] = base[1];
	base[500].d.index = 500;
	sad_slot_commit(&base[500]);
	munmap(base, SAD_SEGMENT_BYTES);
	end_life();
	begin_life();
	found = recover();
	assert_int_equal(found.sas, 1);
	assert_int_equal(found.bad, 1);
}

/* Killed in the middle of an update: the replacement went on from the old one's numbers, whichever slot comes
 * first. */
static void interrupted_update(unsigned newer)
{
	struct sad_slot *base = raw_slot(0);
	uint64_t old_serial = base[1].d.serial, seq;
	struct sad_store_found found;

	base[500] = base[1];
	base[500].d.index = 500;
	base[newer].d.serial = old_serial + 1000;
	atomic_store(&base[newer].run.seq, 5000);
	atomic_store(&base[newer].run.seq_not, ~(uint64_t)5000);
	sad_slot_commit(&base[1]);
	sad_slot_commit(&base[500]);
	end_life();
	begin_life();
	found = recover();
	assert_int_equal(found.sas, 1);
	assert_int_equal(find(0x1000)->facts.serial, old_serial + 1000);
	assert_int_equal(sa_rt_take_seq(find(0x1000)->rt, &seq), 0);
	assert_int_equal(seq, 5001);
	assert_int_equal(atomic_load(&base[newer == 1 ? 500 : 1].commit), 0);
	munmap(base, SAD_SEGMENT_BYTES);
}

static void test_store_interrupted_update_leaves_the_later_sa(void **state)
{
	(void)state;
	(void)add(0x1000, ALG_ENC_AES_CBC, 4);
	interrupted_update(500);
}

static void test_store_interrupted_update_leaves_the_later_sa_in_an_earlier_slot(void **state)
{
	(void)state;
	(void)add(0x1000, ALG_ENC_AES_CBC, 4);
	interrupted_update(1);
}

static void expect_refused(const char *name, int fd)
{
	unsigned said = n_said;

	assert_int_equal(sad_store_adopt(store, name, fd), -EINVAL);
	assert_int_equal(n_said, said + 1);
}

static void test_store_descriptors_that_are_no_segment_are_refused(void **state)
{
	int plain = memfd_create("plain", MFD_CLOEXEC), pipes[2];

	(void)state;
	end_life();
	begin_life();
	assert_int_equal(ftruncate(plain, SAD_SEGMENT_BYTES), 0);
	expect_refused("sad-0", plain);
	assert_int_equal(pipe(pipes), 0);
	expect_refused("sad-0", pipes[0]);
	expect_refused("sad-0", pipes[1]);
	expect_refused("sad-0", -1);
	expect_refused("sad-64", dup(kept[0].fd));
	expect_refused("sad-00", dup(kept[0].fd));
	expect_refused("sad-", dup(kept[0].fd));
	expect_refused("sad-1", dup(kept[0].fd)); /* it is segment 0 */
	assert_int_equal(sad_store_adopt(store, "sad-0", dup(kept[0].fd)), 0);
	expect_refused("sad-0", dup(kept[0].fd));
}

static void test_store_what_cannot_be_used_is_not_kept(void **state)
{
	unsigned before = n_forgotten, n = n_kept;

	(void)state;
	end_life();
	begin_life();
	expect_refused("sad-1", dup(kept[0].fd));
	assert_int_equal(n_forgotten, before + 1);
	assert_string_equal(forgotten, "sad-1");
	/* Its name's next bearer is stored anew, since the launcher forgets names. */
	expect_refused("sad-0", -1);
	assert_string_equal(forgotten, "sad-0");
	assert_int_equal(sad_store_adopt(store, "sad-0", dup(kept[0].fd)), 0);
	assert_int_equal(n_kept, n + 1);
	assert_string_equal(kept[n].name, "sad-0");
	/* A good one in use is not given up for a bad one of the same name. */
	expect_refused("sad-0", -1);
	assert_int_equal(n_forgotten, before + 2);
}

static void test_store_every_changed_octet_of_the_header_is_safe(void **state)
{
	uint8_t *base;

	(void)state;
	(void)add(0x1000, ALG_ENC_AES_CBC, 4);
	base = (uint8_t *)raw_slot(0);
	for (size_t i = 0; i < 80; i++) {
		end_life();
		base[i] ^= 0xff;
		begin_life();
		if (sad_store_adopt(store, "sad-0", dup(kept[0].fd)) == 0)
			(void)sad_recover(&sad);
		base[i] ^= 0xff;
	}
	end_life();
	begin_life();
	(void)recover();
	munmap(base, SAD_SEGMENT_BYTES);
}

static void test_store_full_says_so(void **state)
{
	struct sad_slot *slot;
	struct err_text e = {0};
	uint32_t index, n = 0;

	(void)state;
	while (sad_store_alloc(store, 15, &slot, &index, &e) == 0)
		n++;
	assert_true(n >= 60); /* at least one segment, more where memory may be locked */
	assert_true(e.s[0]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_store_next_life_has_the_same_sas),
	    T(test_store_next_life_knows_whose_an_sa_is),
	    T(test_store_next_life_knows_all_policies_of_an_sa),
	    T(test_store_serials_of_deleted_sas_are_not_reused),
	    T(test_store_counter_mode_key_is_refused_the_second_time),
	    T(test_prints_file_counter_mode_key_is_refused_after_memory_is_gone),
	    T(test_store_bad_slot_is_dropped_and_counted_the_rest_lives),
	    T(test_store_two_slots_of_one_identity_leave_one),
	    T(test_store_interrupted_update_leaves_the_later_sa),
	    T(test_store_interrupted_update_leaves_the_later_sa_in_an_earlier_slot),
	    T(test_store_descriptors_that_are_no_segment_are_refused),
	    T(test_store_what_cannot_be_used_is_not_kept),
	    T(test_store_every_changed_octet_of_the_header_is_safe),
	    T(test_store_full_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
