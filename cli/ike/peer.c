/*
 * Whom an administrator means.
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli/ike/ike.h"

static int look_up(
    const char *peer, struct inet_addr *ret, const struct err_text *no_remote, struct err_text *e)
{
	const struct addrinfo want = {.ai_socktype = SOCK_DGRAM};
	struct addrinfo *found = NULL;
	uint16_t port;
	int r = getaddrinfo(peer, NULL, &want, &found), code;

	if (r != 0)
		return err_set(e, -ENOENT, "%.200s: %s, and no host has this name (%s)", peer, no_remote->s,
		    gai_strerror(r));
	code = inet_addr_from_sockaddr(found->ai_addr, ret, &port);
	freeaddrinfo(found);
	return code < 0 ? err_set(e, code, "%.200s has no address of a kind that is known here", peer) : 0;
}

int ike_resolve(struct ipc_sync *keyd, const char *peer, struct inet_addr *ret, struct err_text *e)
{
	struct err_text why = {{0}};
	int r;

	if (inet_addr_parse(peer, ret) == 0)
		return 0;
	r = ike_find(keyd, peer, ret, &why);
	if (r == -ENOENT)
		return look_up(peer, ret, &why, e);
	if (r < 0)
		return err_set(e, r, "%s", why.s);
	if (ret->family == INET_NONE)
		return err_set(
		    e, -EINVAL, "the remote `%.200s` is for any address: say the peer's address", peer);
	return 0;
}

int ike_resolve_open(struct cli *cli, const char *peer, struct inet_addr *ret, struct err_text *e)
{
	AUTO_SYNC struct ipc_sync *keyd = NULL;
	int r = cli_open_service(cli, "keyd", &keyd, e);

	return r < 0 ? r : ike_resolve(keyd, peer, ret, e);
}

int ike_local_for(const struct inet_addr *remote, struct inet_addr *ret, struct err_text *e)
{
	struct sockaddr_storage to, from;
	socklen_t n = inet_addr_to_sockaddr(remote, IKE_PORT, &to), got = sizeof(from);
	AUTO_CLOSE int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char a[INET_ADDR_STRLEN];
	uint16_t port;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, n) < 0 ||
	    getsockname(fd, (struct sockaddr *)&from, &got) < 0)
		return err_set(e, -errno, "this host has no way to %s: %s", inet_addr_format(remote, a),
		    err_name(-errno));
	return inet_addr_from_sockaddr((const struct sockaddr *)&from, ret, &port);
}

bool ike_policy_is_with(const struct policy *p, const struct inet_addr *remote, struct inet_addr *ret_local)
{
	bool inside = false;

	*ret_local = (struct inet_addr){0};
	if (p->dir != POLICY_OUT || p->action != POLICY_IPSEC || !p->n_requests)
		return false;
	for (uint8_t i = 0; i < p->n_requests; i++) {
		const struct policy_request *q = &p->req[i];

		if (q->dst.family != INET_NONE) {
			if (!inet_addr_equal(&q->dst, remote))
				return false;
			*ret_local = q->src;
		} else if (!inside && !inet_prefix_contains(&p->sel.dst, remote)) {
			return false;
		}
		inside |= q->mode == IPSEC_TUNNEL;
	}
	return true;
}
