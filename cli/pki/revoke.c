/*
 * Takes a certificate back, and makes the list that says so, which has to reach every peer: a list that lies
 * with the authority refuses nobody.
 */
#include <errno.h>
#include <string.h>

#include "cli/pki/authority.h"
#include "cli/pki/files.h"
#include "cli/pki/issued.h"

/* A file that holds a certificate of this authority. 1: it does; 0: there is no such file. */
static int serial_of_file(
    const struct authority *a, const char *path, char ret[PKI_SERIAL_STRLEN], struct err_text *e)
{
	AUTO_OCTETS struct octets o = {0};
	AUTO_PKI_CERT struct pki_cert *c = NULL;
	int r;

	if (access(path, F_OK) < 0)
		return 0;
	r = file_read(path, &o, e);
	if (r < 0)
		return r;
	r = pki_cert_read(o.p, o.n, &c, e);
	if (r < 0)
		return err_prefix(e, r, "%s", path);
	if (!pki_cert_is_by(c, a->cert) || pki_cert_equal(c, a->cert))
		return err_set(e, -EINVAL, "%s was not issued by the authority in %s", path, a->dir);
	pki_cert_serial(c, ret);
	return 1;
}

static int find_serial(struct cli *cli, const struct authority *a, const char *word,
    char ret[PKI_SERIAL_STRLEN], struct err_text *e)
{
	AUTO_ISSUED struct issued all = {0};
	const struct pki_item *found = NULL;
	int r = strchr(word, '/') || strchr(word, '.') ? serial_of_file(a, word, ret, e) : 0;

	if (r)
		return r < 0 ? r : 0;
	r = issued_read(cli, a, &all, e);
	if (r == 0)
		r = issued_find(&all, word, &found, e);
	if (r == 0)
		memcpy(ret, found->serial, PKI_SERIAL_STRLEN);
	return r;
}

static int change(struct cli *cli, const struct pki_options *o, const char *word, struct err_text *e)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	AUTO_AUTHORITY struct authority a = {.lock = -1};
	char serial[PKI_SERIAL_STRLEN], date[PKI_DATE_STRLEN];
	int r = authority_open(cli, o->dir, true, &known, &a, e);

	if (r == 0 && word)
		r = find_serial(cli, &a, word, serial, e);
	if (r == 0)
		r = authority_revoke(
		    &a, word ? serial : NULL, o->reason, o->days ? o->days : PKI_LIST_DAYS, e);
	if (r == 0 && o->out)
		r = authority_put_trust(&a, o->out, o->force, e);
	if (r < 0)
		return r;
	if (word)
		fprintf(cli->out, "%s is revoked.\n", serial);
	fprintf(cli->out, "%s/crl.pem  the revocation list, number of entries: %zu, valid until %s\n",
	    o->out ? o->out : o->dir, pki_list_count(a.list), pki_date(pki_list_end(a.list), date));
	fprintf(cli->out, "Put it into the certificate folder of every host that trusts this authority, and "
	                  "say there: ipsecctl "
	                  "reload\n"
	                  "A host whose list is out of date refuses everybody: make a new one before "
	                  "(ipsecctl pki crl).\n");
	return 0;
}

int pki_act_revoke(struct cli *cli, struct pki_options *o)
{
	struct err_text e = {""};

	return change(cli, o, o->word[0], &e) < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}

int pki_act_crl(struct cli *cli, struct pki_options *o)
{
	struct err_text e = {""};

	return change(cli, o, NULL, &e) < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}
