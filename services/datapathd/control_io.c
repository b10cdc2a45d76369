/*
 * The control thread's own events: a timer a second for lifetimes and acquires, and the worker's eventfd.
 * Objects that wait for a quiet point are looked after here: a sleeping worker has passed it already, a busy
 * one tells.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

#include "datapathd/datapathd.h"
#include "datapathd/keying.h"
#include "datapathd/sa/lifetime.h"

struct control_io {
	struct datapathd *d;
	uv_timer_t tick;
	uv_poll_t tell;
	unsigned n_open; /* handles the loop still knows */
	bool freed;
};

static void expired(void *arg, const char *event, const struct sa *sa)
{
	struct datapathd *d = arg;

	datapathd_tell_sa(d, event, sa);
	keyd_edge_gone(d->keyd, sa, atomic_load(&sa->slot->run.told) & SAD_TOLD_HARD);
}

static void on_tick(uv_timer_t *t)
{
	struct control_io *io = t->data;

	sad_age(&io->d->sad, expired, io->d);
	grants_age(&io->d->grants, clock_now_ms(service_clock(io->d->service)));
	datapathd_ike_collect(io->d);
	datapathd_keepalive(io->d);
	datapathd_dummies(io->d);
	acquirer_age(io->d->acquirer);
	used_report(io->d);
	control_io_expect_quiet(io);
}

/* True while something still waits for the worker. */
static bool settle(struct datapathd *d)
{
	bool retired = epoch_reclaim(&d->epoch);

	return spd_edge_quiet(d->spd) || retired;
}

void control_io_expect_quiet(struct control_io *io)
{
	struct datapathd *d;

	if (!io)
		return; /* the service is ending, and with it everything that waits */
	d = io->d;
	if (!settle(d))
		return;
	/* Asked first, looked at again second: a worker that passes in between tells. */
	epoch_await(&d->epoch, atomic_load(&d->epoch.now));
	(void)settle(d);
}

static void on_tell(uv_poll_t *p, int status, int events)
{
	struct control_io *io = p->data;
	uint64_t n;

	(void)events;
	if (status < 0 || read(worker_tell_fd(io->d->worker), &n, sizeof(n)) < 0)
		return;
	if (atomic_load(&io->d->worker->tun_lost)) {
		(void)service_unstore_fd(io->d->service, "tun");
		service_fail(io->d->service, "tun.lost", "the device %s is gone; a new start makes it again",
		    service_settings(io->d->service)->device);
	}
	acquirer_collect(io->d->acquirer);
	datapathd_ike_collect(io->d);
	keyd_edge_moved(io->d);
	keyd_edge_unknown(io->d);
	control_io_expect_quiet(io);
}

static void on_closed(uv_handle_t *h)
{
	struct control_io *io = h->data;

	if (--io->n_open == 0 && io->freed)
		free(io);
}

int control_io_new(struct datapathd *d, struct control_io **ret, struct err_text *e)
{
	struct control_io *io = calloc(1, sizeof(*io));
	uv_loop_t *loop = service_loop(d->service);
	int r;

	if (!io)
		return err_set(e, -ENOMEM, "out of memory");
	io->d = d;
	io->tick.data = io->tell.data = io;
	r = uv_timer_init(loop, &io->tick);
	if (r < 0) {
		free(io);
		return err_set(e, r, "no timer: %s", uv_strerror(r));
	}
	io->n_open++;
	r = uv_poll_init(loop, &io->tell, worker_tell_fd(d->worker));
	if (r == 0) {
		io->n_open++;
		r = uv_poll_start(&io->tell, UV_READABLE, on_tell);
	}
	if (r == 0)
		r = uv_timer_start(&io->tick, on_tick, SAD_SCAN_MS, SAD_SCAN_MS);
	if (r < 0) {
		(void)control_io_free(io);
		return err_set(e, r, "the loop refuses the worker's descriptor: %s", uv_strerror(r));
	}
	*ret = io;
	return 0;
}

struct control_io *control_io_free(struct control_io *io)
{
	if (!io)
		return NULL;
	io->freed = true;
	if (io->n_open > 1)
		uv_close((uv_handle_t *)&io->tell, on_closed);
	uv_close((uv_handle_t *)&io->tick, on_closed);
	return NULL;
}
