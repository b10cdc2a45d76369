/*
 * Before the loop sleeps it is asked what is due next: whatever an event of this round changed is then known,
 * and no handler has to remember to set a timer.
 */
#include "policyd/io/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "base/auto.h"
#include "policyd/kernel/events.h"
#include "policyd/policyd.h"
#include "service/service.h"

struct pump {
	struct policyd *p;
	uv_prepare_t prepare;
	uv_timer_t timer;
	uv_poll_t nft_poll, rtnl_poll;
	struct nft_watch watch;
};

static void on_timer(uv_timer_t *t)
{
	/* Waking is all: on_prepare does the work. */
}

static void on_prepare(uv_prepare_t *h)
{
	struct pump *u = h->data;
	uint64_t next = policyd_turn(u->p), now = clock_now_ms(u->p->clock);

	if (next == UINT64_MAX)
		uv_timer_stop(&u->timer);
	else
		uv_timer_start(&u->timer, on_timer, next > now ? next - now : 0, 0);
}

static unsigned read_nft(struct pump *u)
{
	return nft_watch_read(&u->watch, u->p->nft_events_fd, &u->p->conf, u->p->enforce.tables.generation);
}

static void on_nft(uv_poll_t *h, int status, int events)
{
	struct pump *u = h->data;

	if (read_nft(u))
		policyd_on_table_event(u->p);
}

void pump_take_own_events(struct pump *u)
{
	if (u && read_nft(u) & NFT_WATCH_FOREIGN)
		policyd_on_table_event(u->p);
}

static void on_rtnl(uv_poll_t *h, int status, int events)
{
	struct pump *u = h->data;

	if (rtnl_watch_read(u->p->rtnl_events_fd, &u->p->conf, u->p->enforce.routing.rtnl.port))
		policyd_on_routing_event(u->p);
}

static int start_poll(uv_loop_t *loop, uv_poll_t *poll, int fd, void *data, uv_poll_cb cb)
{
	int r = uv_poll_init(loop, poll, fd);

	poll->data = data;
	return r ? r : uv_poll_start(poll, UV_READABLE, cb);
}

int pump_new(struct policyd *p, struct pump **ret, struct err_text *e)
{
	uv_loop_t *loop = service_loop(p->service);
	struct pump *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return err_set(e, -ENOMEM, "out of memory");
	u->p = p;
	u->prepare.data = u;
	r = uv_prepare_init(loop, &u->prepare);
	if (!r)
		r = uv_timer_init(loop, &u->timer);
	if (!r)
		r = uv_prepare_start(&u->prepare, on_prepare);
	if (!r)
		r = start_poll(loop, &u->nft_poll, p->nft_events_fd, u, on_nft);
	if (!r)
		r = start_poll(loop, &u->rtnl_poll, p->rtnl_events_fd, u, on_rtnl);
	if (r) {
		/* The process ends over this: handles half registered are not given back. */
		return err_set(e, r, "event loop: %s", uv_strerror(r));
	}
	*ret = u;
	return 0;
}
