/*
 * What main, aggressive and base mode have in common: the SA payload, Diffie-Hellman, keys, proofs, and how a
 * negotiation ends well or badly.
 */
#ifndef POSTERN_KEYD_IKE1_PHASE1_H
#define POSTERN_KEYD_IKE1_PHASE1_H

#include "keyd/ike1/isakmp.h"
#include "wire/ike/v1_rules.h"

/* What came in, taken apart and found to have what its place demands. Slices point into the datagram or into
 * core->in. */
struct phase1_msg {
	struct ike_hdr hdr;
	struct ike_chain chain;
	const uint8_t *datagram;
	size_t n;
	uint8_t next_iv[IKE1_BLOCK_MAX]; /* behind an enciphered one; else as before */
};

/* offer.c: the SA payload. The initiator's offer: 0; -ENOENT: nothing in the configuration can be offered. */
must_check int phase1_put_offer(struct isakmp *sa, struct ike_out *o);
/* The responder's choice, of one of the address's blocks and one of its proposals, into sa->peer and
 * sa->terms; *ret_body is the answer's SA payload. 0; -ENOENT: none fits; -EBADMSG: malformed. */
must_check int phase1_choose(struct isakmp *sa, const struct ike_chain *c, struct octets *ret_body);
/* Main mode's responder knows sa->peer_id now. True: another block that takes what was agreed on suits it
 * better, and is sa->peer from now on; certd has to hear of it. */
must_check bool phase1_reconsider(struct isakmp *sa);
/* The responder's answer, as the initiator sees it: one of the transforms it offered, unchanged. The same
 * answers. */
must_check int phase1_take_answer(struct isakmp *sa, const struct ike_payload *p);
/* Aggressive mode's group, which has to be known before the answer. */
enum alg_group phase1_first_group(const struct isakmp *sa);

/* Our key pair. 0 or -errno. */
must_check int phase1_make_ke(struct isakmp *sa, enum alg_group group);
/* Our public value, and our nonce, which comes from certd: auth_begin(). */
void phase1_put_public(const struct isakmp *sa, struct ike_out *o);
void phase1_put_nonce(const struct isakmp *sa, struct ike_out *o);
/* The peer's. 0; -EBADMSG. */
must_check int phase1_take_public(struct isakmp *sa, const struct ike_chain *c);
must_check int phase1_take_nonce(struct isakmp *sa, const struct ike_chain *c);
/* Both. */
void phase1_put_ke(const struct isakmp *sa, struct ike_out *o);
must_check int phase1_take_ke(struct isakmp *sa, const struct ike_chain *c);
/* The peer's identity. 0; -EBADMSG. */
must_check int phase1_take_id(struct isakmp *sa, const struct ike_chain *c);
/* Its certificates, as far as they are X.509. 0; -EBADMSG; -ENOMEM. */
must_check int phase1_take_certs(struct isakmp *sa, const struct ike_chain *c);

void phase1_put_certs(const struct isakmp *sa, struct ike_out *o);
void phase1_put_cert_request(const struct isakmp *sa, struct ike_out *o);

/* auth.c. Each asks, and goes on with `then` when the answer is there; a question that cannot be asked, or an
 * answer that says no, ends the SA or the message as its comment says. */
/* Our nonce, our own identity's body and our certificate. A failure ends the SA. */
void auth_begin(struct isakmp *sa, void (*then)(struct isakmp *sa));
/* Main mode, responder: the exchange goes on under the block that is sa->peer now, with its identity and
 * certificate. A failure ends the SA. */
void auth_switch(struct isakmp *sa, void (*then)(struct isakmp *sa));
/* Base mode, initiator: certd hears what it needs for our proof. A failure ends the SA. */
void auth_tell(struct isakmp *sa, void (*then)(struct isakmp *sa));
/* SKEYID_d, _a and _e, and from them all keys. A failure ends the SA. */
void auth_keys(struct isakmp *sa, void (*then)(struct isakmp *sa));
/* sa->proof becomes our own hash or signature. A failure ends the SA. */
void auth_prove(struct isakmp *sa, void (*then)(struct isakmp *sa));
/* sa->proof, the peer's, is judged: `then` with a ticket, or `not_so` with -EBADMSG when it is no proof, with
 * -EACCES when who it proves is not wanted. A failure to judge ends the SA. */
void auth_check(struct isakmp *sa, void (*then)(struct isakmp *sa),
    void (*not_so)(struct isakmp *sa, int r, const char *why));
static inline bool auth_with_signature(const struct isakmp *sa)
{
	return ike_auth_is_rsa(sa->terms.auth);
}
/* Writes sa->proof as the payload it is. */
void auth_put_proof(const struct isakmp *sa, struct ike_out *o);
/* Takes the peer's into sa->proof. 0 or -EBADMSG. */
must_check int auth_take_proof(struct isakmp *sa, const struct ike_chain *c);

/* Sends what is in core->out. A failure ends the SA. */
void phase1_send(struct isakmp *sa, struct ike_out *o, bool seal, bool expect);
/* The responder's cookie is the one of this message from now on. */
void phase1_take_cookie(struct isakmp *sa, const struct phase1_msg *m);
/* The message was taken: repetitions of it are known from now on. */
void phase1_got(struct isakmp *sa, const struct phase1_msg *m);
/* The negotiation has ended well: what comes before quick mode begins, or the SA is up. */
void phase1_up(struct isakmp *sa);
/* It has ended badly by our own doing: the log says why, the peer hears `notify` (0: nothing). */
void phase1_fail(struct isakmp *sa, uint16_t notify, const char *why);
/* A message is passed over: counted, and noted. */
void phase1_ignore(struct isakmp *sa, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the timers for its renewal and its end, from its lifetime. Without memory it ends. */
void phase1_plan(struct isakmp *sa);
/* Begins another one in its place, unless that is under way. False: it is not this side's to renew, or there
 * is a newer one. */
bool phase1_renew(struct isakmp *sa);

/* "Identity Protection mode", "Aggressive mode", "Base mode": racoon's words. */
const char *phase1_mode_words(enum ike_mode m);
/* Sends the first message of one that we begin, unless it is under way. */
void phase1_begin(struct isakmp *sa);

/* main_mode.c, aggressive.c, base_mode.c */
void main_begin(struct isakmp *sa);
void main_answer(struct isakmp *sa, struct phase1_msg *m);
void main_message(struct isakmp *sa, struct phase1_msg *m);
void aggressive_begin(struct isakmp *sa);
void aggressive_answer(struct isakmp *sa, struct phase1_msg *m);
void aggressive_message(struct isakmp *sa, struct phase1_msg *m);
void base_begin(struct isakmp *sa);
void base_answer(struct isakmp *sa, struct phase1_msg *m);
void base_message(struct isakmp *sa, struct phase1_msg *m);

#endif
