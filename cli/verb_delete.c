/*
 * Ends one SA of key exchange, or one pair.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cli/ike/begin.h"
#include "cli/verbs.h"

static enum ipsec_proto proto_of(const char *word)
{
	static const enum ipsec_proto all[] = {IPSEC_ESP, IPSEC_AH, IPSEC_IPCOMP};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strcmp(ipsec_proto_name(all[i]), word) == 0)
			return all[i];
	return IPSEC_PROTO_NONE;
}

static bool parse_spi(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 0);
	*ret = (uint32_t)v;
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno && v && v <= UINT32_MAX;
}

/* esp|ah|ipcomp SPI [PEER] */
static int parse_ipsec(struct cli *cli, int argc, char **argv, struct ike_row_filter *f)
{
	const struct cli_verb *self = cli_verb_find("delete");

	if (argc < 4 || argc > 5)
		return cli_usage(cli, self, "say which: a protocol and an SPI.");
	f->children = true;
	f->proto = proto_of(argv[2]);
	if (f->proto == IPSEC_PROTO_NONE)
		return cli_usage(cli, self, "`%s` is none of esp, ah and ipcomp.", argv[2]);
	if (!parse_spi(argv[3], &f->spi))
		return cli_usage(
		    cli, self, "`%s` is no SPI: a number, or 0x and a hexadecimal one.", argv[3]);
	if (argc == 5 && inet_addr_parse(argv[4], &f->remote) < 0)
		return cli_usage(cli, self, "`%s` is no address.", argv[4]);
	return CLI_OK;
}

static int parse(struct cli *cli, int argc, char **argv, struct ike_row_filter *f)
{
	const struct cli_verb *self = cli_verb_find("delete");

	if (argc > 1 && strcmp(argv[1], "ipsec") == 0)
		return parse_ipsec(cli, argc, argv, f);
	if (argc < 2 || strcmp(argv[1], "isakmp") != 0)
		return cli_usage(cli, self, "say which kind: isakmp or ipsec.");
	f->sas = f->has_spis = true;
	if (argc != 3 || !ike_spis_parse(argv[2], f->spi_i, f->spi_r))
		return cli_usage(cli, self, "say which: both cookies as `ipsecctl show` prints them.");
	return CLI_OK;
}

/* One SPI may be of several SAs, each with its own peer. */
static bool is_one(struct cli *cli, struct ipc_sync *keyd, const struct ike_row_filter *f)
{
	struct err_text e = {{0}};
	struct ike_rows rows;
	size_t n = 0;

	if (ike_rows_read(keyd, &rows, &e) < 0) {
		(void)cli_fail(cli, "keyd's SAs could not be read: %s", e.s);
		n = 2;
	}
	for (size_t i = 0; i < rows.n_children; i++) {
		const struct ike_row_child *k = &rows.child[i];
		bool fits = false;

		for (uint8_t p = 0; p < k->n_parts; p++)
			fits |= k->part[p].proto == f->proto &&
			        (k->part[p].spi_in == f->spi || k->part[p].spi_out == f->spi);
		n += fits && (f->remote.family == INET_NONE || inet_addr_equal(&f->remote, &k->remote));
	}
	ike_rows_fini(&rows);
	if (n > 1 && !e.s[0])
		(void)cli_fail(cli, "%zu pairs have this SPI: say the peer's address behind it.", n);
	return n <= 1;
}

int verb_delete(struct cli *cli, int argc, char **argv)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct ike_row_filter f = {0};
	struct err_text e = {{0}};
	int code = parse(cli, argc, argv, &f);

	if (code != CLI_OK)
		return code;
	if (!cli_need_root(cli, "end associations"))
		return CLI_FAILED;
	if (cli_open_service(cli, "keyd", &keyd, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	if (f.spi && !is_one(cli, keyd, &f))
		return CLI_FAILED;
	return ike_finish(cli, &f, argv[argc > 3 ? 3 : 2], false);
}
