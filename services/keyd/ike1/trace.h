/*
 * What an administrator who reads along at level debug wants to see of a negotiation, in racoon's words where
 * it has some. No key octets and no hashes: whoever may read a log need not be able to read packets.
 */
#ifndef POSTERN_KEYD_IKE1_TRACE_H
#define POSTERN_KEYD_IKE1_TRACE_H

#include "keyd/ike1/isakmp.h"
#include "keyd/ike1/quick.h"
#include "wire/ike/v1_sa.h"

/* Which `remote` an address got. */
void trace_remote(struct core *c, const struct ike_peer *p, const struct ike_path *path);
/* The payloads of a message, and the proposals of an SA payload with what they say. */
void trace_chain(struct core *c, const struct ike_chain *chain);
void trace_sa1(struct core *c, const struct ike1_sa *offered);
/* What phase 1 agreed on. */
void trace_terms(const struct isakmp *sa);
/* The policies and the sainfo of a quick mode. */
void trace_policies(const struct quick *q);
void trace_sainfo(const struct quick *q);
/* A quick mode's hash was right; the IV of its messages was computed. */
void trace_hash(const struct isakmp *sa, unsigned number);
void trace_iv(const struct isakmp *sa);
/* What a quick mode agreed on for one protocol; an SPI that was reserved; an SA that was installed. */
void trace_part(const struct quick *q, const struct quick_part *p);
void trace_spi(const struct quick *q, const struct quick_part *p);
void trace_installed(const struct quick *q, const struct quick_part *p, bool inbound);

#endif
