/*
 * Users of XAuth: who is believed, who is not and why, and how often somebody may try. The hash is what
 * `openssl passwd -6 -salt saltstring 'Hello world!'` prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "certd/prove.h"
#include "crypto/crypto.h"
#include "support/cert_kit.h"

#define HASH                                                                                                 \
	"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"                                                 \
	"O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"

static const char users[] = "# users\n"
                            "alice:" HASH ":staff,admin\r\n"
                            "bob:" HASH "\n"
                            "carol:!" HASH ":staff\n"
                            "dave::staff\n"
                            "eve:$9$plain\n"
                            "frank:" HASH ":19000:0:99999:7:::\n";
enum { GENERATION = 7, NOW = 1000000 };

static struct rng_seeded rng;

struct stage {
	struct prover p;
	struct ticket t;
	uint8_t octets[TICKET_MAX], ret[TICKET_MAX];
	char groups[USERS_GROUPS_MAX];
	struct err_text e;
};

static struct ike_peer *add_peer(struct ike_conf *c, const char *name, enum ike_auth_method m)
{
	struct ike_peer *p = ike_conf_add_peer(c);

	p->name = strdup(name);
	p->offer = calloc(1, sizeof(*p->offer));
	p->offer[0].auth = m;
	p->n_offers = 1;
	return p;
}

static void set(struct stage *x)
{
	static const char psk[] = "group the group's key\nroadie s3cret\n";
	struct creds *c = creds_new(3);

	memset(x, 0, sizeof(*x));
	rng_seeded_init(&rng, 1);
	prover_init(&x->p, &rng.rng);
	c->generation = GENERATION;
	c->conf = ike_conf_new();
	add_peer(c->conf, "server", IKE_AUTH_XAUTH_PSK_SERVER);
	add_peer(c->conf, "client", IKE_AUTH_XAUTH_PSK_CLIENT)->xauth_login = strdup("roadie");
	add_peer(c->conf, "plain", IKE_AUTH_PSK);
	assert_int_equal(
	    creds_add(c, CREDENTIAL_PSK, 0, "psk.txt", kit_fd(psk, strlen(psk), 0600), &x->e), 0);
	assert_int_equal(
	    creds_add(c, CREDENTIAL_USERS, 0, "xauth.txt", kit_fd(users, strlen(users), 0600), &x->e), 0);
	x->p.now = c;
	x->p.ticket_key = (struct ticket_key){{9}};
	x->t = (struct ticket){.generation = GENERATION,
	    .addr = inet_addr_v4(0x0a000001),
	    .id = {.kind = IKE_ID_KEYID, .len = 5, .data = "group"},
	    .icookie = "iiiiiii",
	    .rcookie = "rrrrrrr",
	    .expires_ms = NOW + 1000000};
}

static void unset(struct stage *x)
{
	prover_fini(&x->p);
}

static struct ike1_octets seal(struct stage *x)
{
	int n = ticket_seal(&x->p.ticket_key, &x->t, x->octets, sizeof(x->octets));

	assert_true(n > 0);
	return (struct ike1_octets){x->octets, (size_t)n};
}

static int login_at(struct stage *x, const char *user, const char *password, uint64_t now_ms)
{
	AUTO_SECRET struct secret *s = secret_dup_bytes(password, strlen(password));
	const struct prove_login l = {.ticket = seal(x), .user = {user, strlen(user)}, .password = s};

	return prove_user(&x->p, &l, now_ms, x->ret, x->groups, &x->e);
}

static int login(struct stage *x, const char *user, const char *password)
{
	return login_at(x, user, password, NOW);
}

static void test_login_makes_a_ticket_with_the_user(void **state)
{
	struct stage x;
	struct ticket t;
	int n;

	set(&x);
	n = login(&x, "alice", "Hello world!");
	assert_true(n > 0);
	assert_int_equal(ticket_open(&x.p.ticket_key, x.ret, (size_t)n, NOW, &t, &x.e), 0);
	assert_string_equal(t.user, "alice");
	assert_true(ike_id_equal(&t.id, &x.t.id) && t.peer == 0 && t.expires_ms == x.t.expires_ms);
	assert_memory_equal(t.icookie, x.t.icookie, 8);
	assert_string_equal(x.groups, "staff,admin");
	assert_true(login(&x, "bob", "Hello world!") > 0);
	assert_string_equal(x.groups, "");
	unset(&x);
}

static void test_login_refused_with_a_reason(void **state)
{
	static const char *const rows[][3] = {{"alice", "Hello world", "xauth.txt: wrong password"},
	    {"alice", "Hello world! ", "wrong password"}, {"Alice", "Hello world!", "there is no such user"},
	    {"carol", "Hello world!", "has no password, or is locked"}, {"dave", "x", "has no password"},
	    {"eve", "plain", "none that crypt(3) knows"}, {"alic", "Hello world!", "no such user"},
	    {"# users", "x", "no such user"}};
	struct stage x;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		set(&x);
		assert_true(login(&x, rows[i][0], rows[i][1]) < 0);
		if (!strstr(x.e.s, rows[i][2]))
			fail_msg("row %zu: %s", i, x.e.s);
		unset(&x);
	}
}

static void test_login_needs_a_ticket_of_a_peer_that_is_asked(void **state)
{
	struct stage x;

	set(&x);
	x.t.peer = 2;
	assert_int_equal(login(&x, "alice", "Hello world!"), -EACCES);
	x.t.peer = 1;
	assert_int_equal(login(&x, "alice", "Hello world!"), -EACCES);
	x.t.peer = 3;
	assert_int_equal(login(&x, "alice", "Hello world!"), -ESTALE);
	x.t.peer = 0;
	x.t.generation++;
	assert_int_equal(login(&x, "alice", "Hello world!"), -ESTALE);
	x.t.generation--;
	x.t.expires_ms = NOW;
	assert_int_equal(login(&x, "alice", "Hello world!"), -EKEYEXPIRED);
	unset(&x);
}

static void test_login_groups(void **state)
{
	struct stage x;

	set(&x);
	x.p.now->conf->pool.auth_groups = strdup("wheel,admin");
	assert_true(login(&x, "alice", "Hello world!") > 0);
	assert_int_equal(login(&x, "bob", "Hello world!"), -EACCES);
	assert_non_null(strstr(x.e.s, "none of auth_groups wheel,admin"));
	assert_int_equal(login(&x, "frank", "Hello world!"), -EACCES);
	unset(&x);
}

/* One address tries many users: after so many it is told to wait. */
static void test_login_bound_of_an_address(void **state)
{
	struct stage x;
	char name[20];

	set(&x);
	for (int i = 0; i < LOGIN_BURST; i++) {
		snprintf(name, sizeof(name), "nobody%d", i);
		assert_int_equal(login(&x, name, "x"), -EACCES);
	}
	assert_int_equal(login(&x, "alice", "Hello world!"), -EBUSY);
	assert_true(login_at(&x, "alice", "Hello world!", NOW + 1000 / LOGIN_RATE) > 0);
	unset(&x);
}

/* Many addresses try one user. */
static void test_login_bound_of_a_user(void **state)
{
	struct stage x;

	set(&x);
	for (uint32_t i = 0; i < WRONG_BURST; i++) {
		x.t.addr = inet_addr_v4(0x0b000000 + 256 * i);
		assert_int_equal(login(&x, "alice", "x"), -EACCES);
	}
	x.t.addr = inet_addr_v4(0x0c000000);
	assert_int_equal(login(&x, "alice", "Hello world!"), -EBUSY);
	assert_true(login(&x, "bob", "Hello world!") > 0);
	assert_true(login_at(&x, "alice", "Hello world!", NOW + WRONG_REST_S * 1000) > 0);
	assert_int_equal(login_at(&x, "alice", "x", NOW + WRONG_REST_S * 1000), -EACCES);
	assert_int_equal(login_at(&x, "alice", "Hello world!", NOW + WRONG_REST_S * 1000), -EBUSY);
	unset(&x);
}

static void test_login_file_that_others_may_read(void **state)
{
	struct stage x;

	set(&x);
	assert_int_equal(
	    creds_add(x.p.now, CREDENTIAL_USERS, 0, "xauth.txt", kit_fd(users, strlen(users), 0644), &x.e),
	    0);
	assert_int_equal(login(&x, "alice", "Hello world!"), -EPERM);
	assert_non_null(strstr(x.e.s, "chmod 600 xauth.txt"));
	unset(&x);
}

/* Whoever needs a file that was named, and could not be opened, says which it was and why. */
static void test_login_file_that_was_not_there(void **state)
{
	AUTO_SECRET struct secret *s = NULL;
	struct stage x;

	(void)state;
	set(&x);
	assert_int_equal(creds_add_missing(x.p.now, CREDENTIAL_KEY, "k"), -EINVAL);
	assert_int_equal(creds_add_missing(x.p.now, CREDENTIAL_USERS, "/e/xauth.txt cannot be opened"), 0);
	assert_int_equal(login(&x, "alice", "Hello world!"), -ENOENT);
	assert_non_null(strstr(x.e.s, "/e/xauth.txt cannot be opened: once that is mended load it again"));
	assert_int_equal(creds_add_missing(x.p.now, CREDENTIAL_PSK, "/e/psk.txt cannot be opened"), 0);
	x.t.peer = 1;
	assert_int_equal(prove_password(&x.p, seal(&x), NOW, &s, &x.e), -ENOENT);
	assert_non_null(strstr(x.e.s, "/e/psk.txt cannot be opened: once that is mended load it again"));
	assert_null(strstr(x.e.s, "names none"));
	unset(&x);
}

static void test_login_our_own_password(void **state)
{
	AUTO_SECRET struct secret *s = NULL;
	struct stage x;

	set(&x);
	assert_int_equal(prove_password(&x.p, seal(&x), NOW, &s, &x.e), -EACCES);
	x.t.peer = 2;
	assert_int_equal(prove_password(&x.p, seal(&x), NOW, &s, &x.e), -EACCES);
	x.t.peer = 1;
	assert_int_equal(prove_password(&x.p, seal(&x), NOW, &s, &x.e), 0);
	assert_int_equal(secret_len(s), 6);
	assert_memory_equal(secret_bytes(s), "s3cret", 6);
	unset(&x);
}

/* The login has no line: nothing else of the file is given out. */
static void test_login_without_a_line(void **state)
{
	struct secret *s = NULL;
	struct stage x;

	set(&x);
	x.t.peer = 1;
	free(x.p.now->conf->peer[1].xauth_login);
	x.p.now->conf->peer[1].xauth_login = strdup("nobody");
	assert_int_equal(prove_password(&x.p, seal(&x), NOW, &s, &x.e), -ENOENT);
	assert_null(s);
	unset(&x);
}

static int begin(void **state)
{
	struct err_text e;

	return secret_init(1 << 20, &e) < 0 || crypto_init(&e) < 0 || ticket_init(&e) < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_login_makes_a_ticket_with_the_user),
	    cmocka_unit_test(test_login_refused_with_a_reason),
	    cmocka_unit_test(test_login_needs_a_ticket_of_a_peer_that_is_asked),
	    cmocka_unit_test(test_login_groups),
	    cmocka_unit_test(test_login_bound_of_an_address),
	    cmocka_unit_test(test_login_bound_of_a_user),
	    cmocka_unit_test(test_login_file_that_others_may_read),
	    cmocka_unit_test(test_login_file_that_was_not_there),
	    cmocka_unit_test(test_login_our_own_password),
	    cmocka_unit_test(test_login_without_a_line),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
