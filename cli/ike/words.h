/*
 * Names of what was agreed on, for text and JSON alike; numbers that this release has no name for are printed
 * as such. All return buf.
 */
#ifndef POSTERN_CLI_IKE_WORDS_H
#define POSTERN_CLI_IKE_WORDS_H

#include "ipsec/ike_row.h"

enum { IKE_WORD_LEN = 40 };

const char *ike_enc_word(enum alg_enc enc, uint16_t key_bits, char buf[IKE_WORD_LEN]); /* "aes-cbc 128" */
const char *ike_auth_word(enum alg_auth auth, char buf[IKE_WORD_LEN]);                 /* "hmac-sha1" */
const char *ike_prf_word(enum alg_prf prf, char buf[IKE_WORD_LEN]);
const char *ike_group_word(enum alg_group group, char buf[IKE_WORD_LEN]);
/* "NAT here", "NAT at the peer", "NAT at both ends", "no NAT" */
const char *ike_nat_words(const struct ike_row_sa *sa);

#endif
