/*
 * Nobody vouches for the name of such a peer but the configuration. So the key that was sent decides nothing:
 * it is compared, because a peer whose key was changed is told apart from one that cannot sign.
 */
#include "certd/verify/raw_key.h"

#include <openssl/err.h>
#include <openssl/x509.h>

EVP_PKEY *raw_key_parse(struct ike1_octets der)
{
	const unsigned char *p = der.p;
	EVP_PKEY *key = der.n ? d2i_PUBKEY(NULL, &p, (long)der.n) : NULL;

	ERR_clear_error();
	if (key && p != (const unsigned char *)der.p + der.n) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

static enum verify_reason compare(EVP_PKEY *key, struct ike1_octets sent)
{
	EVP_PKEY *theirs = raw_key_parse(sent);
	enum verify_reason r = !theirs                         ? VERIFY_KEY_MALFORMED
	                       : EVP_PKEY_eq(key, theirs) == 1 ? VERIFY_NONE
	                                                       : VERIFY_OTHER_KEY;

	EVP_PKEY_free(theirs);
	ERR_clear_error();
	return r;
}

static enum verify_reason check_identity(
    const struct ike_peer *p, const struct judge_claim *c, struct err_text *e)
{
	char name[200];

	if (ike_peer_is_called(p, &c->id, &c->addr))
		return VERIFY_NONE;
	(void)err_set(e, 0,
	    "it says it is %s; remote-id of %s says who has this key, or else it is its address",
	    ike_id_format(&c->id, name, sizeof(name)), p->name);
	return VERIFY_ID_UNEXPECTED;
}

enum verify_reason raw_key_judge(
    const struct ike_peer *p, EVP_PKEY *key, const struct judge_claim *c, struct err_text *e)
{
	enum verify_reason r = c->public_key.n ? compare(key, c->public_key) : VERIFY_NONE;

	return r == VERIFY_NONE ? check_identity(p, c, e) : r;
}
