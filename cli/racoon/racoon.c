/*
 * racoon's command line (racoon-conf.md section 1.1). Under its own name it stays, as the daemon did: its end
 * takes the configuration back, and SIGHUP reads it anew.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli/racoon/load.h"
#include "cli/racoon/place.h"
#include "cli/verbs.h"
#include "config/racoon/racoon.h"

struct options {
	const char *file;
	bool check, foreground, version;
};

static const char *const places[] = {
    "/etc/inet/racoon.conf", "/etc/racoon/racoon.conf", "/etc/racoon.conf", NULL};

static const char *usual_file(void)
{
	for (size_t i = 0; places[i]; i++)
		if (access(places[i], F_OK) == 0)
			return places[i];
	return NULL;
}

static int unused(struct cli *cli, int option)
{
	fprintf(cli->err, "%s: warning: -%c is ignored: %s\n", cli->prog, option,
	    strchr("pP", option) ? "ports are settings of the suite" : "it has no use here");
	return 0;
}

static int parse(struct cli *cli, int argc, char **argv, bool compat, struct options *ret)
{
	int option;

	*ret = (struct options){0};
	optind = 0;
	opterr = 0;
	while ((option = getopt(argc, argv, "46BCdFf:Ll:P:p:a:VvZ")) != -1) {
		switch (option) {
		case 'f':
			ret->file = optarg;
			break;
		case 'C':
			ret->check = true;
			break;
		case 'F':
			ret->foreground = true;
			break;
		case 'V':
			ret->version = true;
			break;
		case '?':
			return compat ? cli_fail(cli, "there is no option -%c.", optopt)
			              : cli_usage(
			                    cli, cli_verb_find("racoon"), "there is no option -%c.", optopt);
		case 'd':
		case 'v':
		case 'L':
			break; /* the services' own log levels: ipsecctl log */
		default:
			(void)unused(cli, option);
			break;
		}
	}
	return CLI_OK;
}

static void say(void *arg, bool is_error, const char *text)
{
	struct cli *cli = arg;

	fprintf(cli->err, "%s: %s: %s\n", cli->prog, is_error ? "ERROR" : "WARNING", text);
}

static int read_file(struct cli *cli, const char *file, struct ike_conf **ret)
{
	const struct racoon_options o = {.say = say, .arg = cli};
	struct err_text e = {{0}};
	int r = racoon_read(file, &o, ret, &e);

	if (r == 0)
		return CLI_OK;
	if (r != -EINVAL || e.s[0])
		return cli_fail(cli, "%s", e.s[0] ? e.s : err_name(r));
	return cli_fail(cli, "failed to parse configuration file.");
}

int racoon_load_file(struct cli *cli, const char *file)
{
	AUTO_IKE_CONF struct ike_conf *c = NULL;
	struct err_text e = {{0}};
	int code = read_file(cli, file, &c);

	if (code != CLI_OK)
		return code;
	if (racoon_load(cli, c, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	if (place_put(&cli->settings, file, &e) < 0)
		(void)cli_fail(cli, "warning: `ipsecctl reload` will not know the file: %s", e.s);
	return CLI_OK;
}

/* An empty configuration: peers are told, and nobody is answered any more. */
static int withdraw(struct cli *cli)
{
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();
	struct err_text e = {{0}};

	if (!c)
		return cli_fail(cli, "out of memory.");
	place_forget(&cli->settings);
	return racoon_load(cli, c, &e) < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}

static void wait_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static int stay(struct cli *cli, const char *file, const sigset_t *set)
{
	int number;

	for (;;) {
		if (sigwait(set, &number) != 0)
			continue;
		if (number != SIGHUP)
			break;
		(void)racoon_load_file(cli, file); /* a faulty file leaves the old configuration in force */
	}
	fprintf(cli->err, "%s: INFO: caught signal %d\n", cli->prog, number);
	(void)withdraw(cli);
	fprintf(cli->err, "%s: INFO: racoon shutdown\n", cli->prog);
	return CLI_OK;
}

/* Loaded before the shell gets its prompt back, so that a script may go on. */
static int stay_behind(struct cli *cli, const char *file, const sigset_t *set, bool foreground)
{
	if (!foreground) {
		pid_t pid = fork();

		if (pid < 0)
			return cli_fail(cli, "cannot go into the background: %s", err_name(-errno));
		if (pid > 0)
			return CLI_OK;
		(void)setsid();
	}
	return stay(cli, file, set);
}

int racoon_main(struct cli *cli, int argc, char **argv, bool compat)
{
	struct options o;
	sigset_t set;
	int code = parse(cli, argc, argv, compat, &o);

	if (code != CLI_OK)
		return code;
	if (o.version) {
		fprintf(cli->out, "@(#)racoon (Postern " POSTERN_VERSION ")\n");
		return CLI_OK;
	}
	if (!o.file)
		o.file = usual_file();
	if (!o.file)
		return cli_fail(
		    cli, "there is no racoon.conf in /etc/inet, /etc/racoon or /etc; say -f FILE.");
	if (o.check) {
		AUTO_IKE_CONF struct ike_conf *c = NULL;

		return read_file(cli, o.file, &c);
	}
	if (!cli_need_root(cli, "load peers and keys"))
		return CLI_FAILED;
	wait_signals(&set);
	code = racoon_load_file(cli, o.file);
	return code == CLI_OK && compat ? stay_behind(cli, o.file, &set, o.foreground) : code;
}
