/*
 * What a load makes different, for people and for programs.
 */
#ifndef POSTERN_CLI_LOAD_REPORT_H
#define POSTERN_CLI_LOAD_REPORT_H

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/load/facts.h"
#include "cli/load/policies.h"

struct load_report {
	struct cli *cli;
	const char *file;
	bool quiet;                              /* counts, and tells the sum alone; --json has all */
	json_t *doc, *added, *changed, *removed; /* --json; NULL without it */
	json_t *changes;                         /* of the connection that is told of, borrowed */
	uint32_t n_added, n_changed, n_removed;
	uint32_t n_conns, n_policies; /* of the whole file */
};

/* 0 or -ENOMEM. */
must_check int report_begin(struct load_report *r, struct cli *cli, const char *file, bool quiet);
/* A facts_diff_fn on a struct load_report. */
void report_fact(
    void *report, enum fact_change what, const char *conn, const struct fact *was, const struct fact *is);
void report_policies(struct load_report *r, const struct policy_diff *d);
/* The last line, or the document. `applied`: it is in force. Returns an exit code. */
int report_end(struct load_report *r, const struct policy_diff *d, bool applied);
/* Without a last line: the load has failed. */
void report_drop(struct load_report *r);

#endif
