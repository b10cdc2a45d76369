/*
 * What a stranger's message costs keyd's core, as JSON: nanoseconds for each kind that a flood is made of, of
 * either version, sockets, neighbours and the log's writing left out; the same with as many connections as
 * there may be; and what the core has taken in memory when all is over. Time is simulated, so that a kind is
 * answered or refused as meant. Each figure is the best of several rounds.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/wr.h"
#include "keyd/ike2/cookie.h"
#include "keyd/ike2/offer.h"
#include "support/ike_rig.h"
#include "wire/ike/v1.h"
#include "wire/ike/v1_sa.h"
#include "wire/ike/v1_transform.h"
#include "wire/ike/v2_payload.h"

enum {
	ROUNDS = 7,
	MESSAGES = 20000,
	OPEN_MESSAGES = 1500, /* that a negotiation is begun for: fewer than there may be */
	BUDGET = 3000,
	ROOM = 512,
	KE = 32,
	NONCE = 16,
	NONCE2 = 32,
	COOKIE_LEN = 32,
	COOKIE_AT = IKE_HDR_LEN + 8, /* in the message that asks for it */
	PLENTY = 1 << 30,
};

/* Kinds of messages of version 1; whether time passes meanwhile, so that the budget for strangers is never
 * used up; what they are besides. */
enum { MAIN, AGGRESSIVE, REPEATED, RUBBISH, UNKNOWN, ONE_COOKIE, UNFIT, KINDS1 };
/* Of version 2: one for which a cookie is asked, one with a wrong cookie, one with what was asked for, which
 * begins a negotiation, and one that nothing is to be had for. */
enum { ASKED = KINDS1, WRONG, SHOWN, RUBBISH2, KINDS };
static const struct row {
	const char *name;
	unsigned kind;
	bool time;
} rows[] = {
    {"main_answered", MAIN, true},
    {"main_refused", MAIN, false},
    {"main_unfit", UNFIT, true},
    {"main_one_cookie", ONE_COOKIE, true},
    {"aggressive_refused", AGGRESSIVE, false},
    {"repeated", REPEATED, true},
    {"rubbish", RUBBISH, true},
    {"unknown_cookies", UNKNOWN, true},
    {"init_asked", ASKED, false},
    {"init_wrong_cookie", WRONG, false},
    {"init_answered", SHOWN, false},
    {"init_rubbish", RUBBISH2, false},
};

static struct rig rig;
static uint8_t message[ROOM], shown[COOKIE_LEN];
static size_t n_message;
static uint64_t token; /* of what certd is asked */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- version 1 --- */

static void put_sa(struct ike_out *o, bool fits)
{
	const struct ike1_phase1 terms = {.cipher = fits ? IKE1_CIPHER_3DES : IKE1_CIPHER_DES,
	    .hash = IKE1_HASH_SHA1,
	    .auth = IKE1_AUTH_PSK,
	    .group = ALG_GROUP_CURVE25519,
	    .life.seconds = 3600};
	struct ike1_open_part proposal, transform;

	ike1_put_sa(o);
	proposal = ike1_put_proposal(o, true, 1, IKE1_PROTO_ISAKMP, NULL, 0, 1);
	transform = ike1_put_transform(o, true, 1, IKE1_TRANSFORM_KEY_IKE);
	ike1_put_phase1(o, &terms);
	ike1_end_part(o, transform);
	ike1_end_part(o, proposal);
}

static void make1(unsigned kind)
{
	static const uint8_t id[] = {IKE1_ID_IPV4, 17, 1, 0xf4, 10, 0, 0, 100}, filler[KE] = {9};
	struct ike_hdr h = {.major = 1, .exchange = kind == AGGRESSIVE ? IKE1_AGGRESSIVE : IKE1_MAIN};
	struct ike_out o;

	memset(h.icookie, 1, sizeof(h.icookie));
	memset(h.rcookie, kind == UNKNOWN ? 7 : 0, sizeof(h.rcookie));
	ike_out_init(&o, message, sizeof(message), &h);
	if (kind == RUBBISH)
		ike_out_whole(&o, IKE1_P_SA, filler, sizeof(filler));
	else
		put_sa(&o, kind != UNFIT);
	if (kind == AGGRESSIVE) {
		ike_out_whole(&o, IKE1_P_KE, filler, KE);
		ike_out_whole(&o, IKE1_P_NONCE, filler, NONCE);
		ike_out_whole(&o, IKE1_P_ID, id, sizeof(id));
	}
	n_message = ike_out_end(&o);
}

/* --- version 2 --- */

static void make2(const uint8_t *cookie, bool whole)
{
	static const uint8_t filler[NONCE2] = {9};
	struct ike_hdr h = {.major = 2, .exchange = IKE2_SA_INIT, .flags = IKE2_F_INITIATOR};
	struct ike_out o;

	memset(h.icookie, 1, sizeof(h.icookie));
	ike_out_init(&o, message, sizeof(message), &h);
	if (cookie)
		ike2_put_note(&o, IKE2_N_COOKIE, cookie, COOKIE_LEN);
	offer_put_ike(&rig.b.core->conf->c->peer[0], &o, NULL);
	ike2_put_ke(&o, ALG_GROUP_CURVE25519, filler, KE);
	if (whole)
		ike_out_whole(&o, IKE2_P_NONCE, filler, NONCE2);
	n_message = ike_out_end(&o);
}

/* What is sent: of a question for a cookie that is remembered. */
static void port_send(void *arg, const struct ike_path *path, const uint8_t *d, size_t n)
{
	if (n == COOKIE_AT + COOKIE_LEN)
		memcpy(shown, d + COOKIE_AT, COOKIE_LEN);
}

static int port_begin(void *arg, uint64_t t, uint64_t generation, uint32_t peer,
    const struct inet_addr *peer_addr, bool we_began)
{
	token = t;
	return 0;
}

static void certd_answers(void)
{
	static const uint8_t nonce[NONCE2] = {7};
	struct core_reply r = {.why = "", .octets = nonce, .n_octets = sizeof(nonce)};

	if (token)
		core_reply(rig.b.core, token, &r);
	token = 0;
}

/* --- both --- */

static void give_one(unsigned kind, uint64_t number)
{
	struct ike_path path = {
	    .local = rig.b.addr, .remote = rig.a.addr, .local_port = IKE_PORT, .remote_port = IKE_PORT};

	if (kind == ONE_COOKIE)
		path.remote = inet_addr_v4(0xc6120000U + (uint32_t)number);
	else
		memcpy(message, &number, sizeof(number));
	core_datagram(rig.b.core, &path, message, n_message);
}

/* The cookie that this message needs is asked for, which is not measured; then it is shown. */
static uint64_t give_shown(uint64_t number)
{
	uint64_t began;

	make2(NULL, true);
	give_one(ASKED, number);
	make2(shown, true);
	began = now_ns();
	give_one(SHOWN, number);
	certd_answers();
	return now_ns() - began;
}

/* Gives the core so many; `time_passes`: one a millisecond. Nanoseconds. */
static uint64_t give(unsigned kind, int n, bool time_passes)
{
	static uint64_t number;
	uint64_t spent = 0, began = now_ns();

	for (int i = 0; i < n; i++) {
		if (kind != REPEATED || !i)
			number++;
		if (kind == SHOWN)
			spent += give_shown(number);
		else
			give_one(kind, number);
		if (time_passes) {
			rig.clock.ms++;
			core_step(rig.b.core);
		}
	}
	return kind == SHOWN ? spent : now_ns() - began;
}

/* One flood of a kind against a core that has seen none; nanoseconds each. */
static double flood(const struct row *r)
{
	static const uint8_t wrong[COOKIE_LEN] = {5};
	int n = r->kind == SHOWN ? OPEN_MESSAGES : MESSAGES;

	if (r->kind < KINDS1) {
		make1(r->kind);
		if (!r->time)
			give(r->kind, BUDGET,
			    false); /* more than is answered at once: what follows is refused */
	} else {
		bucket_init(&rig.b.core->keys, 0, 0, rig.clock.ms);
		bucket_init(&rig.b.core->again, PLENTY, PLENTY, rig.clock.ms);
		make2(r->kind == WRONG ? wrong : NULL, r->kind != RUBBISH2);
	}
	return (double)give(r->kind, n, r->time) / n;
}

/* Blocks of other peers behind the one that counts. */
static struct ike_conf *with_peers(struct ike_conf *c, uint32_t n)
{
	while (c->n_peers < n) {
		struct ike_peer *p = ike_conf_add_peer(c);

		if (!p || ike_peer_copy(p, &c->peer[0]) < 0)
			abort();
		p->addr = inet_addr_v4(0x0b000000U + c->n_peers);
	}
	if (ike_conf_sort(c) < 0)
		abort();
	return c;
}

static void begin(unsigned version, uint32_t n_peers)
{
	struct ike_conf *a = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true),
	                *b = version == 2 ? rig_conf2(IKE_AUTH_PSK)
	                                  : rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);

	if (version == 1)
		b->peer[0].mode[b->peer[0].n_modes++] = IKE_MODE_AGGRESSIVE;
	rig_init(&rig, 1, a, with_peers(b, n_peers));
	rig.a.dead = true; /* answers go nowhere */
	if (version == 1)
		return;
	rig.b.core->ports.send = port_send;
	rig.b.core->ports.ike2_begin = port_begin;
}

static void measure(const struct row *r, uint32_t n_peers, size_t *grown)
{
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		size_t before;
		double ns;

		begin(r->kind < KINDS1 ? 1 : 2, n_peers);
		before = mallinfo2().uordblks;
		ns = flood(r);
		best = !round || ns < best ? ns : best;
		if (mallinfo2().uordblks > before + *grown)
			*grown = mallinfo2().uordblks - before;
		rig_fini(&rig);
	}
	printf("\"%s_%u_ns\": %.0f, ", r->name, n_peers, best);
}

/* Octets that a negotiation has which a stranger of version 2 has begun, and not gone on with. */
static size_t half_open(void)
{
	size_t before;

	begin(2, 1);
	bucket_init(&rig.b.core->keys, 0, 0, rig.clock.ms);
	bucket_init(&rig.b.core->again, PLENTY, PLENTY, rig.clock.ms);
	give(SHOWN, 1, false);
	before = mallinfo2().uordblks;
	give(SHOWN, OPEN_MESSAGES, false);
	before = mallinfo2().uordblks - before;
	if (rig.b.core->ike2.n_unproved != OPEN_MESSAGES + 1)
		abort();
	rig_fini(&rig);
	return before / OPEN_MESSAGES;
}

int main(void)
{
	size_t grown = 0;

	printf("{");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		measure(&rows[i], 1, &grown);
		measure(&rows[i], IKE_PEERS_MAX, &grown);
	}
	printf("\"half_open_octets\": %zu, \"grown_kib\": %zu}\n", half_open(), grown / 1024);
	return 0;
}
