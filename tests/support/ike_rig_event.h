/*
 * What the rig's parts share: an event has its time, and an answer is one.
 */
#ifndef POSTERN_TESTS_IKE_RIG_EVENT_H
#define POSTERN_TESTS_IKE_RIG_EVENT_H

#include "support/ike_rig.h"

/* A datagram to a side, or an answer to its question. */
struct event {
	struct list node;
	uint64_t due_ms;
	struct rig_side *to;
	bool is_datagram;
	void (*undo)(struct rig_side *s, uint64_t number); /* nobody wants the answer any more; may be NULL */
	struct ike_path path;
	uint64_t token;
	struct core_reply reply;
	struct policy out, in;
	struct ike1_octets cert;
	uint8_t *octets;
	size_t n;
};

/* An answer on its way to this side. */
struct event *rig_answer(struct rig_side *s, uint64_t token, int result, const char *why);
/* It has these octets. */
void rig_keep(struct event *e, const void *p, size_t n);
struct rig_side *rig_other(struct rig_side *s);

/* ike_rig_certd.c: the ports to certd and certd-verify. */
int rig_port_begin(void *arg, uint64_t token, uint64_t generation, uint32_t peer,
    const struct inet_addr *peer_addr, bool we_began);
int rig_port_keys(void *arg, uint64_t token, const struct ike1_told *t);
int rig_port_switch(void *arg, uint64_t token, struct ike1_octets nonce, uint32_t peer);
int rig_port_prove(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id);
int rig_port_verify(
    void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id, struct ike1_octets hash);
int rig_port_judge(void *arg, uint64_t token, const struct ike1_signed *x);
/* Of version 2; begin and judge are the same. */
int rig_port_tell2(void *arg, uint64_t token, const struct ike2_told *t);
int rig_port_prove2(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id);
int rig_port_verify2(
    void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id, struct ike1_octets proof);

#endif
