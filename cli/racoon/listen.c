#include "cli/racoon/listen.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/auto.h"

/* Whether a socket can have it; another family than this host's has no addresses either. */
static bool is_here(const struct inet_addr *a)
{
	AUTO_CLOSE int fd = socket(a->family == INET_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sa;
	socklen_t n = inet_addr_to_sockaddr(a, 0, &sa);

	return fd >= 0 && bind(fd, (const struct sockaddr *)&sa, n) == 0;
}

void racoon_listen_family(struct ike_conf *c, enum inet_family family)
{
	if (family != INET_NONE && !c->n_listen)
		c->listen[c->n_listen++] = (struct ike_listen){.addr = {.family = family}, .port = IKE_PORT};
}

int racoon_check_listen(struct cli *cli, const struct ike_conf *c)
{
	char buf[INET_ADDR_STRLEN];
	int code = CLI_OK;

	for (uint8_t i = 0; i < c->n_listen; i++) {
		const struct inet_addr *a = &c->listen[i].addr;

		if (inet_addr_is_any(a) || is_here(a))
			continue;
		if (c->strict_address)
			code = cli_fail(cli,
			    "listen names %s, which is no address of this host, and strict_address is set.",
			    inet_addr_format(a, buf));
		else
			fprintf(cli->err,
			    "%s: WARNING: listen names %s, which is no address of this host now.\n",
			    cli->prog, inet_addr_format(a, buf));
	}
	return code;
}
