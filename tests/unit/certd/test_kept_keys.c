/*
 * Keys behind passphrases: opened while a configuration is loaded, kept in secret memory, and found there by
 * the next life of certd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <cmocka.h>

#include "certd/kept_keys.h"
#include "support/cert_kit.h"

enum { PEERS = 4 };

static EVP_PKEY *rsa, *ec;
static X509 *rsa_cert, *ec_cert;

static struct creds *new_creds(void)
{
	struct creds *c = creds_new(PEERS);

	assert_non_null(c);
	return c;
}

static void put(struct creds *c, uint32_t peer, X509 *cert, EVP_PKEY *key, const char *passphrase)
{
	struct file a = kit_pem(&cert, 1), b = kit_pem_key(key, passphrase);
	struct err_text e;

	assert_int_equal(creds_add(c, CREDENTIAL_CERT, peer, "my.pem", kit_fd(a.p, a.n, 0644), &e), 0);
	assert_int_equal(creds_add(c, CREDENTIAL_KEY, peer, "my.key", kit_fd(b.p, b.n, 0600), &e), 0);
	file_fini(&a);
	file_fini(&b);
}

static int unlock(struct creds *c, uint32_t peer, const char *passphrase, struct err_text *e)
{
	AUTO_SECRET struct secret *s = secret_dup_bytes(passphrase, strlen(passphrase));

	return creds_unlock(c, peer, s, e);
}

/* A configuration whose peer 0 signs, and peer 1 does not. */
static struct ike_conf *new_conf(void)
{
	struct ike_conf *c = ike_conf_new();

	for (int i = 0; i < PEERS; i++) {
		struct ike_peer *p = ike_conf_add_peer(c);

		p->name = strdup(i ? "else" : "relent");
		p->offer = calloc(1, sizeof(*p->offer));
		p->n_offers = 1;
		p->offer[0].auth = i ? IKE_AUTH_PSK : IKE_AUTH_RSA;
	}
	return c;
}

static void test_keys_are_unlocked_while_loaded(void **state)
{
	AUTO_IKE_CONF struct ike_conf *conf = new_conf();
	struct creds *c = new_creds();
	struct err_text e = {{0}};

	(void)state;
	put(c, 0, rsa_cert, rsa, "sesame");
	put(c, 1, ec_cert, ec, NULL);
	assert_true(creds_is_locked(c, 0));
	assert_false(creds_is_locked(c, 1));
	assert_false(creds_is_locked(c, PEERS));
	assert_int_equal(unlock(c, 0, "close", &e), -EACCES);
	assert_string_equal(e.s, "my.pem with my.key: the passphrase does not open the private key");
	assert_int_equal(unlock(c, 2, "sesame", &e), -EINVAL);
	assert_int_equal(unlock(c, PEERS, "sesame", &e), -EINVAL);
	assert_int_equal(creds_read(c, conf, &e), -EACCES);
	assert_string_equal(e.s, "remote relent: my.pem with my.key: the private key is enciphered, and its "
	                         "passphrase was not given");
	assert_int_equal(unlock(c, 0, "sesame", &e), 0);
	assert_int_equal(creds_read(c, conf, &e), 0);
	assert_non_null(c->own[0]);
	assert_non_null(c->own[1]);
	/* Another file under the same name is another key. */
	put(c, 0, rsa_cert, rsa, "other");
	assert_null(c->own[0]);
	assert_int_equal(creds_read(c, conf, &e), -EACCES);
	creds_free(c);
}

static void put_again(struct creds *c, uint32_t peer, uint32_t of)
{
	struct err_text e;

	assert_int_equal(creds_add(c, CREDENTIAL_CERT, peer, "my.pem", dup(c->cert[of].fd), &e), 0);
	assert_int_equal(creds_add(c, CREDENTIAL_KEY, peer, "my.key", dup(c->key[of].fd), &e), 0);
}

/* The same two files are read once; two of another's, or one of them, are not the same. */
static void test_a_key_for_many_is_read_once(void **state)
{
	AUTO_IKE_CONF struct ike_conf *conf = new_conf();
	struct creds *c = new_creds();
	struct err_text e;

	(void)state;
	put(c, 0, rsa_cert, rsa, NULL);
	put_again(c, 1, 0);
	put(c, 2, rsa_cert, rsa, NULL);
	assert_int_equal(creds_read(c, conf, &e), 0);
	assert_ptr_equal(c->own[0], c->own[1]);
	assert_ptr_not_equal(c->own[0], c->own[2]);
	/* Each is an owner. */
	put(c, 0, ec_cert, ec, NULL);
	assert_null(c->own[0]);
	assert_true(own_key_is_rsa(c->own[1]));
	/* What was opened by a passphrase is not everybody's. */
	put(c, 0, rsa_cert, rsa, "sesame");
	put_again(c, 1, 0);
	assert_int_equal(unlock(c, 0, "sesame", &e), 0);
	assert_int_equal(creds_read(c, conf, &e), -EACCES);
	creds_free(c);
}

/* Nobody keeps the files of the many: they are closed, and the keys stay. */
static void test_files_are_let_go(void **state)
{
	AUTO_IKE_CONF struct ike_conf *conf = new_conf();
	struct creds *c = new_creds();
	struct err_text e;

	(void)state;
	put(c, 0, rsa_cert, rsa, NULL);
	put(c, 1, ec_cert, ec, NULL);
	assert_int_equal(creds_read(c, conf, &e), 0);
	creds_close_from(c, 1);
	assert_true(c->cert[0].fd >= 0 && c->key[0].fd >= 0);
	assert_true(c->cert[1].fd < 0 && c->key[1].fd < 0);
	assert_non_null(c->own[1]);
	creds_free(c);
}

/* The file of the users belongs to no peer, whatever number came with it. */
static void test_keys_stay_when_another_file_comes(void **state)
{
	AUTO_IKE_CONF struct ike_conf *conf = new_conf();
	struct creds *c = new_creds();
	struct err_text e = {{0}};

	(void)state;
	put(c, 0, rsa_cert, rsa, NULL);
	assert_int_equal(creds_read(c, conf, &e), 0);
	assert_non_null(c->own[0]);
	assert_int_equal(creds_add(c, CREDENTIAL_USERS, 0, "users", kit_fd("", 0, 0600), &e), 0);
	assert_int_equal(creds_add(c, CREDENTIAL_PSK, 0, "psk.txt", kit_fd("", 0, 0600), &e), 0);
	assert_non_null(c->own[0]);
	assert_int_equal(creds_add(c, CREDENTIAL_USERS, 1U << 30, "users", kit_fd("", 0, 0600), &e), 0);
	assert_int_equal(creds_add(c, CREDENTIAL_KEY, 1U << 30, "my.key", kit_fd("", 0, 0600), &e), -EINVAL);
	creds_free(c);
}

/* RFC 4754's methods have no word in racoon.conf. */
static void test_keys_that_cannot_sign_in_version_1(void **state)
{
	AUTO_IKE_CONF struct ike_conf *conf = new_conf();
	struct creds *c = new_creds();
	struct err_text e = {{0}};

	(void)state;
	put(c, 0, ec_cert, ec, NULL);
	assert_int_equal(creds_read(c, conf, &e), -EOPNOTSUPP);
	assert_string_equal(e.s, "remote relent: authentication_method rsasig wants an RSA key, and my.key "
	                         "is ECDSA P-256: name an "
	                         "RSA key and its certificate in certificate_type");
	conf->peer[0].offer[0].auth = IKE_AUTH_PSK;
	assert_int_equal(creds_read(c, conf, &e), 0);
	creds_free(c);
}

static void test_keys_outlive_a_restart(void **state)
{
	AUTO_SECRET_REGION struct secret_region made = SECRET_REGION_INIT, found = SECRET_REGION_INIT;
	AUTO_IKE_CONF struct ike_conf *conf = new_conf();
	struct creds *c = new_creds(), *next = new_creds();
	struct ike1_octets key;
	struct err_text e = {{0}};

	(void)state;
	put(c, 0, rsa_cert, rsa, "sesame");
	put(c, 1, ec_cert, ec, NULL);
	put(c, 3, ec_cert, ec, "sesame");
	assert_int_equal(kept_keys_make(c, PEERS, &made, &e), 0);
	assert_int_equal(made.fd, -1);
	assert_int_equal(unlock(c, 0, "sesame", &e), 0);
	assert_int_equal(unlock(c, 3, "sesame", &e), 0);
	assert_int_equal(creds_read(c, conf, &e), 0);
	assert_int_equal(kept_keys_make(c, PEERS, &made, &e), 0);
	creds_free(c);

	/* What another process gets of the launcher. */
	assert_int_equal(secret_region_adopt(dup(made.fd), 0, &found, &e), 0);
	assert_int_equal(kept_keys_find(found.p, found.len, 1, &key), -ENOENT);
	put(next, 0, rsa_cert, rsa, "sesame");
	put(next, 3, ec_cert, ec, "sesame");
	for (uint32_t i = 0; i < PEERS; i += 3) {
		assert_int_equal(kept_keys_find(found.p, found.len, i, &key), 0);
		assert_int_equal(creds_give_key(next, i, key.p, key.n, &e), 0);
	}
	assert_int_equal(creds_read(next, conf, &e), 0);
	assert_true(own_key_is_rsa(next->own[0]));
	/* The key of another certificate is not taken, and neither is half a key. */
	assert_int_equal(creds_give_key(next, 0, key.p, key.n, &e), -EKEYREJECTED);
	assert_int_equal(creds_give_key(next, 3, key.p, key.n / 2, &e), -EINVAL);
	creds_free(next);
}

static void test_keys_in_damaged_memory(void **state)
{
	static const uint8_t none[16] = {0},
	                     cut[] = {'P', 'K', 'K', '1', 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 200, 1},
	                     past[] = {'P', 'K', 'K', '1', 0xff, 0xff, 0xff, 0xff};
	struct ike1_octets key;

	(void)state;
	assert_int_equal(kept_keys_find(none, sizeof(none), 0, &key), -EBADMSG);
	assert_int_equal(kept_keys_find(none, 0, 0, &key), -EBADMSG);
	assert_int_equal(kept_keys_find(cut, sizeof(cut), 9, &key), -EBADMSG);
	assert_int_equal(kept_keys_find(past, sizeof(past), 0, &key), -EBADMSG);
}

static int make_world(void **state)
{
	(void)state;
	rsa = kit_rsa(2048);
	ec = kit_ec();
	rsa_cert = kit_cert(&(struct kit_cert){.cn = "rsa", .key = rsa});
	ec_cert = kit_cert(&(struct kit_cert){.cn = "ec", .key = ec});
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	X509_free(rsa_cert);
	X509_free(ec_cert);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys_are_unlocked_while_loaded),
	    cmocka_unit_test(test_a_key_for_many_is_read_once),
	    cmocka_unit_test(test_files_are_let_go),
	    cmocka_unit_test(test_keys_stay_when_another_file_comes),
	    cmocka_unit_test(test_keys_that_cannot_sign_in_version_1),
	    cmocka_unit_test(test_keys_outlive_a_restart),
	    cmocka_unit_test(test_keys_in_damaged_memory),
	};
	struct err_text e = {{0}};

	if (geteuid() != 0)
		return 77; /* keys are believed in root's files alone */
	if (secret_init(256 << 10, &e) < 0)
		return 1;
	return cmocka_run_group_tests(tests, make_world, end_world);
}
