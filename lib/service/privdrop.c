/*
 * The order matters: the bounding set and securebits need CAP_SETPCAP, which only root has here, and
 * setresuid() would take the capabilities along if KEEPCAPS were not on. Everything that was asked for is
 * read back from the kernel, because a drop that failed quietly is worse than none.
 */
#include "service/privdrop.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/auto.h"

static const unsigned long securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                        SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                        SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

static void free_cap(cap_t *c)
{
	if (*c)
		cap_free(*c);
}

static bool keeps(const struct privdrop *to, int cap)
{
	for (size_t i = 0; i < to->n_caps; i++) {
		if (to->caps[i] == cap)
			return true;
	}
	return false;
}

static int drop_bounding(const struct privdrop *to, struct err_text *e)
{
	/* The kernel may know more capabilities than the library: ask it until it has no more. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (!keeps(to, cap) && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return err_set(e, -errno, "cannot take capability %d out of the bounding set: %s",
			    cap, err_name(errno));
	}
	return 0;
}

static int change_ids(const struct privdrop *to, struct err_text *e)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return err_set(e, -errno, "PR_SET_KEEPCAPS: %s", err_name(errno));
	if (setgroups(0, NULL))
		return err_set(e, -errno, "cannot leave the supplementary groups: %s", err_name(errno));
	if (setresgid(to->gid, to->gid, to->gid))
		return err_set(e, -errno, "cannot become group %u: %s", to->gid, err_name(errno));
	if (setresuid(to->uid, to->uid, to->uid))
		return err_set(e, -errno, "cannot become user %u: %s", to->uid, err_name(errno));
	return 0;
}

/* Permitted and effective become exactly `list`; inheritable empty. */
static int set_caps(const int *list, size_t n, struct err_text *e)
{
	AUTO(free_cap) cap_t c = cap_init();
	cap_value_t v[CAP_LAST_CAP + 1];

	if (!c || n > ARRAY_SIZE(v))
		return err_set(e, -ENOMEM, "out of memory while dropping capabilities");
	for (size_t i = 0; i < n; i++)
		v[i] = list[i];
	if (n && (cap_set_flag(c, CAP_PERMITTED, (int)n, v, CAP_SET) ||
	             cap_set_flag(c, CAP_EFFECTIVE, (int)n, v, CAP_SET)))
		return err_set(e, -errno, "cannot describe the capabilities to keep: %s", err_name(errno));
	if (cap_set_proc(c))
		return err_set(e, -errno,
		    "cannot set the capabilities to keep: %s; does the container or unit allow them?",
		    err_name(errno));
	return 0;
}

static int reduce_caps(const struct privdrop *to, struct err_text *e)
{
	int with_setpcap[CAP_LAST_CAP + 1];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < to->n_caps && n < ARRAY_SIZE(with_setpcap) - 1; i++)
		with_setpcap[n++] = to->caps[i];
	if (!keeps(to, CAP_SETPCAP))
		with_setpcap[n++] = CAP_SETPCAP;
	/* setresuid() emptied the effective set; the next two steps need one of it. */
	r = set_caps(with_setpcap, n, e);
	if (r)
		return r;
	r = drop_bounding(to, e);
	if (r)
		return r;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return err_set(e, -errno, "cannot empty the ambient set: %s", err_name(errno));
	/* Also takes KEEP_CAPS back. */
	if (prctl(PR_SET_SECUREBITS, securebits, 0, 0, 0))
		return err_set(e, -errno, "cannot lock the secure bits: %s", err_name(errno));
	return set_caps(to->caps, to->n_caps, e);
}

/* What does not outlive an exec. */
static int close_own_doors(pid_t parent, struct err_text *e)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_set(e, -errno, "PR_SET_DUMPABLE: %s", err_name(errno));
	/* A service must not go on working under a launcher that is gone: its store is gone with it. The
	 * change of ids disarmed what the supervisor had armed. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return err_set(e, -errno, "PR_SET_PDEATHSIG: %s", err_name(errno));
	if (getppid() != parent)
		return err_set(e, -EPIPE, "the launcher ended while this service was starting");
	return 0;
}

static int close_doors(pid_t parent, struct err_text *e)
{
	const struct rlimit none = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(e, -errno, "PR_SET_NO_NEW_PRIVS: %s", err_name(errno));
	if (setrlimit(RLIMIT_CORE, &none))
		return err_set(e, -errno, "cannot forbid core dumps: %s", err_name(errno));
	return close_own_doors(parent, e);
}

static int verify_caps(const struct privdrop *to, struct err_text *e)
{
	AUTO(free_cap) cap_t c = cap_get_proc();

	if (!c)
		return err_set(e, -errno, "cannot read the capabilities back: %s", err_name(errno));
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		cap_flag_value_t want = keeps(to, cap) ? CAP_SET : CAP_CLEAR, v[3];

		/* Beyond the library's knowledge only the bounding and ambient sets can be asked for;
		 * cap_set_proc() cleared the rest. */
		if (cap_get_flag(c, cap, CAP_PERMITTED, &v[0]) ||
		    cap_get_flag(c, cap, CAP_EFFECTIVE, &v[1]) ||
		    cap_get_flag(c, cap, CAP_INHERITABLE, &v[2])) {
			v[0] = v[1] = want;
			v[2] = CAP_CLEAR;
		}
		if (v[0] != want || v[1] != want || v[2] != CAP_CLEAR ||
		    (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) > (want == CAP_SET) ||
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) > 0)
			return err_set(e, -EPERM, "capability %d is not as it should be after the drop", cap);
	}
	return 0;
}

static int verify(const struct privdrop *to, struct err_text *e)
{
	uid_t ru, eu, su;
	gid_t rg, eg, sg;
	struct rlimit core;

	if (getresuid(&ru, &eu, &su) || ru != to->uid || eu != to->uid || su != to->uid ||
	    getresgid(&rg, &eg, &sg) || rg != to->gid || eg != to->gid || sg != to->gid ||
	    getgroups(0, NULL) != 0)
		return err_set(
		    e, -EPERM, "the ids did not change to %u:%u without further groups", to->uid, to->gid);
	if (!setresuid((uid_t)-1, 0, (uid_t)-1) || !setresgid((gid_t)-1, 0, (gid_t)-1))
		return err_set(e, -EPERM, "root could be regained after the drop");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != (int)securebits || getrlimit(RLIMIT_CORE, &core) ||
	    core.rlim_max)
		return err_set(
		    e, -EPERM, "no-new-privileges, undumpable, secure bits or the core limit did not stay");
	return verify_caps(to, e);
}

static int not_root(struct err_text *e)
{
	return err_set(e, -EPERM,
	    "start this service as root, by postern-supervisor or its systemd unit; unless root is what it "
	    "needs it drops to its own user itself");
}

int privdrop_stay_root(struct err_text *e)
{
	return geteuid() == 0 ? close_own_doors(getppid(), e) : not_root(e);
}

int privdrop(const struct privdrop *to, struct err_text *e)
{
	pid_t parent = getppid();
	int r;

	if (geteuid() != 0)
		return not_root(e);
	if (!to->uid || !to->gid)
		return err_set(e, -EINVAL, "a service must not stay root");
	r = change_ids(to, e);
	if (!r)
		r = reduce_caps(to, e);
	if (!r)
		r = close_doors(parent, e);
	if (!r)
		r = verify(to, e);
	return r;
}
