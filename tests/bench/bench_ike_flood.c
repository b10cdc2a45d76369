/*
 * What a stranger's message costs keyd's core, as JSON: nanoseconds for each kind that a flood is made of,
 * sockets and the log's writing left out, and what the core has taken in memory when all is over. Time is
 * simulated, so that a kind is answered or refused as meant. Each figure is the best of several rounds.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/wr.h"
#include "support/ike_rig.h"
#include "wire/ike/v1.h"
#include "wire/ike/v1_sa.h"
#include "wire/ike/v1_transform.h"

enum { ROUNDS = 7, MESSAGES = 20000, BUDGET = 3000, ROOM = 512, KE = 32, NONCE = 16 };

/* Kinds of messages; whether time passes meanwhile, so that the budget for strangers is never used up. */
enum { MAIN, AGGRESSIVE, REPEATED, RUBBISH, UNKNOWN, KINDS };
static const struct {
	const char *name;
	unsigned kind;
	bool time;
} rows[] = {
    {"main_answered_ns", MAIN, true},
    {"main_refused_ns", MAIN, false},
    {"aggressive_refused_ns", AGGRESSIVE, false},
    {"repeated_ns", REPEATED, true},
    {"rubbish_ns", RUBBISH, true},
    {"unknown_cookies_ns", UNKNOWN, true},
};

static struct rig rig;
static uint8_t message[ROOM];
static size_t n_message;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put_sa(struct ike_out *o)
{
	const struct ike1_phase1 terms = {.cipher = IKE1_CIPHER_3DES,
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

static void make(unsigned kind)
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
		put_sa(&o);
	if (kind == AGGRESSIVE) {
		ike_out_whole(&o, IKE1_P_KE, filler, KE);
		ike_out_whole(&o, IKE1_P_NONCE, filler, NONCE);
		ike_out_whole(&o, IKE1_P_ID, id, sizeof(id));
	}
	n_message = ike_out_end(&o);
}

/* Gives the core so many; `time_passes`: one a millisecond. */
static void give(unsigned kind, int n, bool time_passes)
{
	static uint64_t cookie;
	const struct ike_path path = {
	    .local = rig.b.addr, .remote = rig.a.addr, .local_port = IKE_PORT, .remote_port = IKE_PORT};

	for (int i = 0; i < n; i++) {
		if (kind != REPEATED || !i)
			cookie++;
		memcpy(message, &cookie, sizeof(cookie));
		core_datagram(rig.b.core, &path, message, n_message);
		if (time_passes) {
			rig.clock.ms++;
			core_step(rig.b.core);
		}
	}
}

/* One flood of a kind against a core that has seen none; nanoseconds each. */
static double flood(unsigned kind, bool time_passes)
{
	uint64_t began;

	make(kind);
	if (!time_passes)
		give(kind, BUDGET, false); /* more than is answered at once: what follows is refused */
	began = now_ns();
	give(kind, MESSAGES, time_passes);
	return (double)(now_ns() - began) / MESSAGES;
}

static void begin(void)
{
	struct ike_conf *a = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true),
	                *b = rig_conf(IKE_MODE_MAIN, IKE_AUTH_PSK, true);

	b->peer[0].mode[b->peer[0].n_modes++] = IKE_MODE_AGGRESSIVE;
	rig_init(&rig, 1, a, b);
	rig.a.dead = true; /* answers go nowhere */
}

int main(void)
{
	size_t grown = 0;

	printf("{");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double best = 0;

		for (int round = 0; round < ROUNDS; round++) {
			size_t before;
			double ns;

			begin();
			before = mallinfo2().uordblks;
			ns = flood(rows[i].kind, rows[i].time);
			best = !round || ns < best ? ns : best;
			if (mallinfo2().uordblks > before + grown)
				grown = mallinfo2().uordblks - before;
			rig_fini(&rig);
		}
		printf("\"%s\": %.0f, ", rows[i].name, best);
	}
	printf("\"grown_kib\": %zu}\n", grown / 1024);
	return 0;
}
