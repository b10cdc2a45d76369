/*
 * Policies come from policyd, and go to keyd as they are: which of them are with a peer is written in their
 * requests, and policyd is asked again for each of them before anything is made.
 */
#include "cli/ike/begin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

enum { POLICIES_MAX = 1024 };

struct begin {
	struct cli *cli;
	const struct ike_wish *w;
	struct ipc_sync *keyd;
	uint64_t until_ms;
	struct policy *policy;
	size_t n;
	bool too_many;
};

static uint64_t now_ms(void)
{
	return clock_now_ms(&clock_boottime);
}

/* What is left of the time; one at least, so that what is up already is found. */
static uint32_t left_ms(const struct begin *b)
{
	uint64_t now = now_ms();

	if (!b->w->wait_ms)
		return 0;
	return b->until_ms > now ? (uint32_t)(b->until_ms - now) : 1;
}

static int print(void *arg, const struct ike_row *row)
{
	const struct begin *b = arg;

	if (b->w->quiet)
		return 0;
	if (row->sa)
		ike_print_sa(b->cli->out, row->sa);
	else if (row->child)
		ike_print_child(b->cli->out, row->child, NULL, 0);
	return 0;
}

static int collect(const struct policy *p, void *arg)
{
	struct begin *b = arg;
	struct inet_addr local;

	if (!ike_policy_is_with(p, &b->w->remote, &local) ||
	    (b->w->only && !selector_equal(b->w->only, &p->sel)) ||
	    (b->w->proto && p->req[0].proto != b->w->proto))
		return 0;
	if (b->n == POLICIES_MAX)
		b->too_many = true;
	else
		b->policy[b->n++] = *p;
	return 0;
}

static int read_policies(struct begin *b, struct err_text *e)
{
	AUTO_SYNC struct ipc_sync *policyd = NULL;
	int r = cli_open_service(b->cli, "policyd", &policyd, e);

	b->policy = calloc(POLICIES_MAX, sizeof(*b->policy));
	if (!b->policy)
		return err_set(e, -ENOMEM, "out of memory");
	return r < 0 ? r : cli_each_policy(policyd, collect, b, e);
}

static int one(struct begin *b, const struct inet_addr *local, const struct policy *p)
{
	char a[INET_ADDR_STRLEN], src[INET_PREFIX_STRLEN], dst[INET_PREFIX_STRLEN];
	struct err_text e = {{0}};

	if (ike_up(b->keyd, local, &b->w->remote, p, left_ms(b), print, b, &e) >= 0)
		return CLI_OK;
	inet_addr_format(&b->w->remote, a);
	if (p)
		return cli_fail(b->cli, "%s: %s -> %s (policy %u): %s", a,
		    inet_prefix_format(&p->sel.src, src), inet_prefix_format(&p->sel.dst, dst), p->id, e.s);
	return cli_fail(b->cli, "%s: %s", a, e.s);
}

static int policies(struct begin *b, const struct inet_addr *local)
{
	int code = CLI_OK;

	for (size_t i = 0; i < b->n; i++) {
		struct inet_addr mine;

		(void)ike_policy_is_with(&b->policy[i], &b->w->remote, &mine);
		if (one(b, mine.family != INET_NONE ? &mine : local, &b->policy[i]) != CLI_OK)
			code = CLI_FAILED;
	}
	if (b->too_many)
		code = cli_fail(b->cli, "more than %d policies are with this peer: the rest was left alone",
		    POLICIES_MAX);
	if (!b->n && b->w->only)
		code = cli_fail(b->cli, "no outbound policy has these addresses and is with this peer");
	else if (!b->n && !b->w->quiet)
		fprintf(b->cli->out, "    no policy is with this peer\n");
	return code;
}

/* Tunnels of policies say from where. */
static int local_of(const struct begin *b, struct inet_addr *ret, struct err_text *e)
{
	struct inet_addr local = b->w->local;

	for (size_t i = 0; local.family == INET_NONE && i < b->n; i++)
		(void)ike_policy_is_with(&b->policy[i], &b->w->remote, &local);
	*ret = local;
	return local.family != INET_NONE ? 0 : ike_local_for(&b->w->remote, ret, e);
}

int ike_begin(struct cli *cli, const struct ike_wish *w)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	struct begin b = {.cli = cli, .w = w, .until_ms = now_ms() + w->wait_ms};
	struct err_text e = {{0}};
	struct inet_addr local;
	int r = cli_open_service(cli, "keyd", &keyd, &e), code;

	b.keyd = keyd;
	if (r == 0)
		r = read_policies(&b, &e);
	if (r == 0)
		r = local_of(&b, &local, &e);
	if (r < 0) {
		code = cli_fail(cli, "%s", e.s);
	} else {
		/* Without waiting the policy's negotiation brings the IKE SA with it. */
		code = w->alone || w->wait_ms ? one(&b, &local, NULL) : CLI_OK;
		if (code == CLI_OK && !w->alone)
			code = policies(&b, &local);
	}
	free(b.policy);
	return code;
}
