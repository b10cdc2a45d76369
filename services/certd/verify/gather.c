/*
 * What is chosen here is only whom the claim is about: chain, identity and signature are judged afterwards,
 * whichever it is.
 */
#include "certd/verify/gather.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include "certd/x509_name.h"

static void pkcs7_freep(PKCS7 **p)
{
	PKCS7_free(*p);
}

static X509 *parse(struct ike1_octets der)
{
	const unsigned char *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);

	ERR_clear_error();
	return x;
}

/* Takes the certificate. False: there are too many, or there is no memory. */
static bool take(STACK_OF(X509) * to, X509 *x)
{
	if (sk_X509_num(to) < JUDGE_CERTS_MAX && sk_X509_push(to, x) > 0)
		return true;
	X509_free(x);
	return false;
}

/* Signed data, whose signature nobody looks at: mostly there is none. */
static bool unwrap(struct ike1_octets der, STACK_OF(X509) * to)
{
	const unsigned char *p = der.p;
	AUTO(pkcs7_freep) PKCS7 *wrapped = d2i_PKCS7(NULL, &p, (long)der.n);
	STACK_OF(X509) *in =
	    wrapped && PKCS7_type_is_signed(wrapped) && wrapped->d.sign ? wrapped->d.sign->cert : NULL;

	ERR_clear_error();
	for (int i = 0; i < sk_X509_num(in); i++) {
		X509 *x = sk_X509_value(in, i);

		X509_up_ref(x);
		if (!take(to, x))
			return false;
	}
	return sk_X509_num(in) > 0;
}

static int own_of(const struct judge_claim *c, STACK_OF(X509) * all)
{
	int first = -1;

	for (int i = 0; i < sk_X509_num(all); i++) {
		X509 *x = sk_X509_value(all, i);

		if (x509_is_called(x, &c->id))
			return i;
		if (first < 0 && !X509_check_ca(x))
			first = i;
	}
	return first < 0 ? 0 : first;
}

enum verify_reason gather(const struct judge_claim *c, X509 **ret_leaf, STACK_OF(X509) * *ret_others)
{
	int own = -1;

	*ret_leaf = NULL;
	*ret_others = sk_X509_new_null();
	if (!*ret_others)
		return VERIFY_INTERNAL;
	for (uint32_t i = 0; i < c->n_certs; i++) {
		X509 *x = parse(c->cert[i]);

		own = x && own < 0 ? sk_X509_num(*ret_others) : own;
		if (x ? !take(*ret_others, x) : !unwrap(c->cert[i], *ret_others))
			return VERIFY_MALFORMED;
	}
	if (!sk_X509_num(*ret_others))
		return VERIFY_NO_CERT;
	*ret_leaf = sk_X509_delete(*ret_others, own < 0 ? own_of(c, *ret_others) : own);
	return VERIFY_NONE;
}
