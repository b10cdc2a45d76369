/*
 * ISAKMP SAs and pairs as octets, for keep/: what the next life of this process needs of them to go on. What
 * it finds is judged like what comes by the network: who wrote it may have been another build, or broken.
 */
#ifndef POSTERN_KEYD_IKE1_KEPT_H
#define POSTERN_KEYD_IKE1_KEPT_H

#include "keyd/core/child.h"
#include "keyd/ike1/isakmp.h"

/* Keeps it as it is now; one that is not up is not kept. */
void kept_isakmp(struct isakmp *sa);
void kept_child(struct child *k);

/* The octets; `sa` is a struct isakmp, `child` a struct child. */
void kept_isakmp_encode(struct wr *w, const void *sa);
void kept_child_encode(struct wr *w, const void *child);

/* Everything is borrowed. */
struct kept_isakmp {
	uint64_t generation; /* of its configuration, */
	uint32_t peer;       /* and the peer's index in it, when it was kept, */
	uint64_t peer_block; /* and its block's number, by which it is found in another one */
	bool initiator, nat_here, nat_there, peer_dpd, cuts;
	bool user_known, configured, has_lease;
	enum ike_mode mode;
	int nat_form;
	struct ike_path path;
	const uint8_t *icookie, *rcookie;
	struct isakmp_terms terms;
	uint64_t begun_ms, established_ms;
	size_t block;
	const uint8_t *iv; /* `block` octets */
	struct ike1_octets d, a, cipher_key, ticket, user, groups;
	struct ike_id peer_id;
	uint32_t lease;
	struct inet_addr address;
	bool has_given; /* `given`: what of it is told to scripts, without texts; */
	struct ike1_values given;
	struct ike1_octets domain; /* and the domain */
};
/* 0; -EBADMSG with *ret_why (static text). */
must_check int kept_isakmp_decode(
    const void *p, size_t n, uint64_t now_ms, struct kept_isakmp *ret, const char **ret_why);
/* The same; node, core, conf, party, timers and place of *ret are not set. *ret_name, borrowed, is the
 * party's. */
must_check int kept_child_decode(const void *p, size_t n, uint64_t now_ms, struct child *ret,
    struct ike1_octets *ret_name, const char **ret_why);

#endif
