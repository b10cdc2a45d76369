/*
 * Records and their bodies: the header's table, the capped unpack, and text from the other side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/record.h"
#include "ipc/types.h"

#include "admin.pb-c.h"
#include "common.pb-c.h"

static void test_record_parse_table(void **state)
{
	static const struct {
		size_t n;
		uint8_t b[16];
		int want;
		uint16_t type, flags;
		uint32_t id, row;
	} cases[] = {
	    {0, {0}, -EBADMSG, 0, 0, 0, 0},
	    {1, {0}, -EBADMSG, 0, 0, 0, 0},
	    {11, {0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0}, -EBADMSG, 0, 0, 0, 0},
	    {12, {0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2}, 0, 3, 0, 1, 2},
	    {12, {1, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9, 10}, 0, 0x0102, 1, 0x03040506, 0x0708090a},
	    {12, {0, 3, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}, -EBADMSG, 0, 0, 0, 0},
	    {12, {0, 3, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0}, -EBADMSG, 0, 0, 0, 0},
	    {12, {0, 3, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0}, -EBADMSG, 0, 0, 0, 0},
	    {13, {0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xff}, 0, 3, 0, 1, 0},
	    {16, {0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, 0, 0xffff, 0,
	        UINT32_MAX, UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ipc_record rec = {.type = 0x7777};

		assert_int_equal(ipc_record_parse(cases[i].b, cases[i].n, &rec), cases[i].want);
		if (cases[i].want < 0) {
			assert_int_equal(rec.type, 0x7777);
			continue;
		}
		assert_int_equal(rec.type, cases[i].type);
		assert_int_equal(rec.flags, cases[i].flags);
		assert_int_equal(rec.id, cases[i].id);
		assert_int_equal(rec.row, cases[i].row);
		assert_int_equal(rec.body_len, cases[i].n - IPC_HEADER_LEN);
		assert_ptr_equal(rec.body, cases[i].b + IPC_HEADER_LEN);
	}
}

static void test_record_longer_than_the_limit_refused(void **state)
{
	static uint8_t b[IPC_RECORD_MAX + 1];
	struct ipc_record rec;

	(void)state;
	b[1] = IPC_OK;
	assert_int_equal(ipc_record_parse(b, IPC_RECORD_MAX, &rec), 0);
	assert_int_equal(ipc_record_parse(b, IPC_RECORD_MAX + 1, &rec), -EBADMSG);
}

static void test_record_build_then_parse_gives_the_same(void **state)
{
	const struct ipc_record head = {
	    .type = IPC_SA_ROW, .flags = IPC_F_END, .id = 0x01020304, .row = 9999};
	Postern__Error m = POSTERN__ERROR__INIT;
	struct ipc_record rec;
	uint8_t b[64];
	int n;

	(void)state;
	m.code = EACCES;
	m.text = (char *)"no";
	n = ipc_record_build(b, sizeof(b), &head, &m.base);
	assert_int_equal(n, IPC_HEADER_LEN + 2 + 4);
	assert_int_equal(ipc_record_parse(b, (size_t)n, &rec), 0);
	assert_int_equal(rec.type, IPC_SA_ROW);
	assert_int_equal(rec.flags, IPC_F_END);
	assert_int_equal(rec.id, 0x01020304);
	assert_int_equal(rec.row, 9999);
	assert_memory_equal(rec.body, "\x08\x0d\x12\x02no", 6);
}

static void test_record_build_never_passes_the_room(void **state)
{
	const struct ipc_record head = {.type = IPC_ERROR, .id = 1};
	Postern__Error m = POSTERN__ERROR__INIT;
	uint8_t b[64];

	(void)state;
	m.code = EACCES;
	m.text = (char *)"no";
	for (size_t room = 0; room < sizeof(b); room++) {
		int n;

		memset(b, 0xa5, sizeof(b));
		n = ipc_record_build(b, room, &head, &m.base);
		assert_int_equal(n, room < 18 ? -EMSGSIZE : 18);
		for (size_t i = room; i < sizeof(b); i++)
			assert_int_equal(b[i], 0xa5);
	}
}

static void test_record_build_of_more_than_64k_refused(void **state)
{
	static char text[IPC_RECORD_MAX];
	static uint8_t b[2 * IPC_RECORD_MAX];
	const struct ipc_record head = {.type = IPC_ERROR, .id = 1};
	Postern__Error m = POSTERN__ERROR__INIT;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	m.text = text;
	assert_int_equal(ipc_record_build(b, sizeof(b), &head, &m.base), -EMSGSIZE);
	/* Tag, three octets of length, text: exactly the limit. */
	text[IPC_RECORD_MAX - IPC_HEADER_LEN - 4] = '\0';
	assert_int_equal(ipc_record_build(b, sizeof(b), &head, &m.base), IPC_RECORD_MAX);
}

/* A StatsReply of n counters. */
static size_t stats_body(uint8_t *b, size_t room, size_t n)
{
	Postern__StatsReply m = POSTERN__STATS_REPLY__INIT;
	static Postern__Counter c[512], *p[512];

	for (size_t i = 0; i < n; i++) {
		c[i] = (Postern__Counter)POSTERN__COUNTER__INIT;
		c[i].name = (char *)"out_hist.esp.3des-cbc";
		c[i].value = i;
		p[i] = &c[i];
	}
	m.n_counters = n;
	m.counters = p;
	assert_true(postern__stats_reply__get_packed_size(&m) <= room);
	return postern__stats_reply__pack(&m, b);
}

static void test_unpack_stays_below_its_cap(void **state)
{
	static uint8_t b[IPC_RECORD_MAX];
	struct ipc_record rec = {.body = b};
	size_t least = 0;

	(void)state;
	rec.body_len = stats_body(b, sizeof(b), 100);
	for (size_t cap = 0; cap < 65536; cap += 64) {
		ProtobufCMessage *m = ipc_unpack(&postern__stats_reply__descriptor, &rec, cap);

		if (m && !least)
			least = cap;
		/* Once it fits it always fits. */
		assert_true(!least || m);
		if (m)
			assert_int_equal(((Postern__StatsReply *)m)->n_counters, 100);
		ipc_unpack_free(m);
	}
	/* A hundred names of 22 octets cannot be had for less; and the overhead stays in proportion. */
	assert_true(least > 100 * (22 + sizeof(Postern__Counter)));
	assert_true(least < 65536);
}

static void test_unpack_of_garbage_gives_null(void **state)
{
	static const struct {
		size_t n;
		uint8_t b[8];
	} cases[] = {
	    {1, {0x0a}},                                     /* tag without length */
	    {2, {0x0a, 0x05}},                               /* length beyond the end */
	    {3, {0x0a, 0x01, 0x0a}},                         /* the same one level down */
	    {2, {0x08, 0xff}},                               /* endless varint */
	    {1, {0x07}},                                     /* field number 0, wire type 7 */
	    {7, {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}}, /* length that wraps */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct ipc_record rec = {.body = cases[i].b, .body_len = cases[i].n};

		assert_null(ipc_unpack(&postern__stats_reply__descriptor, &rec, 65536));
	}
	ipc_unpack_free(NULL);
}

static int error_record(uint32_t code, const char *text, struct err_text *e)
{
	static uint8_t b[2048];
	Postern__Error m = POSTERN__ERROR__INIT;
	struct ipc_record rec = {.type = IPC_ERROR, .body = b};

	m.code = code;
	m.text = (char *)text;
	rec.body_len = postern__error__pack(&m, b);
	return ipc_error_decode(&rec, e);
}

static void test_error_decode_gives_code_and_printable_text(void **state)
{
	const struct ipc_record garbage = {
	    .type = IPC_ERROR, .body = (const uint8_t *)"\x12\x7f", .body_len = 2};
	struct err_text e;

	(void)state;
	assert_int_equal(error_record(EEXIST, "spdadd: there is one", &e), -EEXIST);
	assert_string_equal(e.s, "spdadd: there is one");
	assert_int_equal(error_record(EEXIST, "\x1b[31mred\n\xc3\xa9", &e), -EEXIST);
	assert_string_equal(e.s, "?[31mred???");
	assert_int_equal(error_record(EEXIST, "quiet", NULL), -EEXIST);
	assert_int_equal(error_record(0, "no error at all", &e), -EPROTO);
	assert_int_equal(error_record(4096, "not an errno", &e), -EPROTO);
	assert_int_equal(error_record(UINT32_MAX, "would be positive", &e), -EPROTO);
	assert_int_equal(ipc_error_decode(&garbage, &e), -EPROTO);
	assert_true(e.s[0]);
}

static void test_text_copy_is_cut_and_terminated(void **state)
{
	char b[6];

	(void)state;
	ipc_text_copy(b, sizeof(b), "abcdefgh");
	assert_string_equal(b, "abcde");
	ipc_text_copy(b, 1, "abc");
	assert_string_equal(b, "");
	ipc_text_copy(b, sizeof(b), NULL);
	assert_string_equal(b, "");
	ipc_text_copy(b, sizeof(b), " ~\x7f\x1f");
	assert_string_equal(b, " ~??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_record_parse_table),
	    cmocka_unit_test(test_record_longer_than_the_limit_refused),
	    cmocka_unit_test(test_record_build_then_parse_gives_the_same),
	    cmocka_unit_test(test_record_build_never_passes_the_room),
	    cmocka_unit_test(test_record_build_of_more_than_64k_refused),
	    cmocka_unit_test(test_unpack_stays_below_its_cap),
	    cmocka_unit_test(test_unpack_of_garbage_gives_null),
	    cmocka_unit_test(test_error_decode_gives_code_and_printable_text),
	    cmocka_unit_test(test_text_copy_is_cut_and_terminated),
	};

	return cmocka_run_group_tests_name("ipc/record", tests, NULL, NULL);
}
