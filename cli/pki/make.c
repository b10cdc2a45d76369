/*
 * Makes an authority, and certificates with a key of their own.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/pki/authority.h"
#include "cli/pki/files.h"
#include "cli/pki/host.h"

static int make_ca(
    struct cli *cli, struct pki_options *o, const char *key_path, const char *cert_path, struct err_text *e)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	const struct pki_wish w = {
	    .name = o->name, .now = pki_now(), .days = o->days ? o->days : PKI_CA_DAYS};
	AUTO_PKI_KEY struct pki_key *k = NULL;
	AUTO_PKI_CERT struct pki_cert *c = NULL;
	AUTO_SBUF struct sbuf text;
	char date[PKI_DATE_STRLEN];
	int r = pki_key_new(o->type, o->bits, &k, e);

	sbuf_init(&text);
	if (r == 0)
		r = pki_ca_new(k, &w, &c, e);
	if (r == 0)
		r = pki_cert_write(c, &text, e);
	if (r == 0)
		r = folder_make(o->dir, e);
	if (r == 0)
		r = pki_put_key(k, key_path, o->encrypt, o->force, &known, e);
	if (r == 0)
		r = file_put(cert_path, PKI_PUBLIC, text.s, text.len, o->force, e);
	if (r < 0)
		return r;
	fprintf(cli->out,
	    "%s  the authority's private key: who has it can issue certificates; it stays here\n"
	    "%s  its certificate, valid until %s\n"
	    "Next, for each host: ipsecctl pki issue --host NAME\n",
	    key_path, cert_path, pki_date(pki_cert_end(c), date));
	return 0;
}

/* The list of another key would be refused as not this authority's. */
static int forget_list(const char *dir, struct err_text *e)
{
	char path[PATH_MAX];
	int r = file_path(path, e, dir, "crl.pem");

	if (r == 0)
		(void)unlink(path);
	return r;
}

int pki_act_ca(struct cli *cli, struct pki_options *o)
{
	char key_path[PATH_MAX], cert_path[PATH_MAX];
	struct err_text e = {""};
	int r = file_path(key_path, &e, o->dir, "ca.key");

	if (!o->name)
		return cli_fail(cli, "say what the authority is called: --name \"Example CA\"");
	if (r == 0)
		r = file_path(cert_path, &e, o->dir, "ca.pem");
	if (r == 0)
		r = file_must_be_new(key_path, o->force, &e);
	if (r == 0)
		r = file_must_be_new(cert_path, o->force, &e);
	if (r == 0)
		r = make_ca(cli, o, key_path, cert_path, &e);
	if (r == 0 && o->force)
		r = forget_list(o->dir, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}

static int issue(struct cli *cli, struct pki_options *o, const struct host_files *f, struct err_text *e)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	AUTO_AUTHORITY struct authority a = {.lock = -1};
	AUTO_PKI_KEY struct pki_key *k = NULL;
	AUTO_PKI_CERT struct pki_cert *c = NULL;
	struct pki_wish w;
	int r = authority_open(cli, o->dir, true, &known, &a, e);

	if (r < 0)
		return r;
	w = host_wish(o);
	r = pki_key_new(o->type, o->bits, &k, e);
	if (r == 0)
		r = pki_issue(a.cert, a.key, k, &w, &c, e);
	if (r == 0)
		r = folder_make(f->folder, e);
	if (r == 0)
		r = pki_put_key(k, f->key, o->encrypt, o->force, &known, e);
	if (r == 0)
		r = host_put_cert(&a, f, c, o->force, e);
	if (r < 0)
		return r;
	fprintf(cli->out, "%s  the private key: it belongs on this host alone\n", f->key);
	host_say(cli, o, f, &a, c, pki_key_is_rsa(k));
	return 0;
}

int pki_act_issue(struct cli *cli, struct pki_options *o)
{
	struct err_text e = {""};
	struct host_files f;
	int r = host_files_find(o, &f, &e);

	if (r == 0)
		r = file_must_be_new(f.key, o->force, &e);
	if (r == 0)
		r = file_must_be_new(f.cert, o->force, &e);
	if (r == 0)
		r = issue(cli, o, &f, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}
