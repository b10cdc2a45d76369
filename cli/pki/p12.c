/*
 * Key and certificates into one file, for a phone or Windows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pki/authority.h"
#include "cli/pki/files.h"

struct chain {
	struct pki_cert *c[PKI_CHAIN_MAX + 1]; /* the bearer's own first */
	size_t n;
};

static void chain_fini(struct chain *x)
{
	for (size_t i = 0; i < x->n; i++)
		pki_cert_free(x->c[i]);
}

static int read_cert(const char *path, struct chain *to, struct err_text *e)
{
	AUTO_OCTETS struct octets o = {0};
	int r = file_read(path, &o, e);

	if (r < 0)
		return r;
	r = pki_cert_read(o.p, o.n, &to->c[to->n], e);
	to->n += r == 0;
	return r < 0 ? err_prefix(e, r, "%s", path) : 0;
}

/* CERT KEY [CERT ...], or without further certificates the ca.pem beside CERT if there is one. */
static int read_chain(const struct pki_options *o, struct chain *ret, struct err_text *e)
{
	const char *slash = strrchr(o->word[0], '/');
	AUTO_FREE char *folder = slash ? strndup(o->word[0], (size_t)(slash - o->word[0])) : strdup(".");
	char beside[PATH_MAX];
	int r = read_cert(o->word[0], ret, e);

	for (int i = 2; r == 0 && i < o->n_words; i++)
		r = read_cert(o->word[i], ret, e);
	if (r < 0 || o->n_words > 2 || !folder)
		return r;
	r = file_path(beside, e, folder, "ca.pem");
	return r < 0 || access(beside, F_OK) < 0 ? r : read_cert(beside, ret, e);
}

/* CERT's name with .p12 for its last part. */
static int find_out(const struct pki_options *o, char ret[PATH_MAX], struct err_text *e)
{
	const char *slash = strrchr(o->word[0], '/'), *name = slash ? slash + 1 : o->word[0];
	const char *dot = strrchr(name, '.');
	AUTO_FREE char *folder = slash ? strndup(o->word[0], (size_t)(slash - o->word[0])) : strdup(".");

	if (o->out) {
		if (strlen(o->out) >= PATH_MAX)
			return err_set(e, -ENAMETOOLONG, "the path of -o is too long");
		memcpy(ret, o->out, strlen(o->out) + 1);
		return 0;
	}
	return file_path(ret, e, folder ? folder : ".", "%.*s.p12",
	    (int)(dot ? dot - name : (ptrdiff_t)strlen(name)), name);
}

static int make(struct cli *cli, const struct pki_options *o, const char *out, struct err_text *e)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	AUTO(chain_fini) struct chain chain = {.n = 0};
	AUTO_SECRET struct secret *passphrase = NULL;
	AUTO_PKI_KEY struct pki_key *k = NULL;
	AUTO_SBUF struct sbuf der;
	int r = read_chain(o, &chain, e);

	sbuf_init(&der);
	if (r == 0)
		r = pki_read_key(cli, o->word[1], &known, &k, e);
	if (r == 0)
		r = passphrases_new(&known, out, &passphrase, e);
	if (r == 0)
		r = pki_p12_write(k, chain.c[0], chain.c + 1, chain.n - 1, passphrase, o->legacy, &der, e);
	if (r == 0)
		r = file_put(out, PKI_PRIVATE, der.s, der.len, o->force, e);
	if (r == 0)
		fprintf(cli->out,
		    "%s  private key, certificate and %zu of authorities, under the passphrase\n", out,
		    chain.n - 1);
	return r;
}

int pki_act_p12(struct cli *cli, struct pki_options *o)
{
	struct err_text e = {""};
	char out[PATH_MAX];
	int r = find_out(o, out, &e);

	if (r == 0)
		r = file_must_be_new(out, o->force, &e);
	if (r == 0)
		r = make(cli, o, out, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}
