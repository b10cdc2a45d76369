/*
 * A line for each connection and policy that comes, changes or goes, with a sign in front as diff(1) has it.
 * Marks are never shown: they stand for secrets and files.
 */
#include "cli/load/report.h"

#include <errno.h>
#include <string.h>

#include "cli/dump/dump.h"

int report_begin(struct load_report *r, struct cli *cli, const char *file, bool quiet)
{
	json_t *conns;

	*r = (struct load_report){.cli = cli, .file = file, .quiet = quiet};
	if (!cli->json)
		return 0;
	r->doc = json_new_document();
	conns = json_object();
	r->added = json_array();
	r->changed = json_array();
	r->removed = json_array();
	if (!r->doc)
		return -ENOMEM;
	json_object_set_new(r->doc, "file", json_string(file));
	json_object_set_new(conns, "added", r->added);
	json_object_set_new(conns, "changed", r->changed);
	json_object_set_new(conns, "removed", r->removed);
	json_object_set_new(r->doc, "connections", conns);
	return 0;
}

void report_drop(struct load_report *r)
{
	json_decref(r->doc);
	r->doc = NULL;
}

static void tell_conn(struct load_report *r, char sign, const char *conn, uint32_t *n, json_t *list)
{
	++*n;
	if (r->doc)
		json_array_append_new(list, json_string(conn));
	else if (!r->quiet)
		fprintf(r->cli->out, "%c connection %s\n", sign, conn);
}

static void begin_changed(struct load_report *r, const char *conn)
{
	json_t *o = json_object();

	r->n_changed++;
	if (!r->doc) {
		json_decref(o);
		if (!r->quiet)
			fprintf(r->cli->out, "~ connection %s\n", conn);
		return;
	}
	r->changes = json_array();
	json_object_set_new(o, "name", json_string(conn));
	json_object_set_new(o, "changes", r->changes);
	json_array_append_new(r->changed, o);
}

static void add_value(json_t *o, const char *key, const struct fact *f)
{
	json_object_set_new(o, key, f ? json_string(f->value) : json_null());
}

static void print_difference(FILE *to, const struct fact *was, const struct fact *is)
{
	const char *what = is ? is->what : was->what;

	if (!was)
		fprintf(to, "    + %s%s%s\n", what, *is->value ? " " : "", is->value);
	else if (!is)
		fprintf(to, "    - %s%s%s\n", what, *was->value ? " " : "", was->value);
	else if (strcmp(was->value, is->value) != 0)
		fprintf(to, "    %s: %s -> %s\n", what, was->value, is->value);
	else if (strcmp(what, FACT_BLOCK) == 0)
		fputs("    something that its peer is told\n", to);
	else
		fprintf(to, "    %s%s%s: other contents\n", what, *is->value ? " " : "", is->value);
}

static void tell_difference(struct load_report *r, const struct fact *was, const struct fact *is)
{
	json_t *o;

	if (r->quiet && !r->doc)
		return;
	if (!r->doc) {
		print_difference(r->cli->out, was, is);
		return;
	}
	o = json_object();
	json_object_set_new(o, "what", json_string(is ? is->what : was->what));
	add_value(o, "from", was);
	add_value(o, "to", is);
	json_array_append_new(r->changes, o);
}

void report_fact(
    void *report, enum fact_change what, const char *conn, const struct fact *was, const struct fact *is)
{
	struct load_report *r = report;

	if (what == FACT_CONN_ADDED)
		tell_conn(r, '+', conn, &r->n_added, r->added);
	else if (what == FACT_CONN_REMOVED)
		tell_conn(r, '-', conn, &r->n_removed, r->removed);
	else if (what == FACT_CONN_CHANGED)
		begin_changed(r, conn);
	else
		tell_difference(r, was, is);
}

static void print_policies(FILE *to, const struct policy_place *list, uint32_t n, char sign)
{
	for (uint32_t i = 0; i < n; i++) {
		if (list[i].stays)
			continue;
		fprintf(to, "%c policy ", sign);
		dump_policy_line(to, list[i].p);
		fputc('\n', to);
	}
}

static json_t *policies_json(const struct policy_place *list, uint32_t n)
{
	json_t *a = json_array();

	for (uint32_t i = 0; i < n; i++)
		if (!list[i].stays)
			json_array_append_new(a, json_from_policy(list[i].p));
	return a;
}

void report_policies(struct load_report *r, const struct policy_diff *d)
{
	json_t *o;

	if (r->quiet && !r->doc)
		return;
	if (!r->doc) {
		print_policies(r->cli->out, d->was, d->n_in_force, '-');
		print_policies(r->cli->out, d->is, d->n_is, '+');
		return;
	}
	o = json_object();
	json_object_set_new(o, "added", policies_json(d->is, d->n_is));
	json_object_set_new(o, "removed", policies_json(d->was, d->n_in_force));
	json_object_set_new(r->doc, "policies", o);
}

int report_end(struct load_report *r, const struct policy_diff *d, bool applied)
{
	FILE *to = r->cli->out;
	json_t *doc = r->doc;

	r->doc = NULL;
	if (doc) {
		json_object_set_new(doc, "applied", json_boolean(applied));
		return json_write(r->cli, doc);
	}
	if (!r->n_added && !r->n_changed && !r->n_removed && !d->n_added && !d->n_removed) {
		fprintf(to, "%s: nothing is different (connections: %u, policies: %u).\n", r->file,
		    r->n_conns, r->n_policies);
		return CLI_OK;
	}
	fprintf(to, "%s%s: connections: %u added, %u changed, %u removed; policies: %u added, %u removed.\n",
	    r->file, applied ? "" : ", not loaded", r->n_added, r->n_changed, r->n_removed, d->n_added,
	    d->n_removed);
	return CLI_OK;
}
