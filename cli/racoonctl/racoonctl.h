/*
 * racoonctl's commands as functions: each returns 0 or 1, racoonctl's exit codes.
 */
#ifndef POSTERN_CLI_RACOONCTL_H
#define POSTERN_CLI_RACOONCTL_H

#include "cli/ike/begin.h"

struct racoonctl {
	struct cli *cli;
	unsigned detail; /* how often -l was said */
};

/* SAOPTS: "isakmp inet SRC DST", or "esp inet SRC/PLEN/PORT DST/PLEN/PORT PROTO". */
struct racoonctl_sa {
	enum ipsec_proto proto;    /* NONE: isakmp */
	struct inet_addr src, dst; /* isakmp */
	struct selector sel;       /* esp, ah */
};
/* parse.c: 0, or -EINVAL with a sentence. */
must_check int racoonctl_parse_sa(int argc, char **argv, struct racoonctl_sa *ret, struct err_text *e);
/* "isakmp", "esp", "ah", "ipsec"; *ret_isakmp or *ret_proto (NONE: all). False: none of these. */
bool racoonctl_parse_kind(const char *word, bool *ret_isakmp, enum ipsec_proto *ret_proto);

/* table.c */
void racoonctl_print_isakmp(FILE *to, const struct ike_rows *r, unsigned detail, uint64_t now_wall_ms);
void racoonctl_print_schedule(FILE *to, const struct ike_rows *r, uint64_t now_wall_ms);

/* show.c */
int racoonctl_show_sa(const struct racoonctl *x, int argc, char **argv);
int racoonctl_show_schedule(const struct racoonctl *x, int argc, char **argv);

/* event.c: a line of ours as racoonctl's, without the newline; false: it is none of the kinds it has. */
enum { RACOONCTL_EVENT_MAX = 800 };
bool racoonctl_event_text(const char *name, const char *text, char buf[RACOONCTL_EVENT_MAX]);
int racoonctl_show_event(const struct racoonctl *x, int argc, char **argv);

#endif
