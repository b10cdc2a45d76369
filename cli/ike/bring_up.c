/*
 * An IKE SA first, then the SAs of every outbound policy that has the peer at its other end, one after the
 * other: what goes wrong is told for each.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/ike/ike.h"
#include "cli/rows.h"

struct bring_up {
	struct cli *cli;
	const struct ike_wish *w;
	struct inet_addr local;
	uint64_t until_ms;
	struct policy *list; /* that have the peer at their other end */
	size_t n, room;
};

/* The address from which packets to the peer leave. */
static int local_of(const struct inet_addr *remote, struct inet_addr *ret)
{
	AUTO_CLOSE int fd =
	    socket(remote->family == INET_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sa;
	socklen_t n = inet_addr_to_sockaddr(remote, IKE_PORT, &sa);
	uint16_t port;

	/* Nothing is sent: connecting looks up the route. */
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, n) < 0)
		return -errno;
	n = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		return -errno;
	return inet_addr_from_sockaddr((const struct sockaddr *)&sa, ret, &port);
}

/* The two ends of a policy's outermost request; without ends the hosts that it names. False: there is no one
 * other end. */
static bool ends_of(const struct policy *p, struct inet_addr *local, struct inet_addr *remote)
{
	const struct policy_request *r = &p->req[p->n_requests - 1];

	if (p->dir != POLICY_OUT || p->action != POLICY_IPSEC)
		return false;
	if (r->src.family != INET_NONE) {
		*local = r->src;
		*remote = r->dst;
		return true;
	}
	*local = p->sel.src.addr;
	*remote = p->sel.dst.addr;
	return inet_prefix_is_host(&p->sel.src) && inet_prefix_is_host(&p->sel.dst);
}

static int collect(const struct policy *p, void *arg)
{
	struct bring_up *b = arg;
	struct inet_addr local, remote;

	if (!p->n_requests || !ends_of(p, &local, &remote) ||
	    (b->w->remote.family != INET_NONE && !inet_addr_equal(&remote, &b->w->remote)) ||
	    (b->w->local.family != INET_NONE && !inet_addr_equal(&local, &b->w->local)) ||
	    (b->w->only && !selector_equal(b->w->only, &p->sel)))
		return 0;
	if (b->n == b->room) {
		size_t room = b->room ? 2 * b->room : 16;
		struct policy *more = reallocarray(b->list, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		b->list = more;
		b->room = room;
	}
	b->list[b->n++] = *p;
	return 0;
}

static int collect_all(struct bring_up *b)
{
	AUTO_SYNC struct ipc_sync *policyd = NULL;
	struct err_text e = {""};
	int r = cli_open_policyd(b->cli, &policyd);

	if (r < 0)
		return CLI_FAILED;
	r = cli_each_policy(policyd, collect, b, &e);
	return r < 0 ? cli_fail(b->cli, "the policies cannot be read: %s", e.s[0] ? e.s : err_name(r))
	             : CLI_OK;
}

/* What the time was not enough for. */
static int too_late(struct bring_up *b, const struct inet_addr *remote, const char *what)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	AUTO_IKE_ROWS struct ike_rows rows = {0};
	char buf[INET_ADDR_STRLEN], span[IKE_SPAN_MAX];
	struct err_text e = {""};
	const struct ike_sa_view *at = NULL;

	inet_addr_format(remote, buf);
	ike_span(b->w->timeout_ms, span);
	if (ike_open(b->cli, &keyd) < 0 || ike_fetch(keyd, &rows, &e) < 0)
		return CLI_FAILED;
	for (uint32_t i = 0; i < rows.n_sas; i++)
		if (inet_addr_equal(&rows.sa[i].remote, remote))
			at = &rows.sa[i];
	for (uint32_t i = 0; at && at->state == IKE_VIEW_ESTABLISHED && i < rows.n_children; i++)
		if (inet_addr_equal(&rows.child[i].remote, remote) &&
		    rows.child[i].state == IKE_VIEW_NEGOTIATING)
			return cli_fail(b->cli, "%s with %s is not up after %s: %s. It goes on.", what, buf,
			    span, rows.child[i].step);
	return cli_fail(b->cli, "%s with %s is not up after %s: %s%s%s. It goes on.", what, buf, span,
	    at ? at->step : "its negotiation has ended",
	    at && at->trouble[0] ? "; what went wrong last: " : "", at ? at->trouble : "");
}

/* One request, on a connection of its own: an answer that comes too late disturbs nobody. */
static int up_one(struct bring_up *b, const struct inet_addr *local, const struct inet_addr *remote,
    const struct policy *p, const char *what)
{
	uint64_t now = clock_now_ms(&clock_boottime);
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	char buf[INET_ADDR_STRLEN];
	struct err_text e = {""};
	bool already = false;
	int r = now < b->until_ms ? 0 : -ETIME;

	if (r == 0 && ike_open(b->cli, &keyd) < 0)
		return CLI_FAILED;
	if (r == 0)
		r = ike_up(
		    keyd, local, remote, p, b->w->no_wait ? 0 : (uint32_t)(b->until_ms - now), &already, &e);
	if (r == -ETIME)
		return too_late(b, remote, what);
	inet_addr_format(remote, buf);
	if (r < 0)
		return cli_fail(b->cli, "%s with %s does not come up: %s", what, buf, e.s);
	fprintf(b->cli->out, "%s with %s %s\n", what, buf,
	    already         ? "was up"
	    : b->w->no_wait ? "is begun"
	                    : "is up");
	fflush(b->cli->out);
	return CLI_OK;
}

static int up_policy(struct bring_up *b, const struct policy *p)
{
	char what[2 * INET_PREFIX_STRLEN + 40], src[INET_PREFIX_STRLEN], dst[INET_PREFIX_STRLEN];
	struct inet_addr local, remote;

	(void)ends_of(p, &local, &remote);
	snprintf(what, sizeof(what), "%s/%s %s -> %s", ipsec_proto_name(p->req[0].proto),
	    ipsec_mode_name(p->req[0].mode), inet_prefix_format(&p->sel.src, src),
	    inet_prefix_format(&p->sel.dst, dst));
	return up_one(b, &local, &remote, p, what);
}

static int up_policies(struct bring_up *b)
{
	char buf[INET_ADDR_STRLEN];
	int code = collect_all(b);

	if (code != CLI_OK)
		return code;
	if (!b->n && b->w->only)
		return cli_fail(b->cli, "no outbound policy has this selector and protects what it says.");
	inet_addr_format(&b->w->remote, buf);
	if (!b->n)
		fprintf(b->cli->out, "no outbound policy has %s at its other end: no child SAs are wanted\n",
		    buf);
	for (size_t i = 0; i < b->n; i++)
		code |= up_policy(b, &b->list[i]);
	return code;
}

int ike_bring_up(struct cli *cli, const struct ike_wish *w)
{
	struct bring_up b = {
	    .cli = cli, .w = w, .local = w->local, .until_ms = clock_now_ms(&clock_boottime) + w->timeout_ms};
	char buf[INET_ADDR_STRLEN];
	int code, r;

	if (w->local.family == INET_NONE && w->remote.family != INET_NONE) {
		r = local_of(&w->remote, &b.local);
		if (r < 0)
			return cli_fail(cli, "there is no way to %s: %s.", inet_addr_format(&w->remote, buf),
			    err_name(r));
	}
	code = w->remote.family == INET_NONE ? CLI_OK : up_one(&b, &b.local, &w->remote, NULL, "IKE SA");
	if (code == CLI_OK && !w->only_sa)
		code = up_policies(&b);
	free(b.list);
	return code;
}
