#include "cli/pki/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pki/files.h"

int host_files_find(const struct pki_options *o, struct host_files *ret, struct err_text *e)
{
	int r;

	if (!o->n_alts)
		return err_set(e, -EINVAL,
		    "say what the bearer is called in IKE: --host gw.example.org, --address 192.0.2.1 or "
		    "--user "
		    "joe@example.org");
	ret->name = o->alt[0].text;
	ret->folder = o->out ? o->out : ret->name;
	r = file_path(ret->key, e, ret->folder, "%s.key", ret->name);
	if (r == 0)
		r = file_path(ret->cert, e, ret->folder, "%s.pem", ret->name);
	return r < 0 ? r : file_path(ret->request, e, ret->folder, "%s.req", ret->name);
}

struct pki_wish host_wish(const struct pki_options *o)
{
	return (struct pki_wish){.name = o->name,
	    .alt = o->alt,
	    .n_alts = o->n_alts,
	    .now = pki_now(),
	    .days = o->days ? o->days : PKI_HOST_DAYS};
}

int host_put_cert(const struct authority *a, const struct host_files *f, const struct pki_cert *c, bool force,
    struct err_text *e)
{
	AUTO_SBUF struct sbuf text;
	int r;

	sbuf_init(&text);
	r = authority_note(a, c, e);
	if (r == 0)
		r = pki_cert_write(c, &text, e);
	if (r == 0)
		r = authority_put_trust(a, f->folder, force, e);
	return r < 0 ? r : file_put(f->cert, PKI_PUBLIC, text.s, text.len, force, e);
}

static void say_identity(struct cli *cli, const struct pki_alt *a)
{
	if (a->kind == PKI_ADDRESS)
		fprintf(cli->out, "        my_identifier address \"%s\";\n", a->text);
	else
		fprintf(cli->out, "        my_identifier %s \"%s\";\n",
		    a->kind == PKI_HOST ? "fqdn" : "user_fqdn", a->text);
}

static void say_racoon(
    struct cli *cli, const struct pki_options *o, const struct host_files *f, const char *folder)
{
	fprintf(cli->out,
	    "For racoon.conf, with the folder's place on that host:\n"
	    "    path certificate \"%s\";\n"
	    "    remote PEER {\n"
	    "        certificate_type x509 \"%s.pem\" \"%s.key\";\n",
	    folder, f->name, f->name);
	say_identity(cli, &o->alt[0]);
}

static void say_native(
    struct cli *cli, const struct pki_options *o, const struct host_files *f, const char *folder)
{
	fprintf(cli->out,
	    "For postern.conf likewise, in its connections:\n"
	    "    certificate \"%s/%s.pem\"\n"
	    "    key \"%s/%s.key\"\n"
	    "    authority \"%s/ca.pem\"\n"
	    "    local-id %s\n",
	    folder, f->name, folder, f->name, folder, o->alt[0].text);
}

void host_say(struct cli *cli, const struct pki_options *o, const struct host_files *f,
    const struct authority *a, const struct pki_cert *c, bool is_rsa)
{
	AUTO_FREE char *place = realpath(f->folder, NULL);
	const char *folder = place ? place : f->folder;
	char hash[PKI_HASH_STRLEN], date[PKI_DATE_STRLEN];

	pki_cert_hash(a->cert, hash);
	fprintf(cli->out, "%s  its certificate, valid until %s\n", f->cert, pki_date(pki_cert_end(c), date));
	fprintf(cli->out, "%s/ca.pem  the authority's certificate, with the link %s.*\n", f->folder, hash);
	if (a->list)
		fprintf(cli->out, "%s/crl.pem  the authority's revocation list, valid until %s\n", f->folder,
		    pki_date(pki_list_end(a->list), date));
	if (pki_cert_end(c) == pki_cert_end(a->cert))
		(void)cli_fail(cli, "warning: the certificate ends early, because its authority does");
	if (a->list && pki_list_end(a->list) < pki_now())
		(void)cli_fail(cli, "warning: the revocation list is out of date, and peers refuse everybody "
		                    "until there is a new "
		                    "one: ipsecctl pki crl");
	if (is_rsa)
		say_racoon(cli, o, f, folder);
	else
		(void)cli_fail(cli, "warning: racoon.conf and IKE version 1 can sign with RSA keys only; "
		                    "this one is for version "
		                    "2");
	say_native(cli, o, f, folder);
}
