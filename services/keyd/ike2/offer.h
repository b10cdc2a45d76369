/*
 * Proposals (RFC 7296 sections 2.7 and 3.3): what the configuration offers, and what of the peer's is taken.
 */
#ifndef POSTERN_KEYD_IKE2_OFFER_H
#define POSTERN_KEYD_IKE2_OFFER_H

#include "keyd/ike2/sa.h"
#include "wire/ike/v2_sa.h"

/* The proposals for an IKE SA; `spi`: ours of one that takes another one's place, else NULL. */
void offer_put_ike(const struct ike_peer *p, struct ike_out *o, const uint8_t *spi);
/* The first group that is offered; NONE: nothing can be offered. */
enum alg_group offer_first_group(const struct ike_peer *p);
/* Whether some offer has this group. */
bool offer_has_group(const struct ike_peer *p, uint16_t group);

/* What was chosen of a peer's proposals. */
struct offer_choice {
	uint8_t number;
	const uint8_t *spi; /* the peer's, in the message */
	uint8_t spi_len;
};
/* Our first offer that the peer makes too, one with the group of its KE payload before all others. False:
 * there is none. */
must_check bool offer_choose_ike(const struct ike_peer *p, const struct ike2_sa *theirs, uint16_t ke_group,
    struct ike2_terms *ret, struct offer_choice *ret_choice);
/* The answer: these terms alone. */
void offer_put_ike_answer(
    const struct ike2_terms *t, const struct offer_choice *c, struct ike_out *o, const uint8_t *spi);
/* The peer's answer: one proposal, which is one of ours. */
must_check bool offer_take_ike(const struct ike_peer *p, const struct ike2_sa *theirs, struct ike2_terms *ret,
    struct offer_choice *ret_choice);

/* A child's protection. */
struct offer_child {
	enum ipsec_proto proto; /* ESP or AH */
	enum alg_enc enc;
	enum alg_auth auth;
	uint8_t enc_len, auth_len; /* octets of the keys, salts included */
	enum alg_group group;      /* NONE: no key exchange of its own */
	bool esn;
};
/* `group` NONE: without a key exchange of its own. */
void offer_put_child(
    const struct ike_child *k, enum ipsec_proto proto, enum alg_group group, struct ike_out *o, uint32_t spi);
/* As above. `ke_group`: of the peer's KE payload, 0 when it sent none; `any_group`: whatever group it has
 * will do, else one of its own is needed if `want` is one. */
struct offer_pfs {
	uint16_t ke_group;
	enum alg_group want;
	bool first; /* in IKE_AUTH there is no key exchange of its own */
};
must_check bool offer_choose_child(const struct ike_child *k, enum ipsec_proto proto,
    const struct ike2_sa *theirs, const struct offer_pfs *pfs, struct offer_child *ret,
    struct offer_choice *ret_choice);
void offer_put_child_answer(
    const struct offer_child *t, const struct offer_choice *c, struct ike_out *o, uint32_t spi);
must_check bool offer_take_child(const struct ike_child *k, enum ipsec_proto proto, enum alg_group group,
    const struct ike2_sa *theirs, struct offer_child *ret, struct offer_choice *ret_choice);
/* The SPI of a choice for ESP or AH. */
uint32_t offer_spi(const struct offer_choice *c);

#endif
