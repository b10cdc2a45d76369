/*
 * racoonctl's command line (racoon-conf.md section 11) in terms of ipsecctl's verbs. It ends with 0 or 1.
 */
#ifndef POSTERN_CLI_RACOONCTL_RACOONCTL_H
#define POSTERN_CLI_RACOONCTL_RACOONCTL_H

#include "cli/ike/ike.h"

/* "isakmp inet SRC DST", or "esp|ah inet SRC/PLEN/PORT DST/PLEN/PORT icmp|tcp|udp|gre|any". */
struct saopts {
	bool isakmp;
	enum ipsec_proto proto;    /* of the other kind */
	struct inet_addr src, dst; /* isakmp */
	struct selector sel;       /* the other kind: of what leaves */
};
/* Takes all words. False: the line was written. */
bool saopts_parse(struct cli *cli, int argc, char **argv, struct saopts *ret);

/* `show-sa isakmp`; `details`: how often -l was said. */
void racoonctl_print_isakmp(FILE *to, const struct ike_rows *r, unsigned details, uint64_t now_wall_ms);
/* `show-sa esp|ah|ipsec`: the SAD as setkey prints it. NONE: all protocols. An exit code. */
int racoonctl_show_sad(struct cli *cli, enum ipsec_proto proto);

/* One of keyd's events as show-event prints it: "TEXT : SRC -> DST". False: it is none that racoon had. */
bool racoonctl_event(const char *name, const char *text, char *ret, size_t room);
/* Until it is ended. An exit code. */
int racoonctl_show_events(struct cli *cli);

#endif
