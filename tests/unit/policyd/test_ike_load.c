/*
 * Loads of the configuration for key exchange: complete or not at all; and its file, which comes back or
 * changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policyd/ike_file.h"
#include "policyd/ike_load.h"

static struct ike_row peer_row(const char *name, uint32_t host)
{
	struct ike_row r = {.is_peer = true, .generate = IKE_GENERATE_UNIQUE};

	snprintf(r.name, sizeof(r.name), "%s", name);
	if (host)
		r.addr = inet_addr_v4(host);
	return r;
}

static const struct ike_row child_row = {.child = {.enc = 1 << ALG_ENC_AES_CBC,
                                             .auth = 1 << ALG_AUTH_HMAC_SHA256,
                                             .local = {.kind = IKE_SIDE_ANY},
                                             .remote = {.kind = IKE_SIDE_CLIENT, .proto = 17, .port = 1701}}};

static struct ike_view *loaded(uint64_t generation)
{
	const struct ike_row one = peer_row("192.0.2.2", 0xc0000202), any = peer_row("anonymous", 0);
	struct ike_load l = {0};
	struct ike_view *v = NULL;
	struct err_text e;

	assert_int_equal(ike_load_begin(&l, 2, 1, &e), 0);
	ike_load_row(&l, 0, &one);
	ike_load_row(&l, 1, &any);
	ike_load_row(&l, 2, &child_row);
	assert_int_equal(ike_load_prepare(&l, &e), 0);
	assert_int_equal(ike_load_take(&l, generation, &v, &e), 0);
	assert_null(l.view);
	return v;
}

static void a_load_is_handed_over_whole(void **state)
{
	AUTO_IKE_VIEW struct ike_view *v = loaded(9);
	const struct inet_addr there = inet_addr_v4(0xc0000202), elsewhere = inet_addr_v4(0xc0000203);

	assert_int_equal(v->generation, 9);
	assert_int_equal(v->n_peers, 2);
	assert_string_equal(v->peer[1].name, "anonymous");
	assert_int_equal(v->enc, child_row.child.enc);
	assert_int_equal(v->auth, child_row.child.auth);
	assert_true(ike_view_peer_fits(v, &v->peer[0], &there));
	assert_false(ike_view_peer_fits(v, &v->peer[0], &elsewhere));
	assert_false(ike_view_peer_fits(v, &v->peer[1], &there));
	assert_true(ike_view_peer_fits(v, &v->peer[1], &elsewhere));
}

/* Prepared or taken, what is wrong is said. */
static void refused(struct ike_load *l, const char *words)
{
	struct ike_view *v = NULL;
	struct err_text e = {{0}};

	assert_true(ike_load_prepare(l, &e) < 0);
	if (!strstr(e.s, words))
		fail_msg("'%s' is not in '%s'", words, e.s);
	assert_int_equal(ike_load_take(l, 1, &v, &e), -EINVAL);
	assert_null(v);
	ike_load_forget(l);
}

static void an_incomplete_load_is_refused(void **state)
{
	const struct ike_row peer = peer_row("a", 1);
	struct ike_load l = {0};
	struct err_text e = {.s = "odd"};

	refused(&l, "no load was begun");
	ike_load_row(&l, 0, &peer);
	refused(&l, "row 0: no load was begun");
	assert_int_equal(ike_load_begin(&l, 2, 0, &e), 0);
	ike_load_row(&l, 0, &peer);
	refused(&l, "1 of 2 peers and 0 of 0 children have come");
	assert_int_equal(ike_load_begin(&l, 2, 0, &e), 0);
	ike_load_row(&l, 1, &peer);
	refused(&l, "row 1: it comes when row 0 is due");
	assert_int_equal(ike_load_begin(&l, 0, 1, &e), 0);
	ike_load_row(&l, 0, &peer);
	refused(&l, "row 0: there are more peers than were announced");
	assert_int_equal(ike_load_begin(&l, 1, 0, &e), 0);
	ike_load_row(&l, 0, &child_row);
	refused(&l, "row 0: there are more children than were announced");
	assert_int_equal(ike_load_begin(&l, 1, 0, &e), 0);
	ike_load_bad_row(&l, 0, &(struct err_text){.s = "odd"});
	ike_load_row(&l, 0, &peer);
	refused(&l, "row 0: odd");
	assert_int_equal(ike_load_begin(&l, IKE_PEERS_MAX + 1, 0, &e), -E2BIG);
	refused(&l, "no load was begun");
}

static void a_row_after_preparing_unprepares(void **state)
{
	const struct ike_row peer = peer_row("a", 1);
	struct ike_load l = {0};
	struct ike_view *v = NULL;
	struct err_text e;

	assert_int_equal(ike_load_begin(&l, 0, 0, &e), 0);
	assert_int_equal(ike_load_prepare(&l, &e), 0);
	assert_int_equal(ike_load_take(&l, 0, &v, &e), -EINVAL); /* no number */
	ike_load_row(&l, 0, &peer);
	assert_int_equal(ike_load_take(&l, 1, &v, &e), -EINVAL);
	ike_load_forget(&l);
}

struct dir {
	char name[64], file[96];
};

static void dir_make(struct dir *d)
{
	*d = (struct dir){.name = "/tmp/test-ike-file-XXXXXX"};
	assert_non_null(mkdtemp(d->name));
	snprintf(d->file, sizeof(d->file), "%s/ike.snapshot", d->name);
}

static void dir_remove(const struct dir *d)
{
	unlink(d->file);
	rmdir(d->name);
}

static size_t read_file(const char *path, uint8_t *buf, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, room);

	assert_true(n > 0);
	close(fd);
	return (size_t)n;
}

static void the_file_comes_back(void **state)
{
	AUTO_IKE_VIEW struct ike_view *v = loaded(UINT64_C(1) << 40), *back = NULL;
	struct err_text e;
	struct dir d;

	dir_make(&d);
	assert_int_equal(ike_file_load(d.name, &back, &e), -ENOENT);
	assert_int_equal(ike_file_save(d.name, v, &e), 0);
	assert_int_equal(ike_file_load(d.name, &back, &e), 0);
	assert_int_equal(back->generation, v->generation);
	assert_int_equal(back->enc, v->enc);
	assert_int_equal(back->auth, v->auth);
	assert_int_equal(back->n_children, 1);
	assert_int_equal(back->n_peers, 2);
	assert_true(back->anonymous);
	assert_int_equal(back->child[0].remote.kind, IKE_SIDE_CLIENT);
	assert_int_equal(back->child[0].remote.port, 1701);
	assert_true(inet_addr_equal(&back->pool_first, &v->pool_first));
	assert_true(inet_addr_equal(&back->pool_last, &v->pool_last));
	for (uint32_t i = 0; i < 2; i++) {
		assert_string_equal(back->peer[i].name, v->peer[i].name);
		assert_true(inet_addr_equal(&back->peer[i].addr, &v->peer[i].addr));
		assert_int_equal(back->peer[i].generate, IKE_GENERATE_UNIQUE);
	}
	dir_remove(&d);
}

static void what_is_cut_or_changed_is_refused(void **state)
{
	AUTO_IKE_VIEW struct ike_view *v = loaded(3), *back = NULL;
	uint8_t buf[512];
	struct err_text e;
	struct dir d;
	size_t n;

	dir_make(&d);
	assert_int_equal(ike_file_save(d.name, v, &e), 0);
	n = read_file(d.file, buf, sizeof(buf));
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(ike_file_decode(buf, cut, &back, &e), -EBADMSG);
	buf[14] = 0x80; /* an algorithm that this build does not have */
	assert_int_equal(ike_file_decode(buf, n, &back, &e), -EBADMSG);
	assert_null(back);
	dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_load_is_handed_over_whole),
	    cmocka_unit_test(an_incomplete_load_is_refused),
	    cmocka_unit_test(a_row_after_preparing_unprepares),
	    cmocka_unit_test(the_file_comes_back),
	    cmocka_unit_test(what_is_cut_or_changed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
