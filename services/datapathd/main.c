/*
 * postern-datapathd: carries ESP and AH itself. Control (this thread: admin socket, SPD snapshots, acquires,
 * lifetimes) and packets (the worker's thread) meet only in published objects and counters.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "datapathd/datapathd.h"
#include "datapathd/keying.h"
#include "datapathd/sa/prints_file.h"

enum {
	MEMLOCK =
	    SAD_SEGMENTS_MAX * SAD_SEGMENT_BYTES + (4 << 20), /* SAD memory at its largest, and the rest */
};

static int keep(void *arg, const char *name, int fd)
{
	struct service *s = arg;
	int r = service_store_fd(s, name, fd);

	if (r < 0)
		log_notice(
		    "store.none", "nobody keeps %s: its SAs end with this process (%s)", name, err_name(r));
	return r;
}

static void forget(void *arg, const char *name)
{
	struct service *s = arg;

	(void)service_unstore_fd(s, name); /* without a launcher nothing is stored */
}

static void say(void *arg, const char *what)
{
	(void)arg;
	log_warning("sad.memory", "%s", what);
}

static int write_down(void *arg, const uint8_t print[SAD_PRINT_LEN])
{
	const struct datapathd *d = service_data(arg);

	return d->used_keys < 0 ? -EROFS : prints_file_add(d->used_keys, print);
}

/* Without the file the suite works, but takes no counter-mode key. */
static int begin_store(struct datapathd *d, struct err_text *e)
{
	int r = d->used_keys < 0 ? 0 : prints_file_join(d->used_keys, d->store, e);

	if (r < 0) {
		log_warning("sad.used-keys",
		    "%s; keys of counter modes (aes-gcm, aes-ccm, aes-ctr, chacha20-poly1305, aes-gmac) are "
		    "refused until that is mended",
		    e->s);
		close(d->used_keys);
		d->used_keys = -1;
	}
	return sad_store_begin(d->store, e);
}

static void adopt_segments(struct datapathd *d)
{
	const char *name;

	while ((name = service_next_fd_name(d->service, "sad-", NULL))) {
		char copy[SAD_NAME_MAX] = "";

		if (strlen(name) < sizeof(copy))
			memcpy(copy, name, strlen(name) + 1);
		(void)sad_store_adopt(d->store, copy, service_take_fd(d->service, name));
	}
}

static int start_sad(struct datapathd *d, struct err_text *e)
{
	const struct clock *clock = service_clock(d->service);
	const struct sad_store_env env = {.clock = clock,
	    .rng = &rng_kernel,
	    .keep = keep,
	    .forget = forget,
	    .write_down = write_down,
	    .log = say,
	    .arg = d->service};
	struct sad_store_found found;
	int r = sad_store_new(&env, &d->store);

	if (r == 0)
		r = sad_init(&d->sad, &d->epoch, d->store, clock);
	if (r < 0)
		return err_set(e, r, "the SAD cannot be made: %s", err_name(r));
	adopt_segments(d);
	found = sad_recover(&d->sad);
	d->bad_slots = found.bad;
	if (found.sas || found.bad)
		log_notice("sad.recovered", "sas=%u dropped=%u from memory kept by the launcher", found.sas,
		    found.bad);
	r = begin_store(d, e);
	if (r == 0)
		atomic_store(&d->tune, sad_store_tunables(d->store));
	if (r == 0)
		log_info(
		    "sad.memory", "%s, %u segments", sad_store_kind(d->store), sad_store_segments(d->store));
	return r;
}

static int start_worker(struct datapathd *d, struct err_text *e)
{
	const struct worker_env env = {
	    .fd = d->fd,
	    .epoch = &d->epoch,
	    .sad = &d->sad,
	    .view = &d->view,
	    .tune = &d->tune,
	    .clock = service_clock(d->service),
	    .rng = &rng_kernel,
	};

	d->worker = calloc(1, sizeof(*d->worker));
	if (!d->worker)
		return err_set(e, -ENOMEM, "out of memory");
	return worker_init(d->worker, 0, &env, e);
}

static int start(struct service *s, struct err_text *e)
{
	struct datapathd *d = service_data(s);
	int r;

	epoch_init(&d->epoch);
	r = grants_init(&d->grants);
	if (r < 0)
		return err_set(e, r, "out of memory");
	r = start_sad(d, e);
	if (r == 0)
		r = start_worker(d, e);
	if (r == 0)
		r = control_io_new(d, &d->io, e);
	if (r == 0)
		r = acquirer_new(d, &d->acquirer, e);
	if (r == 0)
		r = spd_edge_new(d, &d->spd, e);
	if (r == 0)
		r = keyd_edge_new(d, &d->keyd, e);
	if (r < 0)
		return r;
	r = worker_start(d->worker);
	if (r < 0)
		return err_set(e, r, "the worker thread cannot be started: %s", err_name(r));
	service_set_state(s, "waiting for policyd's first snapshot");
	return 0;
}

static void stop(struct service *s)
{
	struct datapathd *d = service_data(s);

	if (d->worker)
		worker_fini(d->worker);
	d->io = control_io_free(d->io);
}

static const int syscalls[] = {
    /* growing SAD memory */
    SCMP_SYS(memfd_secret),
    SCMP_SYS(memfd_create),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fstatfs),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    /* the file of used keys, on a descriptor from before the drop */
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(fdatasync),
};

static int open_privileged(struct service *s, struct err_text *e)
{
	static struct datapathd d;

	d.service = s;
	service_set_data(s, &d);
	return datapathd_open_privileged(s, e);
}

int main(int argc, char **argv)
{
	static const struct service_def def = {
	    .name = "datapathd",
	    .syscalls = syscalls,
	    .n_syscalls = ARRAY_SIZE(syscalls),
	    .memlock_bytes = MEMLOCK,
	    .open_privileged = open_privileged,
	    .start = start,
	    .stop = stop,
	    .admin_rules = datapathd_admin_rules,
	    .n_admin_rules = DATAPATHD_N_ADMIN_RULES,
	    .admin_on_close = datapathd_admin_on_close,
	    .status = datapathd_status,
	    .stats = datapathd_stats,
	};

	return service_main(&def, argc, argv);
}
