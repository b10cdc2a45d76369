/*
 * The command line of every act. An option that an act has no use for is refused there, and not ignored: who
 * said it meant something by it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/nearest.h"
#include "cli/pki/act.h"
#include "cli/verbs.h"

/* What is in an act's `options`; each is also the value that getopt_long() gives. */
static const struct option long_options[] = {
    {"name", required_argument, NULL, 'n'},
    {"host", required_argument, NULL, 'H'},
    {"address", required_argument, NULL, 'A'},
    {"user", required_argument, NULL, 'U'},
    {"type", required_argument, NULL, 't'},
    {"bits", required_argument, NULL, 'b'},
    {"days", required_argument, NULL, 'D'},
    {"reason", required_argument, NULL, 'r'},
    {"passphrase-fd", required_argument, NULL, 'p'},
    {"encrypt", no_argument, NULL, 'e'},
    {"legacy", no_argument, NULL, 'l'},
    {"force", no_argument, NULL, 'f'},
    {0},
};

int64_t pki_now(void)
{
	return (int64_t)time(NULL);
}

const char *pki_date(int64_t s, char buf[PKI_DATE_STRLEN])
{
	time_t t = (time_t)s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, PKI_DATE_STRLEN, "%Y-%m-%d", &tm))
		buf[0] = '\0';
	return buf;
}

void pki_autofree_key(struct pki_key **k)
{
	pki_key_free(*k);
}

void pki_autofree_cert(struct pki_cert **c)
{
	pki_cert_free(*c);
}

void pki_autofree_list(struct pki_list **l)
{
	pki_list_free(*l);
}

static int usage(struct cli *cli, const struct pki_act *act, const char *text, const char *word)
{
	(void)cli_fail(cli, "%s%s%s.", text, word ? " " : "", word ? word : "");
	fprintf(
	    cli->err, "usage: ipsecctl pki %s %s\n`ipsecctl help pki` says more.\n", act->name, act->args);
	return CLI_USAGE;
}

static bool parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno && *ret && *ret <= max;
}

static bool parse_type(const char *text, enum pki_key_type *ret)
{
	static const char *const names[] = {[PKI_RSA] = "rsa",
	    [PKI_RSA_PSS] = "rsa-pss",
	    [PKI_ECDSA] = "ecdsa",
	    [PKI_ED25519] = "ed25519",
	    [PKI_ED448] = "ed448"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum pki_key_type)i;
			return true;
		}
	return false;
}

static int add_alt(struct cli *cli, enum pki_alt_kind kind, const char *text, struct pki_options *ret)
{
	const struct pki_alt a = {kind, text};
	struct err_text e = {""};

	if (ret->n_alts == PKI_ALTS_MAX) {
		(void)cli_fail(cli, "there are more than %d names.", PKI_ALTS_MAX);
		return CLI_USAGE;
	}
	if (pki_alt_check(&a, &e) < 0) {
		(void)cli_fail(cli, "%s", e.s);
		return CLI_USAGE;
	}
	ret->alt[ret->n_alts++] = a;
	return CLI_OK;
}

static bool is_reason(const char *word)
{
	for (size_t i = 0; pki_reasons[i]; i++)
		if (strcmp(word, pki_reasons[i]) == 0)
			return true;
	return false;
}

static int take_value(
    struct cli *cli, const struct pki_act *act, int option, const char *value, struct pki_options *ret)
{
	unsigned long n = 0;

	switch (option) {
	case 't':
		return parse_type(value, &ret->type)
		           ? CLI_OK
		           : usage(cli, act, "--type is rsa, rsa-pss, ecdsa, ed25519 or ed448, not", value);
	case 'b':
		if (!parse_number(value, 1 << 20, &n))
			return usage(cli, act, "--bits wants a number, not", value);
		ret->bits = (unsigned)n;
		return CLI_OK;
	case 'D':
		if (!parse_number(value, PKI_DAYS_MAX, &n))
			return usage(cli, act, "--days wants a number from 1 to 36500, not", value);
		ret->days = (uint32_t)n;
		return CLI_OK;
	case 'p':
		return passphrase_fd_parse(value, &ret->passphrase_fd)
		           ? CLI_OK
		           : usage(cli, act, "--passphrase-fd wants the number of an open descriptor, not",
		                 value);
	default: /* 'r' */
		ret->reason = value;
		return is_reason(value)
		           ? CLI_OK
		           : usage(cli, act,
		                 "--reason is key-compromise, affiliation-changed, superseded or "
		                 "cessation-of-operation, not",
		                 value);
	}
}

static int take(
    struct cli *cli, const struct pki_act *act, int option, const char *value, struct pki_options *ret)
{
	switch (option) {
	case 'd':
		ret->dir = value;
		return CLI_OK;
	case 'o':
		ret->out = value;
		return CLI_OK;
	case 'n':
		ret->name = value;
		return CLI_OK;
	case 'H':
		return add_alt(cli, PKI_HOST, value, ret);
	case 'A':
		return add_alt(cli, PKI_ADDRESS, value, ret);
	case 'U':
		return add_alt(cli, PKI_USER, value, ret);
	case 'e':
		ret->encrypt = true;
		return CLI_OK;
	case 'l':
		ret->legacy = true;
		return CLI_OK;
	case 'f':
		ret->force = true;
		return CLI_OK;
	default:
		return take_value(cli, act, option, value, ret);
	}
}

static int not_taken(struct cli *cli, const struct pki_act *act, const char *word)
{
	const char *names[ARRAY_SIZE(long_options)], *near;
	size_t n = 0;

	for (const struct option *o = long_options; o->name; o++)
		if (strchr(act->options, o->val))
			names[n++] = o->name;
	names[n] = NULL;
	near = strncmp(word, "--", 2) == 0 ? nearest_word(word + 2, names) : NULL;
	if (near)
		(void)cli_fail(cli, "pki %s does not take `%s`. Did you mean `--%s`?", act->name, word, near);
	else
		(void)cli_fail(cli, "pki %s does not take `%s`.", act->name, word);
	fprintf(
	    cli->err, "usage: ipsecctl pki %s %s\n`ipsecctl help pki` says more.\n", act->name, act->args);
	return CLI_USAGE;
}

/* The suite's own folder unless -d says another. */
static int find_dir(struct cli *cli, struct pki_options *ret)
{
	int n;

	if (ret->dir)
		return CLI_OK;
	n = snprintf(ret->dir_room, sizeof(ret->dir_room), "%s/ca", cli->settings.config_dir);
	ret->dir = ret->dir_room;
	return n > 0 && (size_t)n < sizeof(ret->dir_room) ? CLI_OK
	                                                  : cli_fail(cli, "--config-dir is too long.");
}

int pki_options_parse(
    struct cli *cli, const struct pki_act *act, int argc, char **argv, struct pki_options *ret)
{
	int option, code = CLI_OK;

	*ret = (struct pki_options){.passphrase_fd = -1};
	optind = 0;
	opterr = 0;
	while (code == CLI_OK && (option = getopt_long(argc, argv, ":d:o:", long_options, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (option == ':')
			return usage(cli, act, word, "wants a value");
		if (option == '?' || !strchr(act->options, option))
			return not_taken(cli, act, option == '?' || word[0] == '-' ? word : argv[optind - 2]);
		code = take(cli, act, option, optarg, ret);
	}
	if (code != CLI_OK)
		return code;
	ret->word = argv + optind;
	ret->n_words = argc - optind;
	if (ret->n_words < act->words_min)
		return usage(cli, act, "a word is missing", NULL);
	if (ret->n_words > act->words_max)
		return usage(cli, act, "there is a word too many:", ret->word[act->words_max]);
	return find_dir(cli, ret);
}
