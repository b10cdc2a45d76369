/*
 * racoonctl's command line (racoon-conf.md section 11) over what ipsecctl's verbs are made of. SAs whose keys
 * were set by hand are setkey's, and stay.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cli/racoon/load.h"
#include "cli/racoon/place.h"
#include "cli/racoonctl/racoonctl.h"
#include "cli/verbs.h"

enum { CONNECT_MS = 60000 };

static int reload_config(const struct racoonctl *x, int argc, char **argv)
{
	struct err_text e = {{0}};
	char file[PATH_MAX];

	if (argc != 1)
		return cli_fail(x->cli, "reload-config takes no words.");
	if (!cli_need_root(x->cli, "load peers and keys"))
		return CLI_FAILED;
	return place_get(&x->cli->settings, file, &e) < 0 ? cli_fail(x->cli, "%s", e.s)
	                                                  : racoon_load_file(x->cli, file);
}

/* Without a word about how many: what it was asked for is that none is left. */
static int end(struct cli *cli, const struct ike_row_filter *f, struct ike_row_ended *n)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct err_text e = {{0}};
	int r;

	if (!cli_need_root(cli, "end associations"))
		return CLI_FAILED;
	r = cli_open_service(cli, "keyd", &keyd, &e);
	if (r == 0)
		r = ike_end(keyd, f, n, &e);
	return r < 0 ? cli_fail(cli, "%s", e.s) : CLI_OK;
}

static int flush_sa(const struct racoonctl *x, int argc, char **argv)
{
	struct ike_row_filter f = {.sas = true, .children = true};
	struct ike_row_ended n;
	bool isakmp;

	if (argc > 2 || (argc == 2 && !racoonctl_parse_kind(argv[1], &isakmp, &f.proto)))
		return cli_fail(x->cli, "flush-sa takes one of isakmp, esp, ah and ipsec.");
	if (argc == 2) {
		f.sas = isakmp;
		f.children = !isakmp;
	}
	return end(x->cli, &f, &n);
}

static int delete_sa(const struct racoonctl *x, int argc, char **argv)
{
	struct racoonctl_sa sa;
	struct err_text e = {{0}};
	struct ike_row_filter f = {0};
	struct ike_row_ended n;
	int code;

	if (racoonctl_parse_sa(argc - 1, argv + 1, &sa, &e) < 0)
		return cli_fail(x->cli, "%s.", e.s);
	f.sas = sa.proto == IPSEC_PROTO_NONE;
	f.children = f.has_sel = !f.sas;
	f.local = sa.src;
	f.remote = sa.dst;
	f.proto = sa.proto;
	f.sel = sa.sel;
	code = end(x->cli, &f, &n);
	if (code == CLI_OK && !n.n_sas && !n.n_children)
		return cli_fail(x->cli, "there is no such SA.");
	return code;
}

struct search {
	const struct racoonctl_sa *sa;
	struct inet_addr remote;
};

static int find_remote(const struct policy *p, void *arg)
{
	struct search *s = arg;

	if (p->dir != POLICY_OUT || p->action != POLICY_IPSEC || !p->n_requests ||
	    !selector_equal(&p->sel, &s->sa->sel))
		return 0;
	s->remote = p->req[0].dst.family != INET_NONE ? p->req[0].dst : p->sel.dst.addr;
	return 1;
}

/* With whom the policy of these addresses is. */
static int remote_of(
    struct cli *cli, const struct racoonctl_sa *sa, struct inet_addr *ret, struct err_text *e)
{
	AUTO_SYNC struct ipc_sync *policyd = NULL;
	struct search s = {.sa = sa};
	int r = cli_open_service(cli, "policyd", &policyd, e);

	if (r == 0)
		r = cli_each_policy(policyd, find_remote, &s, e);
	if (r == 0)
		return err_set(e, -ENOENT, "no outbound policy of exactly these addresses protects anything");
	*ret = s.remote;
	return r < 0 ? r : 0;
}

static int no_user(struct cli *cli)
{
	return cli_fail(cli, "-u is not taken: the user's name and password are the configuration's "
	                     "(xauth_login, and the file of pre-shared keys).");
}

static int begin(struct cli *cli, struct ike_wish *w)
{
	return cli_need_root(cli, "begin negotiations") ? ike_begin(cli, w) : CLI_FAILED;
}

static int establish_sa(const struct racoonctl *x, int argc, char **argv)
{
	struct ike_wish w = {.quiet = true};
	const char *name = NULL;
	struct racoonctl_sa sa;
	struct err_text e = {{0}};
	int option, r;

	optind = 0;
	while ((option = getopt(argc, argv, "+wn:u:")) != -1) {
		if (option == 'w')
			w.wait_ms = CONNECT_MS;
		else if (option == 'n')
			name = optarg;
		else if (option == 'u')
			return no_user(x->cli);
		else
			return cli_fail(x->cli, "establish-sa takes -w, -n REMOTE and what to establish.");
	}
	r = racoonctl_parse_sa(argc - optind, argv + optind, &sa, &e);
	w.alone = sa.proto == IPSEC_PROTO_NONE;
	w.local = sa.src;
	w.remote = sa.dst;
	w.proto = sa.proto;
	if (r == 0 && !w.alone) {
		w.only = &sa.sel;
		r = remote_of(x->cli, &sa, &w.remote, &e);
	}
	if (r == 0 && name)
		r = ike_resolve_open(x->cli, name, &w.remote, &e);
	return r < 0 ? cli_fail(x->cli, "%s.", e.s) : begin(x->cli, &w);
}

static int vpn_connect(const struct racoonctl *x, int argc, char **argv)
{
	struct ike_wish w = {.alone = true, .quiet = true, .wait_ms = CONNECT_MS};
	struct err_text e = {{0}};
	int code;

	if (argc > 1 && strcmp(argv[1], "-u") == 0)
		return no_user(x->cli);
	if (argc != 2)
		return cli_fail(x->cli, "vpn-connect takes the gateway's address or name.");
	if (ike_resolve_open(x->cli, argv[1], &w.remote, &e) < 0)
		return cli_fail(x->cli, "%s.", e.s);
	code = begin(x->cli, &w);
	if (code == CLI_OK)
		fprintf(x->cli->out, "VPN connection established\n");
	return code;
}

static int vpn_disconnect(const struct racoonctl *x, int argc, char **argv)
{
	struct ike_row_filter f = {.sas = true, .children = true};
	struct err_text e = {{0}};

	if (argc != 2)
		return cli_fail(x->cli, "vpn-disconnect takes the gateway's address or name.");
	if (!cli_need_root(x->cli, "end associations"))
		return CLI_FAILED;
	if (ike_resolve_open(x->cli, argv[1], &f.remote, &e) < 0)
		return cli_fail(x->cli, "%s.", e.s);
	return ike_finish(x->cli, &f, argv[1], true);
}

static int get_sa_cert(const struct racoonctl *x, int argc, char **argv)
{
	return cli_fail(x->cli,
	    "get-sa-cert is not provided: keyd keeps no certificate once the peer has proved "
	    "who it is. Its identity: ipsecctl show.");
}

static int logout_user(const struct racoonctl *x, int argc, char **argv)
{
	return cli_fail(x->cli, "logout-user is not provided. What a peer has is ended by its address: "
	                        "racoonctl vpn-disconnect ADDRESS.");
}

static const struct {
	const char *name, *brief;
	int (*run)(const struct racoonctl *x, int argc, char **argv);
} commands[] = {
    {"reload-config", "rc", reload_config},
    {"show-schedule", "sc", racoonctl_show_schedule},
    {"show-sa", "ss", racoonctl_show_sa},
    {"flush-sa", "fs", flush_sa},
    {"delete-sa", "ds", delete_sa},
    {"establish-sa", "es", establish_sa},
    {"get-sa-cert", "gsc", get_sa_cert},
    {"vpn-connect", "vc", vpn_connect},
    {"vpn-disconnect", "vd", vpn_disconnect},
    {"show-event", "se", racoonctl_show_event},
    {"logout-user", "lu", logout_user},
};

static int usage(struct cli *cli)
{
	fprintf(cli->err, "usage: racoonctl [-l [-l]] COMMAND [WORDS]\ncommands:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(cli->err, "%s %s (%s)", i ? "," : "", commands[i].name, commands[i].brief);
	fprintf(cli->err, "\nracoonctl(8) describes them.\n");
	return CLI_FAILED;
}

int racoonctl_main(struct cli *cli, int argc, char **argv)
{
	struct racoonctl x = {.cli = cli};
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt(argc, argv, "+dls:")) != -1) {
		if (option == 'l')
			x.detail++;
		else if (option == 's')
			fprintf(cli->err, "%s: warning: -s is ignored: --run-dir says which suite is meant\n",
			    cli->prog);
		else if (option == 'd')
			fprintf(
			    cli->err, "%s: warning: -d is ignored: there is no request to dump\n", cli->prog);
		else
			return usage(cli);
	}
	argc -= optind;
	argv += optind;
	for (size_t i = 0; argc && i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0 || strcmp(argv[0], commands[i].brief) == 0)
			return commands[i].run(&x, argc, argv);
	return usage(cli);
}
