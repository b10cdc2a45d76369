/*
 * Exits with 1 when something of it is unfit, so that a script can ask.
 */
#include "cli/pki/show.h"

#include <errno.h>
#include <time.h>

#include "cli/json.h"
#include "cli/pki/authority.h"
#include "cli/pki/files.h"

enum { ARENA = 64 << 10 };

static int look_at(
    struct cli *cli, const char *path, struct passphrases *known, struct pki_look *ret, struct err_text *e)
{
	AUTO_OCTETS struct octets o = {0};
	const struct secret *s = NULL;
	int r = file_read(path, &o, e);

	if (r < 0)
		return r;
	r = pki_look(o.p, o.n, NULL, pki_now(), ret, e);
	for (int i = 0; r == -EACCES && i < PASSPHRASE_TRIES; i++) {
		if (i)
			(void)cli_fail(cli, "%s: %s", path, e->s);
		r = passphrases_get(known, path, &s, e);
		if (r < 0)
			return r;
		r = pki_look(o.p, o.n, s, pki_now(), ret, e);
		if (r < 0)
			passphrases_forget(known, path);
		if (known->fd >= 0)
			break;
	}
	return r < 0 ? err_prefix(e, r, "%s", path) : 0;
}

static bool is_fit(const struct pki_look *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->item[i].unfit.n)
			return false;
	return true;
}

int pki_act_show(struct cli *cli, struct pki_options *o)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	json_t *doc = cli->json ? json_new_document() : NULL, *files = cli->json ? json_array() : NULL;
	int code = CLI_OK;

	for (int i = 0; i < o->n_words; i++) {
		AUTO_PKI_LOOK struct pki_look l = {0};
		struct err_text e = {""};

		if (look_at(cli, o->word[i], &known, &l, &e) < 0) {
			code = cli_fail(cli, "%s", e.s);
			continue;
		}
		if (!is_fit(&l))
			code = CLI_FAILED;
		if (cli->json)
			json_array_append_new(files, show_json(o->word[i], &l));
		else
			show_print(cli->out, o->word[i], &l, pki_now());
	}
	if (!cli->json)
		return code;
	json_object_set_new(doc, "files", files);
	return json_write(cli, doc) == CLI_OK ? code : CLI_FAILED;
}
