/*
 * Fragment memory and reassembly: order, loss, overlap, floods, time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "datapathd/frag/memory.h"
#include "datapathd/frag/reasm.h"
#include "support/path_rig.h"

enum { NOW = 100000 };

static uint8_t whole[65535], piece[65535];
static struct reasm *reasm;

static int setup(void **state)
{
	(void)state;
	return reasm_new(&reasm);
}

static int teardown(void **state)
{
	(void)state;
	reasm = reasm_free(reasm);
	return 0;
}

/* Cuts [from, from + n) of the payload of `whole` and offers it. */
static int offer_at(size_t from, size_t n, bool more, uint64_t now, const uint8_t **ret, uint32_t *ret_len)
{
	struct ip_view v;

	memcpy(piece, whole, 20);
	memcpy(piece + 20, whole + 20 + from, n);
	piece[6] = (uint8_t)(from / 8 >> 8 | (more ? 0x20 : 0));
	piece[7] = (uint8_t)(from / 8);
	ip4_set_payload(piece, piece[9], (uint16_t)(20 + n));
	assert_int_equal(ip_parse(piece, 20 + n, IP_TRUST_SUM, &v), IP_OK);
	return reasm_put(reasm, &v, now, ret, ret_len);
}

static int offer(size_t from, size_t n, bool more, const uint8_t **ret, uint32_t *ret_len)
{
	return offer_at(from, n, more, NOW, ret, ret_len);
}

static void test_reasm_any_order_gives_the_datagram(void **state)
{
	static const unsigned order[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};
	size_t total = path_rig_udp(whole, "10.0.0.1", "10.0.0.2", 1, 2, 3000) - 20;
	const uint8_t *p;
	uint32_t len;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(order); k++) {
		whole[5] = (uint8_t)k;
		for (unsigned i = 0; i < 4; i++) {
			size_t from = order[k][i] * 800, n = total - from < 800 ? total - from : 800;
			int r = offer(from, n, from + n < total, &p, &len);

			assert_int_equal(r, i == 3 ? REASM_WHOLE : REASM_HELD);
		}
		assert_int_equal(len, 20 + total);
		assert_memory_equal(p + 20, whole + 20, total);
		assert_int_equal(p[6] & 0x3f, 0);
		assert_int_equal(p[7], 0);
	}
}

static void test_reasm_overlap_forgets_the_datagram(void **state)
{
	const uint8_t *p;
	uint32_t len;

	(void)state;
	path_rig_udp(whole, "10.0.0.1", "10.0.0.2", 1, 2, 3000);
	assert_int_equal(offer(0, 800, true, &p, &len), REASM_HELD);
	assert_int_equal(offer(792, 800, true, &p, &len), REASM_REFUSED);
	/* Nothing of it is left: the same first fragment is new again. */
	assert_int_equal(offer(0, 800, true, &p, &len), REASM_HELD);
	assert_int_equal(offer(0, 800, true, &p, &len), REASM_REFUSED);
}

static void test_reasm_contradictions_are_refused(void **state)
{
	const uint8_t *p;
	uint32_t len;

	(void)state;
	path_rig_udp(whole, "10.0.0.1", "10.0.0.2", 1, 2, 3000);
	assert_int_equal(offer(0, 801, true, &p, &len), REASM_REFUSED); /* not a multiple of 8 */
	assert_int_equal(offer(8, 0, true, &p, &len), REASM_REFUSED);
	assert_int_equal(offer(1600, 100, false, &p, &len), REASM_HELD);
	assert_int_equal(offer(2400, 100, false, &p, &len), REASM_REFUSED); /* a second end */
	assert_int_equal(offer(800, 100, false, &p, &len), REASM_HELD);
	assert_int_equal(offer(904, 800, true, &p, &len), REASM_HELD); /* behind the end */
	assert_int_equal(offer(0, 800, true, &p, &len), REASM_REFUSED);
}

static void test_reasm_beyond_the_longest_datagram_is_refused(void **state)
{
	const uint8_t *p;
	uint32_t len;

	(void)state;
	path_rig_udp(whole, "10.0.0.1", "10.0.0.2", 1, 2, 3000);
	memcpy(piece, whole, 20);
	for (size_t from = 0; from < 65528; from += 8) {
		struct ip_view v;

		piece[6] = (uint8_t)(from / 8 >> 8);
		piece[7] = (uint8_t)(from / 8);
		ip4_set_payload(piece, 17, 1420);
		if (ip_parse(piece, 1420, IP_TRUST_SUM, &v) != IP_OK) {
			assert_true(from + 1400 > 65515);
			continue;
		}
		if (!v.is_frag)
			continue;
		assert_int_equal(reasm_put(reasm, &v, NOW + from * REASM_MS, &p, &len),
		    from + 1400 > 65515 ? REASM_REFUSED : REASM_HELD);
	}
}

static void test_reasm_flood_displaces_the_oldest_only(void **state)
{
	const uint8_t *p;
	uint32_t len;
	size_t total = path_rig_udp(whole, "10.0.0.1", "10.0.0.2", 1, 2, 1592) - 20;

	(void)state;
	for (unsigned id = 0; id <= REASM_PLACES; id++) {
		whole[5] = (uint8_t)id;
		assert_int_equal(offer_at(0, 800, true, NOW + id, &p, &len), REASM_HELD);
	}
	for (unsigned id = 0; id <= REASM_PLACES; id++) {
		whole[5] = (uint8_t)(REASM_PLACES - id);
		assert_int_equal(offer_at(800, total - 800, false, NOW + 100, &p, &len),
		    id < REASM_PLACES ? REASM_WHOLE : REASM_HELD);
	}
}

static void test_reasm_old_fragments_are_forgotten(void **state)
{
	const uint8_t *p;
	uint32_t len;
	size_t total = path_rig_udp(whole, "10.0.0.1", "10.0.0.2", 1, 2, 1592) - 20;

	(void)state;
	assert_int_equal(offer(0, 800, true, &p, &len), REASM_HELD);
	assert_int_equal(offer_at(800, total - 800, false, NOW + REASM_MS, &p, &len), REASM_HELD);
}

static struct packet_key key_of(unsigned host)
{
	char text[20];
	struct packet_key k = {.proto = 17, .has_ports = true, .sport = 5, .dport = 53};

	snprintf(text, sizeof(text), "10.0.%u.%u", host / 250, 1 + host % 250);
	k.src = path_rig_addr(text);
	k.dst = path_rig_addr("10.9.9.9");
	return k;
}

static bool knows(const struct frag_memory *m, unsigned host, uint32_t id, uint64_t now)
{
	struct packet_key k = key_of(host);

	k.has_ports = false;
	k.sport = k.dport = 0;
	return frag_memory_get(m, &k, id, now) && k.has_ports && k.sport == 5 && k.dport == 53;
}

static void test_memory_finds_the_same_datagram_only(void **state)
{
	static struct frag_memory m;
	const struct packet_key k = key_of(1);

	(void)state;
	frag_memory_init(&m, 99);
	frag_memory_put(&m, &k, 7, NOW);
	assert_true(knows(&m, 1, 7, NOW));
	assert_false(knows(&m, 1, 8, NOW));
	assert_false(knows(&m, 2, 7, NOW));
	assert_false(knows(&m, 1, 7, NOW + FRAG_MEMORY_MS));
}

static void test_memory_flood_forgets_but_never_lies(void **state)
{
	static struct frag_memory m;
	unsigned known = 0;

	(void)state;
	frag_memory_init(&m, 99);
	for (unsigned i = 0; i < 20000; i++) {
		const struct packet_key k = key_of(i % 5000);

		frag_memory_put(&m, &k, i, NOW + i);
		assert_true(knows(&m, i % 5000, i, NOW + i)); /* the latest is always there */
	}
	for (unsigned i = 0; i < 20000; i++)
		known += knows(&m, i % 5000, i, NOW + 20000);
	assert_true(known > 500 && known <= FRAG_MEMORY_SETS * FRAG_MEMORY_WAYS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_reasm_any_order_gives_the_datagram),
	    T(test_reasm_overlap_forgets_the_datagram),
	    T(test_reasm_contradictions_are_refused),
	    T(test_reasm_beyond_the_longest_datagram_is_refused),
	    T(test_reasm_flood_displaces_the_oldest_only),
	    T(test_reasm_old_fragments_are_forgotten),
	    T(test_memory_finds_the_same_datagram_only),
	    T(test_memory_flood_forgets_but_never_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
