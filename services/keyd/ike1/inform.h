/*
 * Informational exchanges (RFC 2409 section 5.7): what one side tells the other without an answer, and dead
 * peer detection (RFC 3706), which makes an answer of it.
 */
#ifndef POSTERN_KEYD_IKE1_INFORM_H
#define POSTERN_KEYD_IKE1_INFORM_H

#include "keyd/ike1/isakmp.h"

struct child;

/* A negotiation is refused: enciphered when there are keys, else in clear. */
void inform_refuse(struct isakmp *sa, uint16_t notify);
/* The ISAKMP SA ends; only when it is up. */
void inform_delete_isakmp(struct isakmp *sa);
/* The SAs that the peer sends into are gone. Needs an ISAKMP SA with it, else nothing is said. */
void inform_delete_child(struct child *k);
/* An SA that the peer sends into is not there (any more). */
void inform_delete_spi(struct isakmp *sa, enum ipsec_proto proto, uint32_t spi);
/* We remember nothing of this peer from before (RFC 2407 section 4.6.3.3): once, when that is so. */
void inform_initial_contact(struct isakmp *sa);
/* Whether the peer says so with its proof, in main mode where that is enciphered. */
void inform_note1(struct isakmp *sa, const struct ike_chain *c);
/* The peer began anew: what it had with us before ends. */
void inform_began_anew(struct isakmp *sa);
/* One that came; `d` has hdr->length octets. */
void inform_message(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d);
/* Enciphered, while a proof is under way: the other side of the negotiation refuses, which ends it. */
void inform_refusal(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d);
/* In clear, before there are keys: believed in nothing, but the log tells. */
void inform_clear(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d);

/* dpd.c: begins to watch, when the configuration says so and the peer answers. */
void dpd_begin(struct isakmp *sa);
/* The same for one that an earlier life of this process has kept. */
void dpd_go_on(struct isakmp *sa);
/* R-U-THERE and its answer. */
struct ike1_notification;
void dpd_notify(struct isakmp *sa, const struct ike1_notification *n);
/* Sends one notification under the ISAKMP SA. */
void inform_notify(struct isakmp *sa, uint16_t type, const void *data, size_t n);

#endif
