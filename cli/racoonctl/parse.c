/*
 * SAOPTS (racoon-conf.md section 11).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/racoonctl/racoonctl.h"

bool racoonctl_parse_kind(const char *word, bool *ret_isakmp, enum ipsec_proto *ret_proto)
{
	*ret_isakmp = strcmp(word, "isakmp") == 0;
	*ret_proto = strcmp(word, "esp") == 0  ? IPSEC_ESP
	             : strcmp(word, "ah") == 0 ? IPSEC_AH
	                                       : IPSEC_PROTO_NONE;
	return *ret_isakmp || *ret_proto != IPSEC_PROTO_NONE || strcmp(word, "ipsec") == 0;
}

static bool parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno && *ret <= max;
}

/* ADDR[/PLEN[/PORT]] */
static bool parse_side(const char *word, struct inet_prefix *ret, uint16_t *ret_port)
{
	char text[INET_ADDR_STRLEN + 16], *plen, *port = NULL;
	unsigned long n;

	if (strlen(word) >= sizeof(text))
		return false;
	strcpy(text, word);
	plen = strchr(text, '/');
	if (plen)
		*plen++ = '\0';
	if (plen && (port = strchr(plen, '/')))
		*port++ = '\0';
	if (inet_addr_parse(text, &ret->addr) < 0)
		return false;
	ret->plen = inet_addr_bits(&ret->addr);
	if (plen) {
		if (!parse_number(plen, ret->plen, &n))
			return false;
		ret->plen = (uint8_t)n;
	}
	*ret_port = 0;
	if (!port)
		return true;
	if (!parse_number(port, UINT16_MAX, &n))
		return false;
	*ret_port = (uint16_t)n;
	return true;
}

static bool parse_upper(const char *word, uint16_t *ret)
{
	static const struct {
		const char *name;
		uint16_t number;
	} names[] = {{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"gre", 47}, {"any", IPPROTO_ANY_}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, word) == 0) {
			*ret = names[i].number;
			return true;
		}
	return false;
}

static int family_of(const char *word)
{
	if (strcmp(word, "inet") == 0)
		return INET_V4;
	return strcmp(word, "inet6") == 0 ? INET_V6 : INET_NONE;
}

static int parse_child(int argc, char **argv, int family, struct racoonctl_sa *ret, struct err_text *e)
{
	const char *why;

	if (argc != 5)
		return err_set(e, -EINVAL,
		    "say which: esp|ah inet|inet6 SRC/PLEN/PORT DST/PLEN/PORT icmp|tcp|udp|gre|any");
	if (!parse_side(argv[2], &ret->sel.src, &ret->sel.sport) || ret->sel.src.addr.family != family)
		return err_set(e, -EINVAL, "%.100s is no address of this family", argv[2]);
	if (!parse_side(argv[3], &ret->sel.dst, &ret->sel.dport) || ret->sel.dst.addr.family != family)
		return err_set(e, -EINVAL, "%.100s is no address of this family", argv[3]);
	if (!parse_upper(argv[4], &ret->sel.proto))
		return err_set(e, -EINVAL, "%.100s is none of icmp, tcp, udp, gre and any", argv[4]);
	return selector_check(&ret->sel, &why) < 0 ? err_set(e, -EINVAL, "%s", why) : 0;
}

int racoonctl_parse_sa(int argc, char **argv, struct racoonctl_sa *ret, struct err_text *e)
{
	bool isakmp;
	int family;

	*ret = (struct racoonctl_sa){0};
	if (argc < 4 || !racoonctl_parse_kind(argv[0], &isakmp, &ret->proto) ||
	    (!isakmp && ret->proto == IPSEC_PROTO_NONE))
		return err_set(e, -EINVAL, "say which: isakmp|esp|ah inet|inet6 SRC DST ...");
	family = family_of(argv[1]);
	if (family == INET_NONE)
		return err_set(e, -EINVAL, "%.100s is neither inet nor inet6", argv[1]);
	if (!isakmp)
		return parse_child(argc, argv, family, ret, e);
	if (argc != 4)
		return err_set(e, -EINVAL, "say which: isakmp inet|inet6 SRC DST");
	if (inet_addr_parse(argv[2], &ret->src) < 0 || ret->src.family != family)
		return err_set(e, -EINVAL, "%.100s is no address of this family", argv[2]);
	if (inet_addr_parse(argv[3], &ret->dst) < 0 || ret->dst.family != family)
		return err_set(e, -EINVAL, "%.100s is no address of this family", argv[3]);
	return 0;
}
