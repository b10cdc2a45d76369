/*
 * What an authority has issued, the next to end first.
 */
#include "cli/json.h"
#include "cli/pki/issued.h"

static const char *state_of(const struct issued_row *r)
{
	if (r->is_revoked)
		return "revoked";
	return r->look.item[0].to < pki_now() ? "expired" : "valid";
}

static void print(struct cli *cli, const struct issued *all)
{
	char date[PKI_DATE_STRLEN];

	for (size_t i = 0; i < all->n; i++) {
		const struct pki_item *c = &all->row[i].look.item[0];

		fprintf(
		    cli->out, "%-32s  %s  %-7s  ", c->serial, pki_date(c->to, date), state_of(&all->row[i]));
		for (size_t k = 0; k < c->names.n; k++)
			fprintf(cli->out, "%s%s", k ? ", " : "", c->names.v[k]);
		fprintf(cli->out, "\n");
	}
	if (!all->n)
		fprintf(cli->out, "Nothing has been issued.\n");
}

static int write_json(struct cli *cli, const struct issued *all)
{
	json_t *doc = json_new_document(), *rows = json_array();

	for (size_t i = 0; i < all->n; i++) {
		const struct pki_item *c = &all->row[i].look.item[0];
		json_t *names = json_array();

		for (size_t k = 0; k < c->names.n; k++)
			json_array_append_new(names, json_string(c->names.v[k]));
		json_array_append_new(rows, json_pack("{ss ss so sI sI ss}", "serial", c->serial, "subject",
		                                c->subject, "names", names, "from", (json_int_t)c->from, "to",
		                                (json_int_t)c->to, "state", state_of(&all->row[i])));
	}
	json_object_set_new(doc, "certificates", rows);
	return json_write(cli, doc);
}

int pki_act_list(struct cli *cli, struct pki_options *o)
{
	AUTO_AUTHORITY struct authority a = {.lock = -1};
	AUTO_PASSPHRASES struct passphrases none = PASSPHRASES_INIT(-1);
	AUTO_ISSUED struct issued all = {0};
	struct err_text e = {""};
	int r = authority_open(cli, o->dir, false, &none, &a, &e);

	if (r == 0)
		r = issued_read(cli, &a, &all, &e);
	if (r < 0)
		return cli_fail(cli, "%s", e.s);
	if (cli->json)
		return write_json(cli, &all);
	print(cli, &all);
	return CLI_OK;
}
