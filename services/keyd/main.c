/*
 * postern-keyd: IKE. The protocol is in core/ and ike1/; here is what connects it to the world.
 */
#include <errno.h>
#include <seccomp.h>

#include "base/rng.h"
#include "keyd/keep/keep.h"
#include "keyd/io/sockets.h"
#include "keyd/keyd.h"

/* The arena of secrets, what OpenSSL locks, and what outlives this process. */
enum { MEMLOCK = CORE_ARENA + (2 << 20) + KEEP_SEGMENTS_MAX * SLOTS_BYTES };

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
	int r = keyd_keep(k, e);
	const struct core_def def = {
	    .ports = keyd_ports(k), .keep = k->keep, .clock = service_clock(s), .rng = &rng_kernel};

	if (r < 0)
		return r;
	hooks_late_init(&k->hooks_late);
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
	core_restore(k->core);
	return 0;
}

static void stop(struct service *s)
{
	struct keyd *k = keyd_of(s);

	k->holder = NULL; /* a restart of this service is not the end of the configuration */
	if (k->core)
		core_shutdown(k->core);
	if (k->hooks_late.n)
		log_warning("hook.lost", "%u scripts are not run: hooks has not come back", k->hooks_late.n);
	hooks_late_fini(&k->hooks_late);
}

int main(int argc, char **argv)
{
	static const int syscalls[] = {
	    /* keeping the configuration in a memory file */
	    SCMP_SYS(memfd_create),
	    SCMP_SYS(pread64),
	    /* and SAs in secret memory */
	    SCMP_SYS(memfd_secret),
	    SCMP_SYS(ftruncate),
	    SCMP_SYS(fstatfs),
	    SCMP_SYS(mlock),
	    SCMP_SYS(mlock2),
	};
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
