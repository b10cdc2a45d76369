/*
 * A datagram is known again by its hash, which is cheaper to keep than a certificate chain.
 */
#include "keyd/core/window.h"

void window_init(struct window *w, struct core *c, const struct ike_path *path, window_lost_fn lost)
{
	*w = (struct window){.core = c, .path = path, .lost = lost};
}

void window_fini(struct window *w)
{
	if (w->core)
		timer_stop(&w->core->timers, &w->timer);
	octets_fini(&w->sent);
}

static void transmit(struct window *w)
{
	const struct core_ports *ports = &w->core->ports;

	ports->send(ports->arg, w->path, w->sent.p, w->sent.n);
}

static void trace_message(struct window *w, uint32_t times)
{
	const struct ike_path *path = w->path;
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	core_trace(w->core, "message.sent",
	    "%u times of %zu bytes message will be sent from %s[%u] to %s[%u]", times, w->sent.n,
	    inet_addr_format(&path->local, a), path->local_port, inet_addr_format(&path->remote, b),
	    path->remote_port);
}

static void on_timer(struct timer *t, void *arg)
{
	struct window *w = container_of(t, struct window, timer);
	struct core *c = arg;

	if (!w->counter) {
		w->lost(w);
		return;
	}
	w->counter--;
	c->counters.retransmits++;
	trace_message(w, 1);
	transmit(w);
	/* Cannot fail: its place in the heap has just become free. */
	(void)!timer_set(&c->timers, t, core_now(c) + w->interval_ms, on_timer);
}

int window_send(struct window *w, const struct ike_conf *conf, const uint8_t *d, size_t n, bool expect)
{
	struct core *c = w->core;
	int r = octets_set(&w->sent, d, n);

	timer_stop(&c->timers, &w->timer);
	if (r < 0)
		return r;
	w->counter = conf->timers.counter;
	w->interval_ms = conf->timers.interval_ms;
	w->repeats = 0;
	trace_message(w, conf->timers.persend);
	for (uint32_t i = 0; i < conf->timers.persend; i++)
		transmit(w);
	return expect ? timer_set(&c->timers, &w->timer, core_now(c) + w->interval_ms, on_timer) : 0;
}

static bool print_of(const uint8_t *d, size_t n, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct iovec v = {.iov_base = (void *)(uintptr_t)d, .iov_len = n};

	return crypto_hash(ALG_PRF_HMAC_SHA256, &v, 1, ret) == 0;
}

bool window_repeated(struct window *w, const uint8_t *d, size_t n)
{
	uint8_t print[ALG_PRF_LEN_MAX];

	if (!w->has_seen || !print_of(d, n, print) || memcmp(print, w->seen, WINDOW_PRINT) != 0)
		return false;
	w->core->counters.duplicates++;
	if (w->sent.n && w->repeats < WINDOW_REPEATS_MAX) {
		w->repeats++;
		transmit(w);
	}
	return true;
}

void window_answered(struct window *w)
{
	timer_stop(&w->core->timers, &w->timer);
	octets_fini(&w->sent);
}

void window_got(struct window *w, const uint8_t *d, size_t n)
{
	uint8_t print[ALG_PRF_LEN_MAX];

	window_answered(w);
	w->has_seen = print_of(d, n, print);
	if (w->has_seen)
		memcpy(w->seen, print, WINDOW_PRINT);
}
