/*
 * Ends what was negotiated: with a peer everything, or one SA. The peer is told, under the IKE SA.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ike/ike.h"
#include "cli/verbs.h"

static int finish(struct cli *cli, struct ipc_sync *keyd, const struct ike_filter *f, const char *what)
{
	uint32_t sas = 0, children = 0;
	struct err_text e = {""};

	if (ike_delete(keyd, f, &sas, &children, &e) < 0)
		return cli_fail(cli, "nothing was deleted: %s", e.s);
	if (!sas && !children)
		return cli_fail(cli, "there is no %s.", what);
	fprintf(cli->out, "deleted: %u IKE SA%s, %u pair%s of IPsec SAs\n", sas, sas == 1 ? "" : "s",
	    children, children == 1 ? "" : "s");
	return CLI_OK;
}

int verb_down(struct cli *cli, int argc, char **argv)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct ike_filter f = {.sas = true, .children = true};
	char what[IKE_VIEW_PEER_MAX + 16];

	if (argc != 2)
		return cli_usage(
		    cli, cli_verb_find("down"), "say which peer: an address, or a remote's name.");
	if (!cli_need_root(cli, "end SAs"))
		return CLI_FAILED;
	if (ike_open(cli, &keyd) < 0 || ike_peer_of(cli, keyd, argv[1], &f.remote) < 0)
		return CLI_FAILED;
	snprintf(what, sizeof(what), "SA with %s", argv[1]);
	return finish(cli, keyd, &f, what);
}

static bool parse_hex(const char *s, uint8_t ret[IKE_VIEW_SPI_LEN])
{
	for (size_t i = 0; i < 2 * IKE_VIEW_SPI_LEN; i++) {
		static const char digits[] = "0123456789abcdef";
		char c = (char)(s[i] >= 'A' && s[i] <= 'F' ? s[i] - 'A' + 'a' : s[i]);
		const char *at = c ? strchr(digits, c) : NULL;

		if (!at)
			return false;
		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | (at - digits));
	}
	return true;
}

/* "COOKIE:COOKIE" */
static bool parse_spis(const char *word, struct ike_filter *f)
{
	if (strlen(word) != 4 * IKE_VIEW_SPI_LEN + 1 || word[2 * IKE_VIEW_SPI_LEN] != ':')
		return false;
	f->has_spis = true;
	return parse_hex(word, f->spi_i) && parse_hex(word + 2 * IKE_VIEW_SPI_LEN + 1, f->spi_r);
}

static bool parse_spi(const char *word, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(word, &end, 0);
	*ret = (uint32_t)v;
	return word[0] >= '0' && word[0] <= '9' && !*end && !errno && v && v <= UINT32_MAX;
}

static bool parse_proto(const char *word, enum ipsec_proto *ret)
{
	static const enum ipsec_proto all[] = {IPSEC_ESP, IPSEC_AH, IPSEC_IPCOMP};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(word, ipsec_proto_name(all[i])) == 0) {
			*ret = all[i];
			return true;
		}
	return false;
}

static int parse_ipsec(struct cli *cli, int argc, char **argv, struct ike_filter *f)
{
	const struct cli_verb *self = cli_verb_find("delete");
	int at = 2;

	f->children = true;
	if (argc == 4 && !parse_proto(argv[at++], &f->proto))
		return cli_usage(cli, self, "`%s` is no protocol: esp, ah or ipcomp.", argv[2]);
	if (argc > 4 || !parse_spi(argv[at], &f->spi))
		return cli_usage(cli, self, "`%s` is no SPI: a number like 0x1a2b3c4d.", argv[argc - 1]);
	return CLI_OK;
}

int verb_delete(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *self = cli_verb_find("delete");
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct ike_filter f = {0};
	char what[64];
	int code = CLI_OK;

	if (argc < 3)
		return cli_usage(cli, self, "say which SA.");
	if (strcmp(argv[1], "isakmp") == 0) {
		f.sas = true;
		if (argc != 3 || !parse_spis(argv[2], &f))
			return cli_usage(cli, self,
			    "an IKE SA is named by its SPIs as `ipsecctl show` prints them: 16 hex digits, a "
			    "colon, 16 hex "
			    "digits.");
	} else if (strcmp(argv[1], "ipsec") == 0) {
		code = parse_ipsec(cli, argc, argv, &f);
	} else {
		return cli_usage(cli, self, "`%s` is no kind of SA: isakmp or ipsec.", argv[1]);
	}
	if (code != CLI_OK)
		return code;
	if (!cli_need_root(cli, "delete SAs"))
		return CLI_FAILED;
	if (ike_open(cli, &keyd) < 0)
		return CLI_FAILED;
	snprintf(what, sizeof(what), "such %s SA that was negotiated", f.sas ? "IKE" : "IPsec");
	return finish(cli, keyd, &f, what);
}
