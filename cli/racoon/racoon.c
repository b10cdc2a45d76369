/*
 * racoon's command line (racoon-conf.md section 1.1). Under its own name it stays, as the daemon did: its
 * end, however it comes, takes the configuration back, and SIGHUP reads it anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli/load/load.h"
#include "cli/racoon/follow.h"
#include "cli/racoon/hold.h"
#include "cli/racoon/listen.h"
#include "cli/racoon/load.h"
#include "cli/racoon/pidfile.h"
#include "cli/racoon/place.h"
#include "cli/verbs.h"
#include "config/racoon/racoon.h"
#include "service/root_file.h"

struct options {
	const char *file;
	const char *log; /* -l; NULL: none */
	bool check, foreground, version;
	enum inet_family family; /* -4, -6; INET_NONE: both */
	int passphrase_fd;       /* -1: the terminal is asked */
	unsigned debug;          /* how often -d was said */
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

/* Options of racoon's that the suite has no use for, and what does instead. */
static void unused(struct cli *cli, int option)
{
	static const struct {
		const char *options, *why;
	} rows[] = {
	    {"l", "only racoon, which stays, writes one; postern-keyd's log goes where the suite's does"},
	    {"L", "lines of the log name no source file"},
	    {"B", "session keys are in no file that they could be read from"},
	    {"v", "packets are not dumped"},
	};
	const char *why = "it has no use here";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strchr(rows[i].options, option))
			why = rows[i].why;
	fprintf(cli->err, "%s: warning: -%c is ignored: %s\n", cli->prog, option, why);
}

static int say_usage(struct cli *cli, bool compat, const char *before, const char *word, const char *behind)
{
	return compat ? cli_fail(cli, "%s %s%s", before, word, behind)
	              : cli_usage(cli, cli_verb_find("racoon"), "%s %s%s", before, word, behind);
}

/* -p and -P. postern-keyd and postern-datapathd have their ports before any configuration is there. */
static int parse_port(struct cli *cli, bool compat, int option, const char *text)
{
	uint16_t usual = option == 'p' ? IKE_PORT : IKE_PORT_NATT;
	char before[] = "-?", behind[120];

	before[1] = (char)option;
	if (strtol(text, NULL, 10) == usual)
		return CLI_OK;
	snprintf(behind, sizeof(behind),
	    ": %s at port %u; another port is for the launcher to open, not for a configuration to name.",
	    option == 'p' ? "IKE is" : "IKE behind a translator is", usual);
	return say_usage(cli, compat, before, text, behind);
}

static int parse(struct cli *cli, int argc, char **argv, bool compat, struct options *ret)
{
	enum { PASSPHRASE_FD = 256 };
	static const struct option words[] = {{"passphrase-fd", required_argument, NULL, PASSPHRASE_FD}, {0}};
	char letter[] = "-?";
	int option, code;

	*ret = (struct options){.passphrase_fd = -1};
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "46BCdFf:Ll:P:p:a:VvZ", words, NULL)) != -1) {
		switch (option) {
		case PASSPHRASE_FD:
			if (!passphrase_fd_parse(optarg, &ret->passphrase_fd))
				return say_usage(cli, compat,
				    "--passphrase-fd wants the number of an open descriptor:", optarg,
				    " is none.");
			break;
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
			letter[1] = (char)optopt;
			return say_usage(cli, compat, "there is no option",
			    optopt > 0 && optopt < PASSPHRASE_FD ? letter : argv[optind - 1], ".");
		case 'd':
			ret->debug++;
			break;
		case '4':
		case '6':
			ret->family = option == '4' ? INET_V4 : INET_V6;
			break;
		case 'p':
		case 'P':
			code = parse_port(cli, compat, option, optarg);
			if (code != CLI_OK)
				return code;
			break;
		case 'l':
			if (compat)
				ret->log = optarg;
			else
				unused(cli, option);
			break;
		default:
			unused(cli, option);
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

/* Who may not look at a file can still have the rest of its configuration checked. */
static int check_script(void *arg, const char *path, struct err_text *e)
{
	int r = root_file_check(path, e);

	(void)arg;
	return r == -EACCES && geteuid() != 0 ? 0 : r;
}

static int read_file(struct cli *cli, const char *file, struct ike_conf **ret)
{
	const struct racoon_options o = {.say = say, .arg = cli, .check_script = check_script};
	struct err_text e = {{0}};
	int r = racoon_read(file, &o, ret, &e);

	if (r == 0)
		return CLI_OK;
	if (r != -EINVAL || e.s[0])
		return cli_fail(cli, "%s", e.s[0] ? e.s : err_name(r));
	return cli_fail(cli, "failed to parse configuration file.");
}

/* -d raises the level that the file says. */
static void log_more(struct ike_conf *c, unsigned more)
{
	while (more--) {
		if (c->log == IKE_LOG_NONE)
			c->log = IKE_LOG_INFO;
		if (c->log < IKE_LOG_DEBUG2)
			c->log++;
	}
}

/* There is one configuration for key exchange, and the last one that was loaded is it. */
static void replace_native(struct cli *cli)
{
	AUTO_LOAD_STATE struct load_state st = {0};
	struct err_text e;

	if (load_state_get(&cli->settings, &st, &e) == 0 && st.file)
		fprintf(cli->err,
		    "%s: WARNING: the connections of %s give way to this configuration; the policies made "
		    "for "
		    "them stay until `ipsecctl load --none`, or another load, takes them out\n",
		    cli->prog, st.file);
	load_state_forget(&cli->settings);
}

static int number_blocks(struct cli *cli, struct ike_conf *c, struct err_text *e)
{
	struct block_key key;
	int r = block_key_get(&cli->settings, &key, e);

	return r < 0 ? r : blocks_number(&key, NULL, c, e);
}

/* `pid`: of the process that stays, NULL for one that does not. */
static int load(struct cli *cli, const struct options *o, struct pidfile *pid, uint64_t *ret_generation)
{
	AUTO_PASSPHRASES struct passphrases known = PASSPHRASES_INIT(o->passphrase_fd);
	AUTO_IKE_CONF struct ike_conf *c = NULL;
	struct err_text e = {{0}};
	int code = read_file(cli, o->file, &c);

	if (code != CLI_OK)
		return code;
	log_more(c, o->debug);
	racoon_listen_family(c, o->family);
	if (racoon_check_listen(cli, c) != CLI_OK)
		return CLI_FAILED;
	if (number_blocks(cli, c, &e) < 0 || racoon_load(cli, c, -1, &known, ret_generation, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	replace_native(cli);
	if (place_put(&cli->settings, o->file, &e) < 0)
		(void)cli_fail(cli, "warning: `ipsecctl reload` will not know the file: %s", e.s);
	if (pid && pidfile_put(pid, &cli->settings, c->pidfile, &e) < 0)
		(void)cli_fail(cli, "warning: path pidfile: no number is written: %s", e.s);
	return CLI_OK;
}

int racoon_load_file(struct cli *cli, const char *file)
{
	const struct options o = {.file = file, .passphrase_fd = -1};
	uint64_t generation;

	return load(cli, &o, NULL, &generation);
}

/* An empty configuration: peers are told, and nobody is answered any more. */
static int withdraw(struct cli *cli)
{
	AUTO_PASSPHRASES struct passphrases none = PASSPHRASES_INIT(-1);
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();
	struct err_text e = {{0}};
	uint64_t generation;

	if (!c)
		return cli_fail(cli, "out of memory.");
	place_forget(&cli->settings);
	return racoon_load(cli, c, -1, &none, &generation, &e) < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}

static void wait_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* A faulty file leaves the old configuration in force. */
static void load_again(struct cli *cli, const struct options *o, struct pidfile *pid, struct hold *h)
{
	uint64_t generation;

	if (load(cli, o, pid, &generation) == CLI_OK)
		hold_take(h, cli, generation);
}

static bool is_end(int number)
{
	return number != SIGHUP && number != SIGUSR1 && number != SIGUSR2;
}

static int stay(struct cli *cli, const struct options *o, struct pidfile *pid, struct follow *log,
    const sigset_t *set, uint64_t generation)
{
	struct hold h = {0};
	int number;

	hold_take(&h, cli, generation);
	(void)signal(SIGPIPE, SIG_IGN); /* who reads our log is not who we stay for */
	while (!is_end(number = hold_wait(&h, log, cli, set)))
		if (number == SIGHUP)
			load_again(cli, o, pid, &h);
		else
			fprintf(cli->err, "%s: INFO: caught signal %d, which means nothing here\n", cli->prog,
			    number);
	if (number != HOLD_LOST)
		fprintf(cli->err, "%s: INFO: caught signal %d\n", cli->prog, number);
	if (number != HOLD_LOST && hold_counts(&h, cli))
		(void)withdraw(cli);
	else
		fprintf(cli->err, "%s: INFO: another configuration has been loaded meanwhile, and stays\n",
		    cli->prog);
	hold_fini(&h);
	pidfile_remove(pid);
	follow_write(log, cli);
	fprintf(cli->err, "%s: INFO: racoon shutdown\n", cli->prog);
	return CLI_OK;
}

/* Whoever started it may wait for the end of what is written to its descriptors. */
static void leave_terminal(void)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	(void)setsid();
}

/* As the process that stays: keyd's first lines are about the load itself. */
static int load_and_stay(struct cli *cli, const struct options *o, struct pidfile *pid, struct follow *log,
    const sigset_t *set, int told_to)
{
	uint64_t generation = 0;
	uint8_t told;
	int code;

	follow_listen(log, cli);
	code = load(cli, o, pid, &generation);
	fflush(cli->err);
	if (code == CLI_OK && (log->file || told_to >= 0))
		follow_own(log, cli);
	if (told_to >= 0) {
		if (code == CLI_OK)
			leave_terminal();
		told = (uint8_t)code;
		(void)!write(told_to, &told, 1);
		close(told_to);
	}
	if (code == CLI_OK)
		code = stay(cli, o, pid, log, set, generation);
	follow_fini(log, cli);
	return code;
}

/* Ends when the child has loaded, with the code that it tells; without one it has died. */
static int wait_loaded(struct cli *cli, int from)
{
	uint8_t code;
	ssize_t n;

	do
		n = read(from, &code, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? code : cli_fail(cli, "the process in the background ended before it had loaded.");
}

/* Loaded before the shell gets its prompt back, so that a script may go on; and by the process that stays,
 * because memory of secrets does not outlive fork(2). */
static int stay_behind(
    struct cli *cli, const struct options *o, struct pidfile *number, struct follow *log, const sigset_t *set)
{
	AUTO_CLOSE int from = -1, to = -1;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return cli_fail(cli, "cannot go into the background: %s", err_name(-errno));
	from = fds[0];
	to = fds[1];
	pid = fork();
	if (pid < 0)
		return cli_fail(cli, "cannot go into the background: %s", err_name(-errno));
	if (pid > 0) {
		close(take_fd(&to));
		return wait_loaded(cli, from);
	}
	return load_and_stay(cli, o, number, log, set, take_fd(&to));
}

static int run(struct cli *cli, const struct options *o, bool stays)
{
	struct follow log = {.file = o->log, .wanted = stays && (o->log || o->foreground)};
	struct pidfile pid = {{0}};
	struct err_text e = {{0}};
	uint64_t generation = 0;
	sigset_t set;

	wait_signals(&set);
	if (follow_check(&log, &e) < 0)
		return cli_fail(cli, "%s", e.s);
	if (!stays)
		return load(cli, o, NULL, &generation);
	return o->foreground ? load_and_stay(cli, o, &pid, &log, &set, -1)
	                     : stay_behind(cli, o, &pid, &log, &set);
}

int racoon_main(struct cli *cli, int argc, char **argv, bool compat)
{
	struct options o;
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
	return run(cli, &o, compat);
}
