/*
 * Everything is read, compiled and compared before anything is changed. Policies go into a transaction, then
 * key exchange is loaded (prepared everywhere, then committed), then the transaction is committed: who may
 * negotiate is known before the first packet asks, and what is refused leaves all as it was.
 */
#include "cli/load/load.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/admin.h"
#include "cli/check/check.h"
#include "cli/load/report.h"
#include "cli/racoon/load.h"
#include "cli/racoon/place.h"
#include "cli/setkey/load.h"
#include "cli/setkey/request.h"

struct load {
	struct cli *cli;
	const struct load_options *o;
	bool none; /* as if there were nothing in the file, and no file */
	char file[PATH_MAX];
	struct native_conf *conf;
	struct native_plan plan;
	struct load_secrets secrets;
	struct load_state before, after;
	bool differs; /* in what key exchange is told */
};

static void load_fini(struct load *l)
{
	native_conf_free(l->conf);
	native_plan_fini(&l->plan);
	load_secrets_fini(&l->secrets);
	load_state_fini(&l->before);
	load_state_fini(&l->after);
}
#define AUTO_LOAD AUTO(load_fini)

static void say(void *arg, const struct native_note *n)
{
	check_print(((struct cli *)arg)->err, n);
}

static int fail(struct load *l, int r, const struct err_text *e)
{
	if (r == -EINVAL && !e->s[0])
		return cli_fail(l->cli, "nothing of %s was loaded: mend what is above first.", l->file);
	if (r == -EAGAIN && !e->s[0]) {
		cli_fail(l->cli,
		    "nothing of %s was loaded: what is above may have passed in a moment, try again.",
		    l->file);
		return CLI_LATER;
	}
	return cli_fail(l->cli, "%s", e->s[0] ? e->s : err_name(r));
}

/* --- the file --- */

static int read_conf(struct load *l, struct err_text *e)
{
	const struct native_options o = {.say = say, .arg = l->cli};
	const struct native_text empty = {.p = (char *)(uintptr_t) ""};
	int r =
	    l->none ? native_read_text(l->file, &empty, &o, &l->conf) : native_read(l->file, &o, &l->conf, e);

	return r < 0 ? r : native_compile(l->conf, &load_host, say, l->cli, &l->plan);
}

/* Numbers, secrets and facts. */
static int prepare(struct load *l, struct err_text *e)
{
	struct block_key key;
	AUTO_WIPE(key);
	int r = block_key_get(&l->cli->settings, &key, e);

	if (r == 0)
		r = load_secrets_collect(l->conf, l->plan.ike, &key, say, l->cli, &l->secrets, e);
	if (r == 0)
		r = blocks_number(&key, l->secrets.print, l->plan.ike, e);
	if (r == 0 && (r = facts_of_conf(l->plan.ike, &key, l->secrets.print, &l->after.facts)) < 0)
		(void)err_set(e, r, "%s", err_name(r));
	return r;
}

/* --- what is loaded --- */

/* Which load a service has; 0: none. */
static uint64_t generation_of(struct cli *cli, const char *service, const char *field)
{
	AUTO_FREE struct admin_status *st = malloc(sizeof(*st));
	AUTO_SYNC struct ipc_sync *s = NULL;
	struct err_text e;
	const char *number;

	if (!st || cli_open_service(cli, service, &s, &e) < 0 || admin_get_status(s, st, &e) < 0)
		return 0;
	number = admin_field(st, field);
	return number ? strtoull(number, NULL, 10) : 0;
}

/* What was written down counts while the services still have it. */
static int look_back(struct load *l, struct err_text *e)
{
	int r = load_state_get(&l->cli->settings, &l->before, e);

	if (r < 0 || !l->before.file)
		return r;
	if (generation_of(l->cli, "keyd", "generation") == l->before.generation &&
	    generation_of(l->cli, "policyd", "ike_generation") == l->before.generation)
		return 0;
	load_state_fini(&l->before);
	return 0;
}

static void say_replaced(struct cli *cli, bool dry)
{
	struct err_text e;
	char file[PATH_MAX];

	if (place_get(&cli->settings, file, &e) == 0)
		fprintf(cli->err,
		    "%s: warning: the configuration of %s %s: its peers end, and policies of setkey's "
		    "stay.\n",
		    cli->prog, file, dry ? "would give way" : "gives way");
}

/* --- both --- */

static int load_peers(struct load *l, struct err_text *e)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(l->o->passphrase_fd);

	if (!l->differs)
		return 0;
	return racoon_load(l->cli, l->plan.ike, l->secrets.fd, &known, &l->after.generation, e);
}

static int commit_policies(struct load *l, struct session *s)
{
	int r = session_txn_commit(s, SESSION_POLICYD);

	if (r == SESSION_REFUSED)
		cli_fail(l->cli, "%s", s->refusal_text.s);
	if (r == 0)
		r = session_barrier(s);
	if (r == 0)
		return CLI_OK;
	return cli_fail(l->cli,
	    "the connections of %s are loaded, and its policies are not, or not yet enforced: load it again.",
	    l->file);
}

static int write_down(struct load *l)
{
	struct err_text e;

	if (l->none) {
		load_state_forget(&l->cli->settings);
		return CLI_OK;
	}
	l->after.file = strdup(l->file);
	place_forget(&l->cli->settings);
	if (l->after.file && load_state_put(&l->cli->settings, &l->after, &e) == 0)
		return CLI_OK;
	load_state_forget(&l->cli->settings);
	cli_fail(l->cli, "warning: the next load will take everything for new: %s",
	    l->after.file ? e.s : "out of memory");
	return CLI_OK;
}

/* Nothing is changed before the transaction has taken all of it. */
static int apply(struct load *l, struct session *s, const struct policy_diff *d)
{
	struct err_text e = {{0}};
	int r = policy_diff_put(s, d), code;

	if (r == 0) {
		r = load_peers(l, &e);
		if (r < 0)
			cli_fail(l->cli, "%s", e.s);
	}
	if (r != 0) {
		session_txn_abort(s, SESSION_POLICYD);
		return cli_fail(l->cli, "nothing of %s was loaded; everything is as it was before.", l->file);
	}
	code = write_down(l);
	return code == CLI_OK ? commit_policies(l, s) : code;
}

static int compare(
    struct load *l, struct session *s, struct load_report *r, struct policy_diff *ret, struct err_text *e)
{
	int x = facts_diff(&l->before.facts, &l->after.facts, report_fact, r);

	if (x < 0)
		return err_set(e, x, "out of memory");
	/* A racoon.conf does not give way to nothing. */
	l->differs = (!l->before.file && !l->none) || r->n_added || r->n_changed || r->n_removed;
	l->after.generation = l->before.generation;
	x = session_open(s, SESSION_POLICYD);
	if (x == 0 && !l->o->dry)
		x = session_txn_begin(s, SESSION_POLICYD);
	if (x == SESSION_REFUSED)
		return err_set(e, -EBUSY, "%s", s->refusal_text.s);
	if (x < 0)
		return err_set(e, x, "nothing of %s was loaded.", l->file);
	x = policy_diff_make(s, l->plan.policy, l->plan.n_policies, ret, e);
	if (x == 0)
		report_policies(r, ret);
	return x;
}

static int run(struct load *l, struct session *s)
{
	AUTO_POLICY_DIFF struct policy_diff d = {0};
	struct err_text e = {{0}};
	struct load_report report;
	int code = CLI_OK, r = report_begin(&report, l->cli, l->file, l->o->quiet);

	report.n_conns = l->conf->n_conns;
	report.n_policies = l->plan.n_policies;
	if (r == 0)
		r = compare(l, s, &report, &d, &e);
	if (r < 0)
		code = fail(l, r, &e);
	else if (!l->none)
		say_replaced(l->cli, l->o->dry);
	if (code == CLI_OK && !l->o->dry)
		code = apply(l, s, &d);
	if (code == CLI_OK)
		return report_end(&report, &d, !l->o->dry);
	report_drop(&report);
	return code;
}

void load_usual_file(const struct cli *cli, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/postern.conf", cli->settings.config_dir);
}

/* At boot: whether there is anything to do; where not, that has been told. */
static bool boot_wants(struct load *l)
{
	char racoon[PATH_MAX];
	struct err_text e;

	if (l->before.file || place_get(&l->cli->settings, racoon, &e) < 0 ||
	    !generation_of(l->cli, "keyd", "generation"))
		return true;
	fprintf(l->cli->out, "%s is not loaded: %s is, and stays.\n", l->file, racoon);
	return false;
}

/* 1: there is none, which is as it should be. */
static int find_file(struct load *l)
{
	if (!l->o->file) {
		l->none = true;
		snprintf(l->file, sizeof(l->file), "nothing");
		return 0;
	}
	if (realpath(l->o->file, l->file))
		return 0;
	if (l->o->boot && errno == ENOENT) {
		fprintf(l->cli->out, "there is no %s: nothing to load.\n", l->o->file);
		return 1;
	}
	cli_fail(l->cli, "%s cannot be read: %s.", l->o->file, err_name(-errno));
	return -errno;
}

int load_file(struct cli *cli, const struct load_options *o)
{
	AUTO_LOAD struct load l = {.cli = cli, .o = o, .secrets = {.fd = -1}};
	static const struct setkey_options quiet;
	AUTO(session_fini) struct session s;
	struct err_text e = {{0}};
	int r;

	session_init(&s, cli, &quiet);
	r = find_file(&l);
	if (r != 0)
		return r < 0 ? CLI_FAILED : CLI_OK;
	if (load_keys_init(cli, NATIVE_FILE_MAX / 8) < 0)
		return CLI_FAILED;
	r = read_conf(&l, &e);
	if (r == 0)
		r = prepare(&l, &e);
	if (r == 0)
		r = look_back(&l, &e);
	if (r < 0)
		return fail(&l, r, &e);
	return o->boot && !boot_wants(&l) ? CLI_OK : run(&l, &s);
}
