/*
 * The supervisor stays root because it must start services as root, which open what only root can and then
 * drop to their own users. It keeps exactly the capabilities that takes. Its bounding set equals its
 * permitted set: an exec then gains nothing, and so no_new_privs can be on for it and for everything it
 * starts.
 */
#include "supervisor/privs.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/auto.h"

/* Each with its reason. */
static const cap_value_t kept[] = {
    CAP_CHOWN,        /* sockets and state folders belong to groups and services */
    CAP_FOWNER,       /* modes of state folders that already belong to a service */
    CAP_DAC_OVERRIDE, /* state folders are 0700 */
    CAP_KILL,         /* children run as other users; also lets the kernel deliver our death to them */
    CAP_SETUID,       /* the drop of a service */
    CAP_SETGID, CAP_SETPCAP,
    CAP_NET_ADMIN,        /* TUN, marked sockets, policyd's rules and the final withdrawal */
    CAP_NET_RAW,          /* raw ESP and AH sockets */
    CAP_NET_BIND_SERVICE, /* keyd's port 500 */
    CAP_IPC_LOCK,         /* locked key memory */
    CAP_SYS_RESOURCE,     /* limits of locked memory */
};

static void free_cap(cap_t *c)
{
	if (*c)
		cap_free(*c);
}

/* Of the list above, what this process has: a container may hold some back, and the service that needs it
 * will say so. */
static int keep_permitted(struct err_text *e)
{
	AUTO(free_cap) cap_t now = cap_get_proc();
	AUTO(free_cap) cap_t then = cap_init();

	if (!now || !then)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (cap_get_flag(now, kept[i], CAP_PERMITTED, &has) || has == CAP_CLEAR)
			continue;
		if (cap_set_flag(then, CAP_PERMITTED, 1, &kept[i], CAP_SET) ||
		    cap_set_flag(then, CAP_EFFECTIVE, 1, &kept[i], CAP_SET))
			return err_set(e, -errno, "capabilities: %s", err_name(errno));
	}
	/* The bounding set follows the permitted set, while CAP_SETPCAP is still effective. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (!cap_get_flag(then, cap, CAP_PERMITTED, &has) && has == CAP_SET)
			continue;
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return err_set(e, -errno, "cannot take capability %d out of the bounding set: %s",
			    cap, err_name(errno));
	}
	if (cap_set_proc(then))
		return err_set(e, -errno, "cannot reduce the capabilities: %s", err_name(errno));
	return 0;
}

int privs_reduce(struct err_text *e)
{
	const struct rlimit none = {0, 0};
	struct rlimit files;
	int r;

	if (geteuid() != 0)
		return err_set(e, -EPERM, "postern-supervisor must be started by root");
	r = keep_permitted(e);
	if (r)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    setrlimit(RLIMIT_CORE, &none))
		return err_set(e, -errno, "cannot give up privileges: %s", err_name(errno));
	/* The store alone may hold some 260 descriptors, and every service inherits its own. */
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < 4096) {
		files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return 0;
}
