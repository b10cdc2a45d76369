/*
 * Judges a peer's certificates, identity and signature.
 */
#ifndef POSTERN_CERTD_VERIFY_JUDGE_H
#define POSTERN_CERTD_VERIFY_JUDGE_H

#include "certd/verify/anchors.h"
#include "certd/verify/reason.h"
#include "crypto/ike1.h"

enum { JUDGE_CERTS_MAX = 10 };

struct judge_claim {
	uint32_t peer;                            /* index */
	bool v2;                                  /* by version 2 */
	struct inet_addr addr;                    /* where it is; for version 2 */
	struct ike_id id;                         /* who it says it is */
	struct ike1_octets over;                  /* what it has to have signed: a hash, or octets (v2) */
	struct ike1_octets cert[JUDGE_CERTS_MAX]; /* X.509 or PKCS #7 in DER, as they came */
	uint32_t n_certs;
	struct ike1_octets
	    public_key;               /* v2: SubjectPublicKeyInfo, as it came (RFC 7670); empty: it did not */
	struct ike1_octets signature; /* v2: the body of its AUTH payload */
};

/* VERIFY_NONE: it is who it says. Otherwise *e has what is special about this case ("" when nothing is). A
 * warning (a pinned certificate that has expired, a weak key) stands in *e with VERIFY_NONE. */
enum verify_reason judge(const struct anchors *a, const struct judge_claim *c, struct err_text *e);

#endif
