/*
 * Keys that go without a certificate (RFC 7670): a private one, and the public half of one for the peer.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/pki/authority.h"
#include "cli/pki/files.h"

int pki_act_key(struct cli *cli, struct pki_options *o)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	AUTO_PKI_KEY struct pki_key *k = NULL;
	const char *path = o->word[0];
	struct err_text e = {""};
	int r = file_must_be_new(path, o->force, &e);

	if (r == 0)
		r = pki_key_new(o->type, o->bits, &k, &e);
	if (r == 0)
		r = pki_put_key(k, path, o->encrypt, o->force, &known, &e);
	if (r < 0)
		return cli_fail(cli, "%s", e.s);
	fprintf(cli->out,
	    "%s  the private key: it belongs on this host alone; in postern.conf: key %s\n"
	    "Next, for the peer's remote-key: ipsecctl pki public %s\n",
	    path, path, path);
	return CLI_OK;
}

/* Of a certificate too, so that nobody needs to know which of the two a file is. */
static int read_public(struct cli *cli, struct pki_options *o, struct sbuf *ret, struct err_text *e)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	AUTO_OCTETS struct octets text = {0};
	AUTO_PKI_CERT struct pki_cert *c = NULL;
	AUTO_PKI_KEY struct pki_key *k = NULL;
	struct err_text none;
	int r = file_read(o->word[0], &text, e);

	if (r < 0)
		return r;
	if (pki_cert_read(text.p, text.n, &c, &none) == 0)
		return pki_cert_public_write(c, ret, e);
	r = pki_read_key(cli, o->word[0], &known, &k, e);
	return r < 0 ? r : pki_key_public_write(k, ret, e);
}

int pki_act_public(struct cli *cli, struct pki_options *o)
{
	AUTO_SBUF struct sbuf text;
	struct err_text e = {""};
	int r;

	sbuf_init(&text);
	r = read_public(cli, o, &text, &e);
	if (r == 0 && o->out)
		r = file_put(o->out, PKI_PUBLIC, text.s, text.len, o->force, &e);
	if (r < 0)
		return cli_fail(cli, "%s", e.s);
	if (!o->out)
		fprintf(cli->out, "%s", text.s);
	return CLI_OK;
}
