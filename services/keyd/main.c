/*
 * postern-keyd: IKE. The protocol is in core/ and ike1/; here is what connects it to the world.
 */
#include <errno.h>
#include <seccomp.h>

#include "base/rng.h"
#include "keyd/io/sockets.h"
#include "keyd/keyd.h"

enum { MEMLOCK = 6 << 20 /* the arena of secrets, and what OpenSSL locks */ };

static int open_privileged(struct service *s, struct err_text *e)
{
	static struct keyd k = {.udp4 = -1, .udp6 = -1};

	k.service = s;
	service_set_data(s, &k);
	return keyd_open_privileged(s, e);
}

static int start(struct service *s, struct err_text *e)
{
	struct keyd *k = keyd_of(s);
	const struct core_def def = {.ports = keyd_ports(k), .clock = service_clock(s), .rng = &rng_kernel};
	int r;

	k->core = core_new(&def);
	if (!k->core)
		return err_set(e, -ENOMEM, "out of memory");
	r = sockets_new(k, &k->sockets, e);
	if (r == 0)
		r = keyd_connect(k, e);
	if (r < 0)
		return r;
	service_set_state(s, "no configuration is loaded: nobody is answered");
	keyd_restore(k);
	return 0;
}

static void stop(struct service *s)
{
	struct keyd *k = keyd_of(s);

	k->holder = NULL; /* a restart of this service is not the end of the configuration */
	if (k->core)
		core_shutdown(k->core);
}

int main(int argc, char **argv)
{
	/* Keeping the configuration in a memory file. */
	static const int syscalls[] = {SCMP_SYS(memfd_create), SCMP_SYS(pread64)};
	const struct service_def def = {
	    .name = "keyd",
	    .syscalls = syscalls,
	    .n_syscalls = ARRAY_SIZE(syscalls),
	    .memlock_bytes = MEMLOCK,
	    .open_privileged = open_privileged,
	    .start = start,
	    .stop = stop,
	    .admin_rules = keyd_admin_rules,
	    .n_admin_rules = keyd_n_admin_rules,
	    .admin_on_close = keyd_admin_on_close,
	    .status = keyd_status,
	    .stats = keyd_stats,
	};

	return service_main(&def, argc, argv);
}
