/*
 * For a host that keeps its key to itself: it makes a request, and the authority signs. What a request asks
 * for is shown and not granted: a certificate has the names that the authority's command line says.
 */
#include <errno.h>
#include <string.h>

#include "cli/pki/authority.h"
#include "cli/pki/files.h"
#include "cli/pki/host.h"
#include "pki/look.h"

static void request_freep(struct pki_request **r)
{
	pki_request_free(*r);
}

static int make_request(
    struct cli *cli, struct pki_options *o, const struct host_files *f, struct err_text *e)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	const struct pki_wish w = host_wish(o);
	AUTO(request_freep) struct pki_request *q = NULL;
	AUTO_PKI_KEY struct pki_key *k = NULL;
	AUTO_SBUF struct sbuf text;
	int r = pki_key_new(o->type, o->bits, &k, e);

	sbuf_init(&text);
	if (r == 0)
		r = pki_request_new(k, &w, &q, e);
	if (r == 0)
		r = pki_request_write(q, &text, e);
	if (r == 0)
		r = folder_make(f->folder, e);
	if (r == 0)
		r = pki_put_key(k, f->key, o->encrypt, o->force, &known, e);
	if (r == 0)
		r = file_put(f->request, PKI_PUBLIC, text.s, text.len, o->force, e);
	if (r < 0)
		return r;
	fprintf(cli->out,
	    "%s  the private key: it stays on this host\n"
	    "%s  the request: take it to the authority, where\n"
	    "    ipsecctl pki sign FILE and the same names\n"
	    "makes the certificate and what belongs beside it\n",
	    f->key, f->request);
	return 0;
}

int pki_act_request(struct cli *cli, struct pki_options *o)
{
	struct err_text e = {""};
	struct host_files f;
	int r = host_files_find(o, &f, &e);

	if (r == 0)
		r = file_must_be_new(f.key, o->force, &e);
	if (r == 0)
		r = file_must_be_new(f.request, o->force, &e);
	if (r == 0)
		r = make_request(cli, o, &f, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}

static bool is_granted(const struct pki_options *o, const char *name)
{
	static const char *const kinds[] = {
	    [PKI_HOST] = "host ", [PKI_ADDRESS] = "address ", [PKI_USER] = "user "};

	for (size_t i = 0; i < o->n_alts; i++) {
		size_t n = strlen(kinds[o->alt[i].kind]);

		if (strncmp(name, kinds[o->alt[i].kind], n) == 0 && strcasecmp(name + n, o->alt[i].text) == 0)
			return true;
	}
	return false;
}

static void say_asked(struct cli *cli, const struct pki_options *o, const struct pki_item *q)
{
	fprintf(cli->out, "The request has a key (%s), the subject \"%s\", and asks for", q->key, q->subject);
	if (!q->names.n && !q->uses.n)
		fprintf(cli->out, " nothing more");
	fprintf(cli->out, "\n");
	for (size_t i = 0; i < q->names.n; i++)
		fprintf(cli->out, "    %s%s\n", q->names.v[i],
		    is_granted(o, q->names.v[i]) ? "" : "  not granted");
	for (size_t i = 0; i < q->uses.n; i++)
		fprintf(cli->out, "    %s  not granted\n", q->uses.v[i]);
	fprintf(cli->out, "What is granted is what this command line says.\n");
}

static int read_request(
    struct cli *cli, const struct pki_options *o, struct pki_request **ret, struct err_text *e)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	AUTO_OCTETS struct octets octets = {0};
	int r = file_read(o->word[0], &octets, e);

	if (r < 0)
		return r;
	r = pki_request_read(octets.p, octets.n, ret, e);
	if (r == 0)
		r = pki_look(octets.p, octets.n, NULL, pki_now(), &l, e);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		if (l.item[i].kind == PKI_ITEM_REQUEST) {
			say_asked(cli, o, &l.item[i]);
			return 0;
		}
	return r < 0 ? err_prefix(e, r, "%s", o->word[0]) : 0;
}

static int sign(struct cli *cli, struct pki_options *o, const struct host_files *f, struct err_text *e)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	AUTO_AUTHORITY struct authority a = {.lock = -1};
	AUTO(request_freep) struct pki_request *q = NULL;
	AUTO_PKI_CERT struct pki_cert *c = NULL;
	const struct pki_wish w = host_wish(o);
	int r = read_request(cli, o, &q, e);

	if (r == 0)
		r = authority_open(cli, o->dir, true, &known, &a, e);
	if (r == 0)
		r = pki_sign(a.cert, a.key, q, &w, &c, e);
	if (r == 0)
		r = folder_make(f->folder, e);
	if (r == 0)
		r = host_put_cert(&a, f, c, o->force, e);
	if (r == 0)
		host_say(cli, o, f, &a, c, pki_request_is_rsa(q));
	return r;
}

int pki_act_sign(struct cli *cli, struct pki_options *o)
{
	struct err_text e = {""};
	struct host_files f;
	int r = host_files_find(o, &f, &e);

	if (r == 0)
		r = file_must_be_new(f.cert, o->force, &e);
	if (r == 0)
		r = sign(cli, o, &f, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}
