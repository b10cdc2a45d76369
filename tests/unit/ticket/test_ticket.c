/*
 * Tickets: what is sealed comes out, nothing else does, and the key file is made once and trusted only as
 * root's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ticket/key_file.h"
#include "ticket/statement.h"
#include "ticket/ticket.h"

static const struct ticket_key key = {{1, 2, 3}}, other = {{1, 2, 4}};

static struct ticket sample(void)
{
	struct ticket t = {.generation = 7,
	    .block = 0x0123456789abcdef,
	    .peer = 3,
	    .addr = inet_addr_v4(0x0a000064),
	    .id = {.kind = IKE_ID_FQDN, .len = 4},
	    .icookie = {1},
	    .rcookie = {2},
	    .expires_ms = 1000};

	memcpy(t.id.data, "host", 4);
	return t;
}

static void comes_back(void **state)
{
	const struct ticket t = sample();
	uint8_t buf[TICKET_MAX];
	struct err_text e = {0};
	struct ticket back;
	int n = ticket_seal(&key, &t, buf, sizeof(buf));

	assert_true(n > 0);
	assert_int_equal(ticket_open(&key, buf, (size_t)n, 999, &back, &e), 0);
	assert_int_equal(back.generation, 7);
	assert_int_equal(back.peer, 3);
	assert_true(inet_addr_equal(&back.addr, &t.addr));
	assert_true(ike_id_equal(&back.id, &t.id));
	assert_memory_equal(back.icookie, t.icookie, sizeof(t.icookie));
	assert_memory_equal(back.rcookie, t.rcookie, sizeof(t.rcookie));
	assert_int_equal(back.expires_ms, 1000);
	assert_int_equal(ticket_open(&key, buf, (size_t)n, 1000, &back, &e), -EKEYEXPIRED);
	assert_int_equal(ticket_open(&other, buf, (size_t)n, 0, &back, &e), -EBADMSG);
}

static void longest_identity(void **state)
{
	uint8_t buf[TICKET_MAX];
	struct err_text e = {0};
	struct ticket t = sample(), back;
	int n;

	t.id.len = IKE_ID_DATA_MAX;
	n = ticket_seal(&key, &t, buf, sizeof(buf));
	assert_true(n > IKE_ID_DATA_MAX);
	assert_int_equal(ticket_open(&key, buf, (size_t)n, 0, &back, &e), 0);
	assert_int_equal(back.id.len, IKE_ID_DATA_MAX);
	t.id.len++;
	assert_int_equal(ticket_seal(&key, &t, buf, sizeof(buf)), -EINVAL);
}

static void every_bit_counts(void **state)
{
	const struct ticket t = sample();
	uint8_t buf[TICKET_MAX];
	struct err_text e = {0};
	struct ticket back;
	int n = ticket_seal(&key, &t, buf, sizeof(buf));

	for (int bit = 0; bit < n * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(ticket_open(&key, buf, (size_t)n, 0, &back, &e), -EBADMSG);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (int cut = 0; cut < n; cut++)
		assert_int_equal(ticket_open(&key, buf, (size_t)cut, 0, &back, &e), -EBADMSG);
}

static void statements(void **state)
{
	static const uint8_t over[STATEMENT_OVER_MAX + 1] = "twenty octets of it";
	struct statement s = {.generation = 7,
	    .peer = 3,
	    .addr = inet_addr_v4(0x0a000064),
	    .icookie = {1},
	    .rcookie = {2},
	    .n_id = 9,
	    .id = "a payload",
	    .version = 1,
	    .over = over,
	    .n_over = 20,
	    .expires_ms = 1000};
	uint8_t buf[STATEMENT_MAX], ticket[TICKET_MAX];
	const struct ticket t = sample();
	struct err_text e = {0};
	struct statement back;
	struct ticket none;
	int n = statement_seal(&key, &s, buf, sizeof(buf)), m;

	assert_true(n > 0);
	assert_int_equal(statement_open(&key, buf, (size_t)n, 999, &back, &e), 0);
	assert_int_equal(back.generation, 7);
	assert_int_equal(back.peer, 3);
	assert_true(inet_addr_equal(&back.addr, &s.addr));
	assert_memory_equal(back.icookie, s.icookie, sizeof(s.icookie));
	assert_memory_equal(back.rcookie, s.rcookie, sizeof(s.rcookie));
	assert_int_equal(back.n_id, s.n_id);
	assert_memory_equal(back.id, s.id, s.n_id);
	assert_int_equal(back.version, 1);
	assert_int_equal(back.n_over, s.n_over);
	assert_memory_equal(back.over, s.over, s.n_over);
	assert_int_equal(statement_open(&key, buf, (size_t)n, 1000, &back, &e), -EKEYEXPIRED);
	assert_int_equal(statement_open(&other, buf, (size_t)n, 0, &back, &e), -EBADMSG);
	for (int bit = 0; bit < n * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(statement_open(&key, buf, (size_t)n, 0, &back, &e), -EBADMSG);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (int cut = 0; cut < n; cut++)
		assert_int_equal(statement_open(&key, buf, (size_t)cut, 0, &back, &e), -EBADMSG);
	/* Under one key, and neither is the other. */
	assert_int_equal(ticket_open(&key, buf, (size_t)n, 0, &none, &e), -EBADMSG);
	m = ticket_seal(&key, &t, ticket, sizeof(ticket));
	assert_true(m > 0);
	assert_int_equal(statement_open(&key, ticket, (size_t)m, 0, &back, &e), -EBADMSG);
	s.n_id = STATEMENT_ID_MAX;
	s.n_over = STATEMENT_OVER_MAX;
	n = statement_seal(&key, &s, buf, sizeof(buf));
	assert_true(n > 0);
	assert_int_equal(statement_open(&key, buf, (size_t)n, 0, &back, &e), 0);
	s.n_over++;
	assert_int_equal(statement_seal(&key, &s, buf, sizeof(buf)), -EINVAL);
	s.n_over = 0;
	assert_int_equal(statement_seal(&key, &s, buf, sizeof(buf)), -EINVAL);
	s.n_over = 20;
	s.n_id = 0;
	assert_int_equal(statement_seal(&key, &s, buf, sizeof(buf)), -EINVAL);
}

static void key_file(void **state)
{
	char dir[] = "/tmp/postern-ticket-XXXXXX", path[64];
	struct ticket_key a, b;
	struct err_text e = {0};
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ticket.key", dir);
	assert_int_equal(ticket_key_file(dir, &a, &e), 0);
	assert_int_equal(ticket_key_file(dir, &b, &e), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(ticket_key_file(dir, &b, &e), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 8), 0);
	assert_int_equal(ticket_key_file(dir, &b, &e), -EIO);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ticket_key_file(dir, &b, &e), 0);
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static int setup(void **state)
{
	struct err_text e = {0};

	return ticket_init(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_back),
	    cmocka_unit_test(longest_identity),
	    cmocka_unit_test(every_bit_counts),
	    cmocka_unit_test(statements),
	    cmocka_unit_test(key_file),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
