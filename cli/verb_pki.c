/*
 * Certificates without another tool: the acts of `ipsecctl pki`. They need no suite and no root, only a
 * folder.
 */
#include <string.h>

#include "base/nearest.h"
#include "cli/pki/act.h"
#include "cli/verbs.h"

enum { ANY = 1000 };

const struct pki_act pki_acts[] = {
    {"ca", "--name NAME [--type TYPE] [--bits N] [--days N] [--encrypt] [-d DIR]", "dntbDepf", 0, 0, false,
        pki_act_ca},
    {"issue", "--host NAME | --address ADDRESS | --user USER ... [-o FOLDER]", "donHAUtbDepf", 0, 0, false,
        pki_act_issue},
    {"request", "--host NAME | --address ADDRESS | --user USER ... [-o FOLDER]", "onHAUtbepf", 0, 0, false,
        pki_act_request},
    {"sign", "FILE --host NAME | --address ADDRESS | --user USER ... [-o FOLDER]", "donHAUDpf", 1, 1, false,
        pki_act_sign},
    {"p12", "[-o FILE] [--legacy] CERTIFICATE KEY [CERTIFICATE ...]", "olpf", 2, 1 + PKI_CHAIN_MAX, false,
        pki_act_p12},
    {"revoke", "[--reason WORD] [--days N] [-o FOLDER] FILE | SERIAL | NAME", "dorDpf", 1, 1, false,
        pki_act_revoke},
    {"crl", "[--days N] [-o FOLDER]", "doDpf", 0, 0, false, pki_act_crl},
    {"key", "FILE [--type TYPE] [--bits N] [--encrypt]", "tbepf", 1, 1, false, pki_act_key},
    {"public", "FILE [-o FILE]", "opf", 1, 1, false, pki_act_public},
    {"list", "[-d DIR]", "d", 0, 0, true, pki_act_list},
    {"show", "FILE ...", "p", 1, ANY, true, pki_act_show},
    {NULL, NULL, NULL, 0, 0, false, NULL},
};

static int unknown(struct cli *cli, const char *word)
{
	const char *names[ARRAY_SIZE(pki_acts)], *near;
	size_t n = 0;

	for (const struct pki_act *a = pki_acts; a->name; a++)
		names[n++] = a->name;
	names[n] = NULL;
	near = nearest_word(word, names);
	if (near)
		return cli_usage(
		    cli, cli_verb_find("pki"), "pki cannot `%s`. Did you mean `%s`?", word, near);
	return cli_usage(cli, cli_verb_find("pki"), "pki cannot `%s`.", word);
}

int verb_pki(struct cli *cli, int argc, char **argv)
{
	const struct pki_act *act = pki_acts;
	struct pki_options o;
	int code;

	if (argc < 2)
		return cli_usage(cli, cli_verb_find("pki"), "say what to do with certificates.");
	while (act->name && strcmp(act->name, argv[1]) != 0)
		act++;
	if (!act->name)
		return unknown(cli, argv[1]);
	if (cli->json && !act->json)
		return cli_usage(
		    cli, cli_verb_find("pki"), "pki %s has no JSON form; leave --json out.", act->name);
	code = pki_options_parse(cli, act, argc - 1, argv + 1, &o);
	return code == CLI_OK ? act->run(cli, &o) : code;
}
