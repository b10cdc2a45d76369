/*
 * The phases that need root or end it: who everybody is, what must be opened now or never, and the walls.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "service/sandbox.h"
#include "service/service_priv.h"

enum { STATE_FILES_MAX = 1000, DIRS_MAX = 16 };

static const struct service_known suite[SERVICE_KNOWN_MAX] = {
    {.name = "policyd", .role = IPC_ROLE_POLICYD}, {.name = "datapathd", .role = IPC_ROLE_DATAPATHD},
    {.name = "keyd", .role = IPC_ROLE_KEYD}, {.name = "certd", .role = IPC_ROLE_CERTD},
    {.name = "certd-verify"}, {.name = "hooks", .exists = true}, /* as root */
};

/* A group that does not exist is no error: then only root reads. */
static void resolve_admin_group(struct service *s)
{
	struct group gr, *found = NULL;
	char buf[16384];

	s->has_admin_gid =
	    !getgrnam_r(s->settings.admin_group, &gr, buf, sizeof(buf), &found) && found && found->gr_gid;
	if (s->has_admin_gid)
		s->admin_gid = found->gr_gid;
}

int service_resolve_ids(struct service *s, struct err_text *e)
{
	for (size_t i = 0; i < SERVICE_KNOWN_MAX; i++) {
		struct service_known *k = &s->known[i];

		*k = suite[i];
		if (!k->exists)
			k->exists = settings_peer_ids(&s->settings, k->name, &k->uid, &k->gid);
	}
	resolve_admin_group(s);
	if (s->def->stays_root)
		return 0;
	if (!settings_peer_ids(&s->settings, s->def->name, &s->uid, &s->gid))
		return err_set(e, -ENOENT,
		    "there is no user postern-%s: make it (systemd-sysusers postern.conf), or pass --peer "
		    "%s=UID:GID",
		    s->def->name, s->def->name);
	return 0;
}

uint32_t service_roles_of(void *owner, uid_t uid, gid_t gid, pid_t pid)
{
	const struct service *s = owner;
	uint32_t roles = uid ? 0 : IPC_ROLE_ROOT | IPC_ROLE_ADMIN;

	if (s->has_admin_gid && gid == s->admin_gid)
		roles |= IPC_ROLE_ADMIN;
	for (size_t i = 0; i < SERVICE_KNOWN_MAX; i++) {
		if (s->known[i].exists && s->known[i].uid == uid)
			roles |= s->known[i].role;
	}
	return roles;
}

static const char *dir_path(const struct service *s, const struct service_dir *d, char *buf, size_t n)
{
	if (!strcmp(d->path, "@state"))
		snprintf(buf, n, "%s/%s", s->settings.state_dir, s->def->name);
	else
		snprintf(buf, n, "%s", d->path);
	return buf;
}

/*
 * Files of an earlier life under other ids (dynamic ids may change between boots) are given to the present
 * one. Only plain files with a single name: that owner could have linked in somebody else's.
 */
static void adopt_files(int dir, uid_t uid, gid_t gid)
{
	int copy = dup(dir);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *x;

	if (!d) {
		if (copy >= 0)
			close(copy);
		return;
	}
	for (size_t n = 0; n < STATE_FILES_MAX && (x = readdir(d));) {
		AUTO_CLOSE int fd =
		    openat(dir, x->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		struct stat st;

		if (x->d_name[0] == '.' || fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
		    st.st_nlink != 1)
			continue;
		if (st.st_uid != uid && fchown(fd, uid, gid))
			log_warning(
			    "state.adopt", "cannot give %s to the service: %s", x->d_name, err_name(errno));
		n++;
	}
	closedir(d);
}

static int make_state_dir(const struct service *s, const char *path, struct err_text *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (mkdir(s->settings.state_dir, 0755) && errno != EEXIST)
		return err_set(
		    e, -errno, "cannot make the state folder %s: %s", s->settings.state_dir, err_name(errno));
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_set(e, -errno, "cannot make the state folder %s: %s", path, err_name(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return err_set(e, -errno, "cannot open the state folder %s: %s", path, err_name(errno));
	if (st.st_uid == s->uid && st.st_gid == s->gid && (st.st_mode & 07777) == 0700)
		return 0;
	if (fchown(fd, s->uid, s->gid) || fchmod(fd, 0700))
		return err_set(
		    e, -errno, "cannot give the state folder %s to the service: %s", path, err_name(errno));
	adopt_files(fd, s->uid, s->gid);
	return 0;
}

/* A container may not let us raise a limit. Then what there is has to do: who runs out of it says so by
 * name. `stays`: what it means, with two numbers and a reason. */
static void raise_limit(int which, uint64_t wanted, const char *event, const char *stays, const char *hint)
{
	struct rlimit now;
	rlim_t max;
	int problem;

	if (!wanted || getrlimit(which, &now) || now.rlim_cur >= wanted)
		return;
	max = now.rlim_max > wanted ? now.rlim_max : wanted;
	if (!setrlimit(which, &(struct rlimit){.rlim_cur = wanted, .rlim_max = max}))
		return;
	problem = errno;
	setrlimit(which, &(struct rlimit){.rlim_cur = now.rlim_max, .rlim_max = now.rlim_max});
	log_warning(event, "%s at %llu of %llu wanted: %s; %s", stays, (unsigned long long)now.rlim_max,
	    (unsigned long long)wanted, err_name(problem), hint);
}

static void raise_limits(const struct service_def *def)
{
	raise_limit(RLIMIT_MEMLOCK, def->memlock_bytes, "limit.memlock", "octets of locked memory stay",
	    "fewer keys fit; set LimitMEMLOCK= or ulimit -l in the launcher");
	raise_limit(RLIMIT_NOFILE, def->open_files, "limit.nofile", "open files stay",
	    "fewer certificates can be loaded; set LimitNOFILE= or ulimit -n in the launcher");
}

int service_open_privileged(struct service *s, struct err_text *e)
{
	const struct service_def *def = s->def;
	int r = 0;

	raise_limits(def);
	for (size_t i = 0; i < def->n_dirs && !r; i++) {
		char path[128];

		if (!strcmp(def->dirs[i].path, "@state"))
			r = make_state_dir(s, dir_path(s, &def->dirs[i], path, sizeof(path)), e);
	}
	if (!r && def->open_privileged)
		r = def->open_privileged(s, e);
	return r;
}

int service_close_sandbox(struct service *s, struct err_text *e)
{
	const struct service_def *def = s->def;
	struct sandbox_dir dirs[DIRS_MAX];
	int r;

	/* A wall would be its children's too. */
	if (def->stays_root)
		return 0;
	if (def->n_dirs > DIRS_MAX)
		return err_set(e, -E2BIG, "more than %d folders", DIRS_MAX);
	for (size_t i = 0; i < def->n_dirs; i++) {
		dir_path(s, &def->dirs[i], dirs[i].path, sizeof(dirs[i].path));
		dirs[i].writable = def->dirs[i].access == SERVICE_DIR_WRITE;
	}
	r = sandbox_landlock(dirs, def->n_dirs, e);
	if (r < 0)
		return r;
	if (r > 0)
		log_warning("sandbox.landlock", "%s", e->s);
	r = sandbox_seccomp(def->syscalls, def->n_syscalls, def->n_dirs > 0, !def->no_sockets, e);
	if (r < 0)
		return r;
	if (r > 0)
		log_warning("sandbox.seccomp", "%s", e->s);
	return 0;
}
