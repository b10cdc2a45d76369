/*
 * What keyd is granted, and each refusal by one case that differs from a good one in one thing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/grant_rules.h"

enum {
	NOW = 1000000,
	OUT = 1,
	IN = 2,
	TRANSPORT = 3,
	NONE = 4,
	TRANSPORT_IN = 5,
	GENERATED = 9,
	GENERATION = 70
};
/* Peers of the configuration, by index. */
enum { ANONYMOUS = 0, PEER = 1, OTHER = 2 };
enum { ENC = 1 << ALG_ENC_AES_CBC | 1 << ALG_ENC_3DES_CBC, AUTH = 1 << ALG_AUTH_HMAC_SHA1 };

static const struct ticket_key key = {{7, 7, 7}}, forged = {{7, 7, 8}};

struct fixture {
	struct spd *spd;
	struct ike_gens gens;
	struct grant_world world;
	struct grant_ask ask;
	struct ticket ticket;
	uint8_t octets[TICKET_MAX];
	struct grant_terms terms;
	struct err_text e;
};

static struct inet_addr addr(const char *text)
{
	struct inet_addr a;

	assert_int_equal(inet_addr_parse(text, &a), 0);
	return a;
}

static struct policy policy(uint32_t id, enum policy_dir dir, const char *src, const char *dst, uint8_t plen)
{
	return (struct policy){.id = id,
	    .dir = dir,
	    .action = POLICY_IPSEC,
	    .sel = {.src = {addr(src), plen}, .dst = {addr(dst), plen}, .proto = IPPROTO_ANY_}};
}

static void add_tunnel(struct fixture *f, struct policy *p, const char *src, const char *dst, uint32_t reqid)
{
	p->n_requests = 2;
	p->req[0] = (struct policy_request){.proto = IPSEC_ESP,
	    .mode = IPSEC_TUNNEL,
	    .level = LEVEL_UNIQUE,
	    .src = addr(src),
	    .dst = addr(dst),
	    .reqid = reqid};
	/* Outside of the tunnel, and so between its ends. */
	p->req[1] =
	    (struct policy_request){.proto = IPSEC_AH, .mode = IPSEC_TRANSPORT, .level = LEVEL_REQUIRE};
	assert_int_equal(spd_insert(f->spd, p, NULL), 0);
}

static void add_transport(struct fixture *f, struct policy *p)
{
	p->n_requests = 1;
	p->req[0] =
	    (struct policy_request){.proto = IPSEC_ESP, .mode = IPSEC_TRANSPORT, .level = LEVEL_REQUIRE};
	assert_int_equal(spd_insert(f->spd, p, NULL), 0);
}

static void fill_spd(struct fixture *f)
{
	struct policy p = policy(OUT, POLICY_OUT, "10.1.0.0", "10.2.0.0", 16);

	add_tunnel(f, &p, "192.0.2.1", "192.0.2.2", 0x8001);
	p = policy(IN, POLICY_IN, "10.2.0.0", "10.1.0.0", 16);
	add_tunnel(f, &p, "192.0.2.2", "192.0.2.1", 0x8002);
	p = policy(TRANSPORT, POLICY_OUT, "192.0.2.0", "192.0.2.0", 24);
	add_transport(f, &p);
	p = policy(TRANSPORT_IN, POLICY_IN, "192.0.2.0", "192.0.2.0", 24);
	add_transport(f, &p);
	p = policy(NONE, POLICY_OUT, "10.1.0.0", "10.3.0.0", 16);
	p.action = POLICY_PASS;
	assert_int_equal(spd_insert(f->spd, &p, NULL), 0);
}

static struct ike_view *view(uint64_t generation)
{
	const struct inet_addr any = {0}, peer = addr("192.0.2.2"), other = addr("192.0.2.3");
	struct ike_view *v = ike_view_new(3, 2);

	assert_non_null(v);
	assert_int_equal(ike_view_add_peer(v, "anonymous", &any, IKE_GENERATE_OFF, false), 0);
	assert_int_equal(ike_view_add_peer(v, "peer", &peer, IKE_GENERATE_OFF, false), 0);
	assert_int_equal(ike_view_add_peer(v, "other", &other, IKE_GENERATE_OFF, false), 0);
	assert_int_equal(ike_view_add_child(v, &(struct ike_view_child){1 << ALG_ENC_AES_CBC, AUTH}), 0);
	assert_int_equal(ike_view_add_child(v, &(struct ike_view_child){1 << ALG_ENC_3DES_CBC, AUTH}), 0);
	assert_int_equal(ike_view_sort(v), 0);
	v->generation = generation;
	return v;
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.ticket = {.generation = GENERATION,
	                         .peer = PEER,
	                         .addr = addr("192.0.2.2"),
	                         .id = {.kind = IKE_ID_ADDRESS},
	                         .icookie = {1},
	                         .rcookie = {2},
	                         .expires_ms = NOW + 1}};
	assert_int_equal(ticket_init(&f.e), 0);
	assert_int_equal(spd_new(&f.spd), 0);
	fill_spd(&f);
	ike_gens_switch(&f.gens, view(GENERATION), NOW - 10);
	f.world = (struct grant_world){.key = &key, .gens = &f.gens, .spd = f.spd, .now_ms = NOW};
	f.ask = (struct grant_ask){.policy_id = OUT, .local = addr("192.0.2.1"), .remote = addr("192.0.2.2")};
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	spd_free(f->spd);
	ike_gens_fini(&f->gens);
	return 0;
}

static int judge_sealed(struct fixture *f, const struct ticket_key *with)
{
	int n = ticket_seal(with, &f->ticket, f->octets, sizeof(f->octets));

	assert_true(n > 0);
	f->ask.ticket = f->octets;
	f->ask.ticket_len = (size_t)n;
	f->e.s[0] = '\0';
	return grant_judge(&f->world, &f->ask, &f->terms, &f->e);
}

/* Refused with this code and these words. */
static void refused(struct fixture *f, int code, const char *words)
{
	assert_int_equal(judge_sealed(f, &key), code);
	if (!strstr(f->e.s, words))
		fail_msg("'%s' is not in '%s'", words, f->e.s);
}

static void a_tunnel_with_its_peer(void **state)
{
	struct fixture *f = *state;
	const struct grant_terms *t = &f->terms;

	assert_int_equal(judge_sealed(f, &key), 0);
	assert_int_equal(t->out_id, OUT);
	assert_int_equal(t->in_id, IN);
	assert_int_equal(t->n_requests, 2);
	assert_int_equal(t->req[0].proto, IPSEC_ESP);
	assert_int_equal(t->req[0].mode, IPSEC_TUNNEL);
	assert_int_equal(t->req[0].reqid_out, 0x8001);
	assert_int_equal(t->req[0].reqid_in, 0x8002);
	assert_int_equal(t->req[1].proto, IPSEC_AH);
	assert_int_equal(t->req[1].reqid_out, 0);
	assert_int_equal(t->req[1].reqid_in, 0);
	assert_int_equal(t->enc, ENC); /* of all children together */
	assert_int_equal(t->auth, AUTH);
	assert_int_equal(t->icookie[0], 1);
	assert_int_equal(t->rcookie[0], 2);
}

static void add_pair(struct fixture *f, uint32_t id, const char *there, uint8_t plen, enum policy_level level)
{
	struct policy p = policy(id, POLICY_OUT, "10.1.0.0", there, plen);

	add_tunnel(f, &p, "192.0.2.1", "192.0.2.2", 0x8000 + id);
	spd_remove(f->spd, spd_find_id(f->spd, id));
	p.req[0].level = level;
	assert_int_equal(spd_insert(f->spd, &p, NULL), 0);
	p = policy(id + 1, POLICY_IN, there, "10.1.0.0", plen);
	add_tunnel(f, &p, "192.0.2.2", "192.0.2.1", 0x8001 + id);
	spd_remove(f->spd, spd_find_id(f->spd, id + 1));
	p.req[0].level = level;
	assert_int_equal(spd_insert(f->spd, &p, NULL), 0);
}

/* One pair of SAs for several policies: all of them are judged. */
static void several_policies(void **state)
{
	static const uint32_t both[] = {20, 22}, with_other_sas[] = {20, 24},
	                      with_transport[] = {TRANSPORT, 20}, with_nothing[] = {20, 99};
	struct fixture *f = *state;
	const struct grant_terms *t = &f->terms;

	add_pair(f, 20, "10.8.0.0", 16, LEVEL_UNIQUE);
	add_pair(f, 22, "10.9.0.0", 16, LEVEL_UNIQUE);
	add_pair(f, 24, "10.10.0.0", 16, LEVEL_REQUIRE);
	f->ask.more_ids = both;
	f->ask.n_more = 2;
	assert_int_equal(judge_sealed(f, &key), 0);
	assert_int_equal(t->n_more, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(t->more[i].out_id, both[i]);
		assert_int_equal(t->more[i].in_id, both[i] + 1);
		assert_int_equal(t->more[i].reqid_out[0], 0x8000 + both[i]);
		assert_int_equal(t->more[i].reqid_in[0], 0x8001 + both[i]);
		assert_int_equal(t->more[i].reqid_out[1], 0);
	}
	free(t->more);
	f->ask.more_ids = with_other_sas;
	refused(f, -EACCES, "policies 1 and 24 do not ask for the same SAs");
	f->ask.more_ids = with_transport;
	refused(f, -EACCES, "policies 1 and 3 do not ask for the same SAs");
	f->ask.more_ids = with_nothing;
	refused(f, -ENOENT, "there is no outbound policy 99");
}

static void transport_between_hosts_in_the_selector(void **state)
{
	struct fixture *f = *state;

	f->ask.policy_id = TRANSPORT;
	assert_int_equal(judge_sealed(f, &key), 0);
	assert_int_equal(f->terms.in_id, TRANSPORT_IN);
	f->ask.local = addr("198.51.100.1");
	refused(f, -EACCES, "request 1 (esp) of policy 3 is not between 198.51.100.1 and 192.0.2.2");
}

/* Behind one NAT two clients have one address, and what one claims may be the other's. */
static void what_was_made_for_one_is_no_others(void **state)
{
	struct fixture *f = *state;
	struct policy made = policy(GENERATED, POLICY_OUT, "10.1.0.0", "10.9.0.0", 16);
	struct spd_entry *x;

	made.generated = true;
	add_tunnel(f, &made, "192.0.2.1", "192.0.2.2", 0x8003);
	f->ask.policy_id = GENERATED;
	refused(f, -EACCES, "policy 9 for this traffic is another client's");
	x = spd_find_id(f->spd, GENERATED);
	ticket_owner(&f->ticket, x->owner);
	assert_int_equal(judge_sealed(f, &key), 0);
	strcpy(f->ticket.user, "mallory");
	refused(f, -EACCES, "policy 9 for this traffic is another client's");
	f->ask.policy_id = OUT; /* beside one of root's */
	f->ask.more_ids = &made.id;
	f->ask.n_more = 1;
	refused(f, -EACCES, "policy 9 for this traffic is another client's");
	f->ask.policy_id = GENERATED;
	f->ask.n_more = 0;
	f->ticket.user[0] = '\0';
	f->ticket.id.kind = IKE_ID_FQDN;
	refused(f, -EACCES, "policy 9 for this traffic is another client's");
}

static void no_ticket(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(grant_judge(&f->world, &f->ask, &f->terms, &f->e), -EACCES);
	assert_non_null(strstr(f->e.s, "there is no ticket"));
}

/* keyd must not leave out a question that root wants asked. */
static void no_grant_before_the_user_is_known(void **state)
{
	struct fixture *f = *state;

	((struct ike_view *)(uintptr_t)f->gens.now)->peer[PEER].asks = true;
	refused(f, -EACCES, "peer 'peer' has not said who its user is");
	strcpy(f->ticket.user, "alice");
	assert_int_equal(judge_sealed(f, &key), 0);
}

static void forged_ticket(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(judge_sealed(f, &forged), -EBADMSG);
	assert_non_null(strstr(f->e.s, "neither certd nor certd-verify made this ticket"));
	assert_int_equal(judge_sealed(f, &key), 0);
	f->octets[9]++; /* the peer's index */
	assert_int_equal(grant_judge(&f->world, &f->ask, &f->terms, &f->e), -EBADMSG);
}

static void expired_ticket(void **state)
{
	struct fixture *f = *state;

	f->ticket.expires_ms = NOW;
	refused(f, -EKEYEXPIRED, "the peer has to prove itself anew");
}

static void ticket_of_another_address(void **state)
{
	struct fixture *f = *state;

	f->ticket.addr = addr("192.0.2.9");
	refused(f, -EACCES, "the ticket is of a peer at 192.0.2.9, the grant is asked for one at 192.0.2.2");
}

static void peer_configured_elsewhere(void **state)
{
	struct fixture *f = *state;

	f->ticket.peer = OTHER;
	refused(f, -EACCES, "peer 'other' of the ticket is not the one configured for 192.0.2.2");
}

static void peer_that_is_not_configured(void **state)
{
	struct fixture *f = *state;

	f->ticket.peer = 3;
	refused(f, -EACCES, "the ticket is of peer 3, the configuration has 3");
}

static void anonymous_only_where_nobody_is_configured(void **state)
{
	struct fixture *f = *state;

	f->ticket.peer = ANONYMOUS;
	refused(f, -EACCES, "peer 'anonymous' of the ticket is not the one configured for 192.0.2.2");
	f->ask.policy_id = TRANSPORT;
	f->ask.remote = f->ticket.addr = addr("192.0.2.77");
	assert_int_equal(judge_sealed(f, &key), 0);
}

static void wrong_policy(void **state)
{
	struct fixture *f = *state;

	f->ask.policy_id = 99;
	refused(f, -ENOENT, "there is no outbound policy 99");
	f->ask.policy_id = IN;
	refused(f, -ENOENT, "there is no outbound policy 2");
	f->ask.policy_id = NONE;
	refused(f, -EINVAL, "policy 4 protects nothing");
}

static void wrong_endpoints(void **state)
{
	struct fixture *f = *state;

	f->ask.local = addr("192.0.2.8");
	refused(f, -EACCES, "request 1 (esp) of policy 1 is not between 192.0.2.8 and 192.0.2.2");
	/* The right peer, at an address where the policy's tunnel does not end. */
	f->ask.local = addr("192.0.2.1");
	f->ask.remote = f->ticket.addr = addr("192.0.2.3");
	f->ticket.peer = OTHER;
	refused(f, -EACCES, "request 1 (esp) of policy 1 is not between 192.0.2.1 and 192.0.2.3");
}

static void unknown_generation(void **state)
{
	struct fixture *f = *state;

	f->ticket.generation = GENERATION - 1;
	refused(f, -ESTALE, "the configuration was loaded anew; the peer has to prove itself again");
	ike_gens_fini(&f->gens);
	refused(f, -ESTALE, "no configuration for key exchange is loaded");
}

static void generation_before_counts_for_two_minutes(void **state)
{
	struct fixture *f = *state;

	f->ticket.expires_ms = UINT64_MAX;
	ike_gens_switch(&f->gens, view(GENERATION + 1), NOW);
	assert_int_equal(ike_gens_next_ms(&f->gens), NOW + IKE_BEFORE_MS);
	f->world.now_ms = NOW + IKE_BEFORE_MS - 1;
	assert_int_equal(judge_sealed(f, &key), 0);
	f->world.now_ms = NOW + IKE_BEFORE_MS;
	refused(f, -ESTALE, "loaded anew");
	ike_gens_expire(&f->gens, NOW + IKE_BEFORE_MS);
	assert_int_equal(ike_gens_next_ms(&f->gens), UINT64_MAX);
	refused(f, -ESTALE, "loaded anew");
}

/* The same block in another place, two loads and an hour later; then another block at the same address. */
static void block_that_is_the_same_counts_however_often_it_was_loaded(void **state)
{
	struct fixture *f = *state;
	struct ike_view *moved = view(GENERATION + 2), *changed = view(GENERATION + 3);

	moved->peer[PEER].block = 77;
	changed->peer[PEER].block = 78;
	f->ticket.block = 77;
	f->ticket.peer = 4000;
	f->ticket.expires_ms = UINT64_MAX;
	f->world.now_ms = NOW + 3600000;
	ike_gens_switch(&f->gens, view(GENERATION + 1), NOW);
	ike_gens_switch(&f->gens, moved, NOW);
	ike_gens_expire(&f->gens, f->world.now_ms);
	assert_int_equal(judge_sealed(f, &key), 0);
	/* What is asked of every peer is asked of this one too. */
	f->ask.remote = f->ticket.addr = addr("192.0.2.3");
	refused(f, -EACCES, "is not the one configured for 192.0.2.3");
	f->ask.remote = f->ticket.addr = addr("192.0.2.2");
	ike_gens_switch(&f->gens, changed, f->world.now_ms);
	ike_gens_expire(&f->gens, f->world.now_ms + IKE_BEFORE_MS);
	refused(f, -ESTALE, "loaded anew");
}

/* 0 is the number of nobody, however many have it. */
static void block_without_a_number_is_nobodys(void **state)
{
	struct fixture *f = *state;

	f->ticket.generation = GENERATION - 1;
	assert_int_equal(f->ticket.block, 0);
	refused(f, -ESTALE, "loaded anew");
}

static void peer_that_was_taken_out_of_the_configuration(void **state)
{
	struct fixture *f = *state;
	struct ike_view *empty = ike_view_new(0, 0);

	assert_non_null(empty);
	assert_int_equal(ike_view_sort(empty), 0);
	empty->generation = GENERATION + 1;
	ike_gens_switch(&f->gens, empty, NOW);
	refused(f, -ESTALE, "no peer is at 192.0.2.2 any more");
}

static void without_algorithms_there_is_nothing_to_grant(void **state)
{
	struct fixture *f = *state;

	f->gens.now->enc = 0;
	refused(f, -EINVAL, "no sainfo of the configuration allows an algorithm for policy 1");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_tunnel_with_its_peer),
	    CASE(several_policies),
	    CASE(transport_between_hosts_in_the_selector),
	    CASE(what_was_made_for_one_is_no_others),
	    CASE(no_ticket),
	    CASE(no_grant_before_the_user_is_known),
	    CASE(forged_ticket),
	    CASE(expired_ticket),
	    CASE(ticket_of_another_address),
	    CASE(peer_configured_elsewhere),
	    CASE(peer_that_is_not_configured),
	    CASE(anonymous_only_where_nobody_is_configured),
	    CASE(wrong_policy),
	    CASE(wrong_endpoints),
	    CASE(unknown_generation),
	    CASE(generation_before_counts_for_two_minutes),
	    CASE(block_that_is_the_same_counts_however_often_it_was_loaded),
	    CASE(block_without_a_number_is_nobodys),
	    CASE(peer_that_was_taken_out_of_the_configuration),
	    CASE(without_algorithms_there_is_nothing_to_grant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
