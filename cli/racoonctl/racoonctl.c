#include "cli/racoonctl/racoonctl.h"

#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "cli/verbs.h"

enum { WAIT_MS = 60000 /* racoon gave up a phase 1 after a minute */ };

struct run {
	struct cli *cli;
	unsigned details;
	int argc; /* behind the command's own word */
	char **argv;
};

static int not_here(struct run *r, const char *why)
{
	return cli_fail(r->cli, "%s", why);
}

static int reload_config(struct run *r)
{
	char verb[] = "reload", *argv[] = {verb, NULL};

	return verb_reload(r->cli, 1, argv) == CLI_OK ? CLI_OK : CLI_FAILED;
}

static int show_schedule(struct run *r)
{
	return not_here(r, "there is no list of timers; `ipsecctl show` says when each SA ends.");
}

/* isakmp, esp, ah or ipsec. */
static bool parse_kind(struct run *r, bool *ret_isakmp, enum ipsec_proto *ret_proto)
{
	static const struct {
		const char *word;
		bool isakmp;
		enum ipsec_proto proto;
	} kinds[] = {{"isakmp", true, IPSEC_PROTO_NONE}, {"esp", false, IPSEC_ESP}, {"ah", false, IPSEC_AH},
	    {"ipsec", false, IPSEC_PROTO_NONE}};

	for (size_t i = 0; r->argc == 1 && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(r->argv[0], kinds[i].word) == 0) {
			*ret_isakmp = kinds[i].isakmp;
			*ret_proto = kinds[i].proto;
			return true;
		}
	(void)cli_fail(r->cli, "say which SAs: isakmp, esp, ah or ipsec.");
	return false;
}

static int show_sa(struct run *r)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	AUTO_IKE_ROWS struct ike_rows rows = {0};
	struct err_text e = {""};
	enum ipsec_proto proto;
	bool isakmp;

	if (!parse_kind(r, &isakmp, &proto))
		return CLI_FAILED;
	if (!isakmp)
		return racoonctl_show_sad(r->cli, proto);
	if (ike_open(r->cli, &keyd) < 0)
		return CLI_FAILED;
	if (ike_fetch(keyd, &rows, &e) < 0)
		return cli_fail(r->cli, "keyd's SAs cannot be read: %s", e.s);
	racoonctl_print_isakmp(r->cli->out, &rows, r->details, clock_wall_ms());
	return CLI_OK;
}

static int end_all(struct run *r, const struct ike_filter *f, bool must)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct err_text e = {""};
	uint32_t sas = 0, children = 0;

	if (!cli_need_root(r->cli, "delete SAs") || ike_open(r->cli, &keyd) < 0)
		return CLI_FAILED;
	if (ike_delete(keyd, f, &sas, &children, &e) < 0)
		return cli_fail(r->cli, "nothing was deleted: %s", e.s);
	return must && !sas && !children ? cli_fail(r->cli, "there is no such SA that was negotiated.")
	                                 : CLI_OK;
}

static int flush_sa(struct run *r)
{
	struct ike_filter f = {0};

	if (!parse_kind(r, &f.sas, &f.proto))
		return CLI_FAILED;
	f.children = !f.sas;
	return end_all(r, &f, false);
}

static int delete_sa(struct run *r)
{
	struct ike_filter f = {0};
	struct saopts o;

	if (!saopts_parse(r->cli, r->argc, r->argv, &o))
		return CLI_FAILED;
	f.sas = o.isakmp;
	f.children = !o.isakmp;
	f.local = o.src;
	f.remote = o.dst;
	f.proto = o.proto;
	f.has_selector = !o.isakmp;
	f.selector = o.sel;
	return end_all(r, &f, true);
}

/* -n REMOTE must be the one that stands for the other end: which is used, its address says. */
static int check_remote(struct run *r, const char *name, const struct inet_addr *dst)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct inet_addr a;

	if (ike_open(r->cli, &keyd) < 0 || ike_peer_of(r->cli, keyd, name, &a) < 0)
		return CLI_FAILED;
	return inet_addr_equal(&a, dst) ? CLI_OK : cli_fail(r->cli, "remote %s has another address.", name);
}

static int establish_sa(struct run *r)
{
	struct ike_wish w = {.timeout_ms = WAIT_MS, .no_wait = true};
	const char *name = NULL;
	struct saopts o;

	for (; r->argc && r->argv[0][0] == '-'; r->argc--, r->argv++) {
		bool has_value = r->argc > 1;

		if (strcmp(r->argv[0], "-w") == 0)
			w.no_wait = false;
		else if (strcmp(r->argv[0], "-n") == 0 && has_value)
			name = (r->argc--, *++r->argv);
		else
			return cli_fail(r->cli,
			    "establish-sa does not take `%s`: a login is the configuration's xauth_login.",
			    r->argv[0]);
	}
	if (!saopts_parse(r->cli, r->argc, r->argv, &o) || !cli_need_root(r->cli, "begin negotiations"))
		return CLI_FAILED;
	if (name && o.isakmp && check_remote(r, name, &o.dst) != CLI_OK)
		return CLI_FAILED;
	w.local = o.src;
	w.remote = o.dst;
	w.only_sa = o.isakmp;
	w.only = o.isakmp ? NULL : &o.sel;
	return ike_bring_up(r->cli, &w);
}

/* A gateway's address, the only word. */
static bool parse_gateway(struct run *r, struct inet_addr *ret)
{
	if (r->argc == 1 && inet_addr_parse(r->argv[0], ret) == 0)
		return true;
	(void)cli_fail(r->cli, "say which gateway, by its address.");
	return false;
}

static int vpn_connect(struct run *r)
{
	struct ike_wish w = {.timeout_ms = WAIT_MS};

	if (r->argc && strcmp(r->argv[0], "-u") == 0)
		return not_here(r, "-u is not taken: a login is the configuration's xauth_login.");
	if (!parse_gateway(r, &w.remote) || !cli_need_root(r->cli, "begin negotiations"))
		return CLI_FAILED;
	return ike_bring_up(r->cli, &w);
}

static int vpn_disconnect(struct run *r)
{
	struct ike_filter f = {.sas = true, .children = true};

	return parse_gateway(r, &f.remote) ? end_all(r, &f, true) : CLI_FAILED;
}

static int show_event(struct run *r)
{
	return racoonctl_show_events(r->cli);
}

static int get_sa_cert(struct run *r)
{
	return not_here(r, "certificates of peers are not kept once they are judged.");
}

static int logout_user(struct run *r)
{
	return not_here(r, "users are not logged out by name; vpn-disconnect ends what an address has.");
}

static const struct command {
	const char *name, *brief, *args;
	int (*run)(struct run *r);
} commands[] = {
    {"reload-config", "rc", "", reload_config},
    {"show-schedule", "sc", "", show_schedule},
    {"show-sa", "ss", "isakmp|esp|ah|ipsec", show_sa},
    {"flush-sa", "fs", "isakmp|esp|ah|ipsec", flush_sa},
    {"delete-sa", "ds", "SAOPTS", delete_sa},
    {"establish-sa", "es", "[-w] [-n REMOTE] SAOPTS", establish_sa},
    {"vpn-connect", "vc", "GATEWAY", vpn_connect},
    {"vpn-disconnect", "vd", "GATEWAY", vpn_disconnect},
    {"show-event", "se", "", show_event},
    {"get-sa-cert", "gc", "inet|inet6 SRC DST", get_sa_cert},
    {"logout-user", "lu", "USER", logout_user},
};

static int usage(struct cli *cli)
{
	fprintf(cli->err, "usage: racoonctl [-l [-l]] COMMAND\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(cli->err, "       %s (%s)%s%s\n", commands[i].name, commands[i].brief,
		    commands[i].args[0] ? " " : "", commands[i].args);
	fprintf(cli->err, "SAOPTS: isakmp inet|inet6 SRC DST\n"
	                  "        esp|ah inet|inet6 SRC/PLEN/PORT DST/PLEN/PORT icmp|tcp|udp|gre|any\n");
	return CLI_FAILED;
}

static int unknown(struct cli *cli, const char *word)
{
	const char *names[ARRAY_SIZE(commands) + 1] = {NULL}, *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = nearest_word(word, names);
	return near ? cli_fail(cli, "there is no command `%s`. Did you mean `%s`?", word, near)
	            : cli_fail(cli, "there is no command `%s`.", word);
}

int racoonctl_main(struct cli *cli, int argc, char **argv)
{
	struct run r = {.cli = cli};
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt(argc, argv, "+dls:")) != -1) {
		if (option == 'l')
			r.details++;
		else if (option == 's')
			fprintf(cli->err, "%s: warning: -s is ignored: the suite's own sockets are used\n",
			    cli->prog);
		else if (option == '?')
			return cli_fail(cli, "there is no option -%c.", optopt);
	}
	if (optind >= argc)
		return usage(cli);
	r.argc = argc - optind - 1;
	r.argv = argv + optind + 1;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[optind], commands[i].name) == 0 ||
		    strcmp(argv[optind], commands[i].brief) == 0)
			return commands[i].run(&r);
	return unknown(cli, argv[optind]);
}
