#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cli/racoonctl/racoonctl.h"

static bool bad(struct cli *cli, const char *what, const char *word)
{
	(void)cli_fail(cli, "%s: `%s`.", what, word);
	return false;
}

static bool parse_family(struct cli *cli, const char *word, enum inet_family *ret)
{
	*ret = strcmp(word, "inet") == 0 ? INET_V4 : strcmp(word, "inet6") == 0 ? INET_V6 : INET_NONE;
	return *ret != INET_NONE || bad(cli, "inet or inet6 is wanted", word);
}

static bool parse_number(const char *word, unsigned long max, unsigned long *ret)
{
	char *end;

	*ret = strtoul(word, &end, 10);
	return word[0] >= '0' && word[0] <= '9' && !*end && *ret <= max;
}

/* "ADDR[/PLEN[/PORT]]" */
static bool parse_end(
    struct cli *cli, const char *word, enum inet_family family, struct inet_prefix *ret, uint16_t *ret_port)
{
	char copy[INET_ADDR_STRLEN + 16], *plen, *port = NULL;
	unsigned long n;

	if (strlen(word) >= sizeof(copy))
		return bad(cli, "this is no address", word);
	strcpy(copy, word);
	plen = strchr(copy, '/');
	if (plen)
		*plen++ = '\0';
	port = plen ? strchr(plen, '/') : NULL;
	if (port)
		*port++ = '\0';
	if (inet_addr_parse(copy, &ret->addr) < 0 || ret->addr.family != family)
		return bad(cli, "this is no address of that family", word);
	ret->plen = inet_addr_bits(&ret->addr);
	if (plen && !parse_number(plen, ret->plen, &n))
		return bad(cli, "its prefix length is none", word);
	ret->plen = plen ? (uint8_t)n : ret->plen;
	if (port && strcmp(port, "any") != 0 && !parse_number(port, UINT16_MAX, &n))
		return bad(cli, "its port is none", word);
	*ret_port = port && strcmp(port, "any") != 0 ? (uint16_t)n : 0;
	return true;
}

static bool parse_upper(struct cli *cli, const char *word, enum inet_family family, uint16_t *ret)
{
	enum { ICMP = 1, TCP = 6, UDP = 17, GRE = 47, ICMP6 = 58 };
	const struct {
		const char *name;
		uint16_t proto;
	} words[] = {{"icmp", family == INET_V6 ? ICMP6 : ICMP}, {"tcp", TCP}, {"udp", UDP}, {"gre", GRE},
	    {"any", IPPROTO_ANY_}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i].name) == 0) {
			*ret = words[i].proto;
			return true;
		}
	return bad(cli, "icmp, tcp, udp, gre or any is wanted", word);
}

static bool parse_ipsec(struct cli *cli, int argc, char **argv, struct saopts *ret)
{
	enum inet_family family;
	const char *why;

	if (argc != 5) {
		(void)cli_fail(cli,
		    "%s inet|inet6 SRC/PLEN/PORT DST/PLEN/PORT icmp|tcp|udp|gre|any is wanted.", argv[0]);
		return false;
	}
	if (!parse_family(cli, argv[1], &family) ||
	    !parse_end(cli, argv[2], family, &ret->sel.src, &ret->sel.sport) ||
	    !parse_end(cli, argv[3], family, &ret->sel.dst, &ret->sel.dport) ||
	    !parse_upper(cli, argv[4], family, &ret->sel.proto))
		return false;
	return selector_check(&ret->sel, &why) == 0 || bad(cli, why, argv[4]);
}

static bool parse_isakmp(struct cli *cli, int argc, char **argv, struct saopts *ret)
{
	enum inet_family family;
	struct inet_prefix a, b;
	uint16_t port;

	if (argc != 4) {
		(void)cli_fail(cli, "isakmp inet|inet6 SRC DST is wanted.");
		return false;
	}
	if (!parse_family(cli, argv[1], &family) || !parse_end(cli, argv[2], family, &a, &port) ||
	    !parse_end(cli, argv[3], family, &b, &port))
		return false;
	ret->src = a.addr;
	ret->dst = b.addr;
	return true;
}

bool saopts_parse(struct cli *cli, int argc, char **argv, struct saopts *ret)
{
	*ret = (struct saopts){.isakmp = argc > 0 && strcmp(argv[0], "isakmp") == 0};
	if (argc < 1) {
		(void)cli_fail(cli, "say which SA: isakmp, esp or ah, and what follows it.");
		return false;
	}
	if (ret->isakmp)
		return parse_isakmp(cli, argc, argv, ret);
	ret->proto = strcmp(argv[0], "esp") == 0  ? IPSEC_ESP
	             : strcmp(argv[0], "ah") == 0 ? IPSEC_AH
	                                          : IPSEC_PROTO_NONE;
	if (!ret->proto)
		return bad(cli, "isakmp, esp or ah is wanted", argv[0]);
	return parse_ipsec(cli, argc, argv, ret);
}
