/*
 * What would keep IKE from using a certificate, a request's key or a list. The same rules as certd-verify's,
 * said before a peer does.
 */
#ifndef POSTERN_PKI_LOOK_FIT_H
#define POSTERN_PKI_LOOK_FIT_H

#include "pki/internal.h"
#include "pki/look.h"

/* Adds a text; nothing without memory. */
void pki_words_add(struct pki_words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What is in the item already counts: dates, is_ca, names. */
void pki_judge_cert(X509 *x, int64_t now, struct pki_item *ret);
void pki_judge_request(X509_REQ *r, struct pki_item *ret);
void pki_judge_list(int64_t now, struct pki_item *ret);

#endif
