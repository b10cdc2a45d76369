/*
 * In and out of OpenSSL: memory, passphrases, times, and its own words for what failed.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

#include "pki/internal.h"

int pki_fail(struct err_text *e, int code, const char *words)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	if (reason)
		(void)err_set(e, code, "%s: %s", words, reason);
	else
		(void)err_set(e, code, "%s", words);
	ERR_clear_error();
	return code;
}

BIO *pki_memory(const void *p, size_t n)
{
	return n <= INT32_MAX ? BIO_new_mem_buf(p, (int)n) : NULL;
}

int pki_drain(BIO *b, struct sbuf *ret, struct err_text *e)
{
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);

	if (n > 0)
		sbuf_add_bytes(ret, p, (size_t)n);
	return n > 0 && !ret->bad ? 0 : err_set(e, -ENOMEM, "out of memory");
}

int pki_give_passphrase(char *buf, int size, int rwflag, void *arg)
{
	const struct secret *s = arg;
	size_t n = s ? secret_len(s) : 0;

	(void)rwflag;
	if (!s || n > (size_t)size)
		return -1;
	if (n)
		memcpy(buf, secret_bytes(s), n);
	return (int)n;
}

int pki_passphrase_text(const struct secret *s, char ret[PKI_PASSPHRASE_MAX + 1], struct err_text *e)
{
	size_t n = s ? secret_len(s) : 0;

	if (n > PKI_PASSPHRASE_MAX || (n && memchr(secret_bytes(s), 0, n)))
		return err_set(e, -EINVAL,
		    "the passphrase is longer than %d octets, or has one that is 0 in it",
		    PKI_PASSPHRASE_MAX);
	if (n)
		memcpy(ret, secret_bytes(s), n);
	ret[n] = '\0';
	return 0;
}

/* Minus for numbers that should not be: RFC 5280 section 4.1.2.2 has positive ones of 20 octets at most. */
void pki_serial(const ASN1_INTEGER *serial, char ret[PKI_SERIAL_STRLEN])
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;
	const char *from = hex ? hex : "";
	size_t n = 0;

	while (from[0] == '0' && from[1])
		from++;
	for (; *from && n + 1 < PKI_SERIAL_STRLEN; from++)
		ret[n++] = *from >= 'A' && *from <= 'F' ? (char)(*from - 'A' + 'a') : *from;
	ret[n] = '\0';
	OPENSSL_free(hex);
	BN_free(bn);
}

int64_t pki_time(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}
