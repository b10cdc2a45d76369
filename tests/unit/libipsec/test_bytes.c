/*
 * The binary form against tables made by hand from its description, and what is said to buffers that are not
 * one. Every buffer ends at a page that must not be touched.
 */
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

#include <netinet6/ipsec.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Integers in host byte order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define H16(v) (uint8_t)((v)&0xff), (uint8_t)((v) >> 8)
#define H32(v) H16((v)&0xffff), H16((uint32_t)(v) >> 16)
#else
#define H16(v) (uint8_t)((v) >> 8), (uint8_t)((v)&0xff)
#define H32(v) H16((uint32_t)(v) >> 16), H16((v)&0xffff)
#endif

#define HEADER(units, action, dir, prio)     H16(units), H16(18), H16(action), dir, 0, H32(0), H32(prio)
#define REQUEST(len, proto, mode, level, id) H16(len), H16(proto), mode, level, H16(0), H32(id), H32(0)
#define SIN(port, ...)                       H16(2), (port) >> 8, (port)&0xff, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0, 0
/* 2001:db8::LAST */
#define SIN6(port, last)                                                                                     \
	H16(10), (port) >> 8, (port)&0xff, H32(0), 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,      \
	    last, H32(0)
#define DEF 0x80000000u

static uint8_t *guarded;
static size_t page;

/* `n` bytes right before the forbidden page. */
static uint8_t *at_edge(const void *p, size_t n)
{
	uint8_t *at = guarded + page - n;

	memcpy(at, p, n);
	return at;
}

static void test_bytes_as_described(void **state)
{
	static const uint8_t none[] = {HEADER(2, 1, 2, DEF)};
	static const uint8_t direction[] = {HEADER(2, 0, 1, DEF)};
	static const uint8_t forward[] = {HEADER(2, 0, 3, DEF)};
	static const uint8_t entrust[] = {HEADER(2, 3, 1, DEF)};
	static const uint8_t bypass[] = {HEADER(2, 4, 2, 0x40000000u)};
	static const uint8_t transport[] = {HEADER(4, 2, 2, DEF), REQUEST(16, 50, 1, 2, 0)};
	static const uint8_t tunnel4[] = {
	    HEADER(8, 2, 1, DEF), REQUEST(48, 51, 2, 3, 77), SIN(0, 10, 0, 0, 1), SIN(0, 192, 0, 2, 255)};
	static const uint8_t ports4[] = {
	    HEADER(8, 2, 2, DEF), REQUEST(48, 50, 2, 1, 0), SIN(4500, 10, 0, 0, 1), SIN(500, 10, 0, 0, 2)};
	static const uint8_t tunnel6[] = {HEADER(13, 2, 2, 0xC0000001u), REQUEST(72, 50, 2, 0, 0), SIN6(0, 1),
	    SIN6(0, 2), REQUEST(16, 108, 1, 1, 0)};
	static const struct {
		const char *text;
		const uint8_t *want;
		size_t n;
	} cases[] = {
	    {"out none", none, sizeof(none)},
	    {"in", direction, sizeof(direction)},
	    {"fwd discard", forward, sizeof(forward)},
	    {"in entrust", entrust, sizeof(entrust)},
	    {"out prio high bypass", bypass, sizeof(bypass)},
	    {"out ipsec esp/transport//require", transport, sizeof(transport)},
	    {"in ipsec ah/tunnel/10.0.0.1-192.0.2.255/unique:77", tunnel4, sizeof(tunnel4)},
	    {"out ipsec esp/tunnel/10.0.0.1[4500]-10.0.0.2[500]/use", ports4, sizeof(ports4)},
	    {"out prio low - 1 ipsec esp/tunnel/2001:db8::1-2001:db8::2 ipcomp/transport//use", tunnel6,
	        sizeof(tunnel6)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *policy = ipsec_set_policy(cases[i].text, (int)strlen(cases[i].text));

		assert_non_null(policy);
		assert_int_equal(ipsec_get_policylen(policy), cases[i].n);
		assert_memory_equal(policy, cases[i].want, cases[i].n);
		free(policy);
	}
}

static void test_bytes_malformed(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[160];
		size_t n; /* that can be read */
		const char *want;
	} cases[] = {
	    {"length 0", {H16(0), H16(18)}, 2, "Malformed key message"},
	    {"length 8", {H16(1), H16(18)}, 8, "Malformed key message"},
	    {"another extension", {H16(2), H16(5), H16(1), 2}, 16, "Unexpected extension type"},
	    {"no direction", {HEADER(2, 1, 0, 0)}, 16, "Invalid direction"},
	    {"direction 4", {HEADER(2, 1, 4, 0)}, 16, "Invalid direction"},
	    {"action 5", {HEADER(2, 5, 1, 0)}, 16, "Invalid security policy"},
	    {"half a request", {HEADER(3, 2, 1, 0), H16(16), H16(50)}, 24, "Malformed key message"},
	    {"request of length 0", {HEADER(4, 2, 1, 0), REQUEST(0, 50, 1, 1, 0)}, 32,
	        "Malformed key message"},
	    {"request of length 15", {HEADER(4, 2, 1, 0), REQUEST(15, 50, 1, 1, 0)}, 32,
	        "Malformed key message"},
	    {"request beyond the end", {HEADER(4, 2, 1, 0), REQUEST(17, 50, 1, 1, 0)}, 32,
	        "Malformed key message"},
	    {"request of 65535", {HEADER(4, 2, 1, 0), REQUEST(65535, 50, 1, 1, 0)}, 32,
	        "Malformed key message"},
	    {"protocol 6", {HEADER(4, 2, 1, 0), REQUEST(16, 6, 1, 1, 0)}, 32, "Invalid ipsec protocol"},
	    {"mode any", {HEADER(4, 2, 1, 0), REQUEST(16, 50, 0, 1, 0)}, 32, "Invalid ipsec mode"},
	    {"mode 3", {HEADER(4, 2, 1, 0), REQUEST(16, 50, 3, 1, 0)}, 32, "Invalid ipsec mode"},
	    {"level 4", {HEADER(4, 2, 1, 0), REQUEST(16, 50, 1, 4, 0)}, 32, "Invalid ipsec level"},
	    {"tunnel without ends", {HEADER(4, 2, 1, 0), REQUEST(16, 50, 2, 1, 0)}, 32,
	        "Invalid address specification"},
	    {"one end", {HEADER(6, 2, 1, 0), REQUEST(32, 50, 2, 1, 0), SIN(0, 10, 0, 0, 1)}, 48,
	        "Malformed key message"},
	    {"half an end", {HEADER(5, 2, 1, 0), REQUEST(24, 50, 2, 1, 0), H16(2)}, 40,
	        "Malformed key message"},
	    {"a family nobody knows", {HEADER(8, 2, 1, 0), REQUEST(48, 50, 2, 1, 0), H16(99)}, 64,
	        "Unknown address family"},
	    {"two families",
	        {HEADER(10, 2, 1, 0), REQUEST(60, 50, 2, 1, 0), SIN(0, 10, 0, 0, 1), H16(10), 0, 0, H32(0),
	            0x20},
	        80, "Family mismatch"},
	    {"more than two ends",
	        {HEADER(10, 2, 1, 0), REQUEST(64, 50, 2, 1, 0), SIN(0, 10, 0, 0, 1), SIN(0, 10, 0, 0, 2)}, 80,
	        "Malformed key message"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const uint8_t *edge = at_edge(cases[i].bytes, cases[i].n);

		if (ipsec_dump_policy(edge, NULL))
			fail_msg("%s was taken", cases[i].what);
		if (strcmp(ipsec_strerror(), cases[i].want) != 0)
			fail_msg("%s\nwant %s\ngot  %s", cases[i].what, cases[i].want, ipsec_strerror());
		assert_null(ipsec_dump_policy_withports(edge, ""));
		if (i < 3)
			assert_true(ipsec_get_policylen(edge) < 0);
		else
			assert_int_equal(ipsec_get_policylen(edge), cases[i].n);
	}
}

/* Every byte of a good buffer becomes every value: an answer or an error, and nothing beyond the end. */
static void test_bytes_any_octet_changed(void **state)
{
	static const char text[] = "out prio low ipsec esp/tunnel/10.0.0.1[1]-10.0.0.2[2]/unique:3 "
	                           "ah/tunnel/2001:db8::1-2001:db8::2/use ipcomp/transport//require";
	char *policy = ipsec_set_policy(text, sizeof(text)), *got;
	size_t n = (size_t)ipsec_get_policylen(policy), taken = 0;

	(void)state;
	for (size_t at = 2; at < n; at++) { /* the length is the caller's word */
		for (unsigned v = 0; v < 256; v++) {
			uint8_t *edge = at_edge(policy, n);

			edge[at] = (uint8_t)v;
			got = ipsec_dump_policy_withports(edge, NULL);
			taken += got != NULL;
			assert_true(got || strcmp(ipsec_strerror(), "Success") != 0);
			free(got);
		}
	}
	assert_in_range(taken, n, n * 256 - 1);
	free(policy);
}

/* From another builder, with what the language cannot say: written as it is. */
static void test_bytes_ids_beyond_the_language(void **state)
{
	static const uint8_t big[] = {HEADER(4, 2, 2, 0), REQUEST(16, 50, 1, 3, 4000000000u)};
	char *text = ipsec_dump_policy(at_edge(big, sizeof(big)), NULL);

	(void)state;
	assert_string_equal(text, "out ipsec esp/transport//unique:4000000000");
	assert_null(ipsec_set_policy(text, (int)strlen(text)));
	assert_string_equal(ipsec_strerror(), "Invalid ipsec level");
	free(text);
}

static int setup(void **state)
{
	(void)state;
	page = (size_t)sysconf(_SC_PAGESIZE);
	guarded = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return guarded == MAP_FAILED ? -1 : mprotect(guarded + page, page, PROT_NONE);
}

static int teardown(void **state)
{
	(void)state;
	return munmap(guarded, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes_as_described),
	    cmocka_unit_test(test_bytes_malformed),
	    cmocka_unit_test(test_bytes_any_octet_changed),
	    cmocka_unit_test(test_bytes_ids_beyond_the_language),
	};

	return cmocka_run_group_tests_name("libipsec bytes", tests, setup, teardown);
}
