/*
 * What key exchange shows on its way through protobuf: random rows come back equal, and what is out of range
 * is refused with a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "ipc/model_ike_view.h"

enum { ROUNDS = 3000 };

static struct rng_seeded seeded;
static struct rng *const rng = &seeded.rng;

static uint32_t below(uint32_t n)
{
	return rng_below(rng, n);
}

static uint64_t any64(void)
{
	uint64_t v;

	rng->fill(rng, &v, sizeof(v));
	return v >> below(64);
}

static struct inet_addr any_addr(bool v6)
{
	uint8_t b[16];

	rng->fill(rng, b, sizeof(b));
	return inet_addr_from_bytes(b, v6 ? 16 : 4);
}

static void any_text(char *s, size_t room)
{
	size_t n = below((uint32_t)room);

	for (size_t i = 0; i < n; i++)
		s[i] = (char)(' ' + below('~' - ' ' + 1));
	memset(s + n, 0, room - n);
}

static void any_id(struct ike_id *id)
{
	if (below(4) == 0)
		return;
	id->kind = IKE_ID_FQDN;
	id->len = (uint16_t)below(IKE_ID_DATA_MAX + 1);
	rng->fill(rng, id->data, id->len);
}

static void any_sa(struct ike_sa_view *v)
{
	static const enum alg_group groups[] = {ALG_GROUP_NONE, ALG_GROUP_MODP1024, ALG_GROUP_CURVE448};
	bool v6 = below(2);

	memset(v, 0, sizeof(*v));
	v->number = any64();
	v->version = (uint8_t)(1 + below(2));
	v->state = (enum ike_view_state)(1 + below(2));
	any_text(v->step, sizeof(v->step));
	v->initiator = below(2);
	v->mode = (enum ike_mode)below(IKE_MODES);
	v->local = any_addr(v6);
	v->remote = any_addr(v6);
	v->local_port = (uint16_t)any64();
	v->remote_port = (uint16_t)any64();
	rng->fill(rng, v->spi_i, sizeof(v->spi_i));
	rng->fill(rng, v->spi_r, sizeof(v->spi_r));
	any_text(v->peer, sizeof(v->peer));
	any_id(&v->local_id);
	any_id(&v->remote_id);
	v->enc = below(2) ? ALG_ENC_AES_CBC : ALG_ENC_NONE;
	v->key_bits = (uint16_t)any64();
	v->prf = below(2) ? ALG_PRF_HMAC_SHA512 : ALG_PRF_NONE;
	v->group = groups[below(3)];
	v->auth = (enum ike_auth_method)below(IKE_AUTH_XAUTH_RSA_SERVER + 1);
	v->age_ms = any64();
	v->left_ms = any64();
	v->nat_here = below(2);
	v->nat_there = below(2);
	v->dpd = below(2);
	any_text(v->trouble, sizeof(v->trouble));
}

static void test_sas_come_back_equal(void **state)
{
	static struct model_ike_sa_view_pb pb;
	static struct ike_sa_view v, back;
	struct err_text e;

	for (int i = 0; i < ROUNDS; i++) {
		any_sa(&v);
		memset(&back, 0, sizeof(back));
		model_ike_sa_view_encode(&v, &pb);
		assert_int_equal(model_ike_sa_view_decode(&pb.m, &back, &e), 0);
		assert_memory_equal(&v.number, &back.number, sizeof(v.number));
		assert_string_equal(v.step, back.step);
		assert_string_equal(v.peer, back.peer);
		assert_string_equal(v.trouble, back.trouble);
		assert_int_equal(v.local_id.kind, back.local_id.kind);
		assert_true(!v.local_id.kind || ike_id_equal(&v.local_id, &back.local_id));
		assert_true(!v.remote_id.kind || ike_id_equal(&v.remote_id, &back.remote_id));
		assert_true(
		    inet_addr_equal(&v.local, &back.local) && inet_addr_equal(&v.remote, &back.remote));
		assert_true(v.version == back.version && v.state == back.state &&
		            v.initiator == back.initiator && v.mode == back.mode &&
		            v.local_port == back.local_port && v.remote_port == back.remote_port &&
		            v.enc == back.enc && v.key_bits == back.key_bits && v.prf == back.prf &&
		            v.group == back.group && v.auth == back.auth && v.age_ms == back.age_ms &&
		            v.left_ms == back.left_ms && v.nat_here == back.nat_here &&
		            v.nat_there == back.nat_there && v.dpd == back.dpd);
		assert_memory_equal(v.spi_i, back.spi_i, sizeof(v.spi_i));
		assert_memory_equal(v.spi_r, back.spi_r, sizeof(v.spi_r));
	}
}

static void test_children_come_back_equal(void **state)
{
	struct ike_child_view v, back;
	struct model_ike_child_view_pb pb;
	struct err_text e;

	for (int i = 0; i < ROUNDS; i++) {
		bool v6 = below(2);

		memset(&v, 0, sizeof(v));
		v = (struct ike_child_view){.number = any64(),
		    .version = 1,
		    .state = IKE_VIEW_NEGOTIATING,
		    .replaced = below(2),
		    .local = any_addr(v6),
		    .remote = any_addr(v6),
		    .has_selector = below(2),
		    .policy = (uint32_t)any64(),
		    .seconds = any64(),
		    .kilobytes = any64(),
		    .n_parts = (uint8_t)below(POLICY_REQUESTS_MAX + 1)};
		v.selector = (struct selector){.src = inet_prefix_host(&v.local),
		    .dst = inet_prefix_host(&v.remote),
		    .proto = 6,
		    .dport = (uint16_t)any64()};
		for (uint8_t k = 0; k < v.n_parts; k++)
			v.part[k] = (struct ike_part_view){.proto = IPSEC_ESP,
			    .mode = IPSEC_TUNNEL,
			    .spi_in = (uint32_t)any64(),
			    .spi_out = (uint32_t)any64(),
			    .enc = ALG_ENC_3DES_CBC,
			    .auth = ALG_AUTH_HMAC_SHA1};
		model_ike_child_view_encode(&v, &pb);
		assert_int_equal(model_ike_child_view_decode(&pb.m, &back, &e), 0);
		assert_int_equal(back.n_parts, v.n_parts);
		for (uint8_t k = 0; k < v.n_parts; k++)
			assert_memory_equal(&v.part[k], &back.part[k], sizeof(v.part[k]));
		assert_true(v.number == back.number && v.replaced == back.replaced &&
		            v.policy == back.policy && v.seconds == back.seconds &&
		            v.kilobytes == back.kilobytes && v.has_selector == back.has_selector &&
		            (!v.has_selector || selector_equal(&v.selector, &back.selector)));
	}
}

/* One field out of range. */
static void bad_sa(void (*spoil)(Postern__IkeSaView *m))
{
	static struct model_ike_sa_view_pb pb;
	static struct ike_sa_view v, back;
	struct err_text e = {{0}};

	any_sa(&v);
	model_ike_sa_view_encode(&v, &pb);
	spoil(&pb.m);
	assert_int_equal(model_ike_sa_view_decode(&pb.m, &back, &e), -EBADMSG);
	assert_true(e.s[0] != '\0');
}

#define SPOIL(name, statement)                                                                               \
	static void name(Postern__IkeSaView *m)                                                              \
	{                                                                                                    \
		statement;                                                                                   \
	}
SPOIL(no_version, m->version = 0)
SPOIL(version_3, m->version = 3)
SPOIL(no_state, m->state = 0)
SPOIL(far_state, m->state = IKE_VIEW_STATES)
SPOIL(far_mode, m->mode = IKE_MODES)
SPOIL(short_spi, m->spi_i.len = 7)
SPOIL(long_spi, m->spi_r.len = 9)
SPOIL(far_port, m->remote_port = 65536)
SPOIL(far_enc, m->enc = 999)
SPOIL(far_prf, m->prf = 8)
SPOIL(far_group, m->group = 3)
SPOIL(far_auth, m->auth = 99)
SPOIL(no_local, m->local = NULL)
SPOIL(no_remote, m->remote = NULL)

static void test_what_is_out_of_range_is_refused(void **state)
{
	void (*const spoils[])(Postern__IkeSaView * m) = {no_version, version_3, no_state, far_state,
	    far_mode, short_spi, long_spi, far_port, far_enc, far_prf, far_group, far_auth, no_local,
	    no_remote};

	for (size_t i = 0; i < ARRAY_SIZE(spoils); i++)
		bad_sa(spoils[i]);
}

static void test_a_filter_of_nothing_is_refused(void **state)
{
	struct ike_filter f = {.proto = IPSEC_ESP}, back;
	struct model_ike_filter_pb pb;
	struct err_text e = {{0}};

	model_ike_filter_encode(&f, &pb);
	assert_int_equal(model_ike_filter_decode(&pb.m, &back, &e), -EINVAL);
	f.children = true;
	f.proto = (enum ipsec_proto)7;
	model_ike_filter_encode(&f, &pb);
	assert_int_equal(model_ike_filter_decode(&pb.m, &back, &e), -EINVAL);
	f.proto = IPSEC_AH;
	f.has_spis = true;
	model_ike_filter_encode(&f, &pb);
	assert_int_equal(model_ike_filter_decode(&pb.m, &back, &e), 0);
	assert_true(back.has_spis && back.children && !back.sas && back.proto == IPSEC_AH);
	pb.m.spi_r.len = 4;
	assert_int_equal(model_ike_filter_decode(&pb.m, &back, &e), -EBADMSG);
}

static int setup(void **state)
{
	rng_seeded_init(&seeded, 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sas_come_back_equal),
	    cmocka_unit_test(test_children_come_back_equal),
	    cmocka_unit_test(test_what_is_out_of_range_is_refused),
	    cmocka_unit_test(test_a_filter_of_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
