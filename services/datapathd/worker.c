/*
 * A round reads at most one batch from each source, so no source starves another; the quiet point is at the
 * top of the round, where the worker holds no pointer to anything published. It sleeps only when every source
 * came back with less than a batch, asks for news after every round, and the wait is level-triggered, so
 * nothing can be forgotten.
 */
#include "datapathd/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* IKE datagrams a second that are handed over: more than keyd can answer, less than makes it work for
 * nothing. */
enum { IKE_RATE = 1000, IKE_BURST = 2000 };

static int watch(struct worker *w, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return fd < 0 ? 0 : epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

int worker_init(struct worker *w, unsigned index, const struct worker_env *env, struct err_text *e)
{
	int r;

	memset(w, 0, sizeof(*w));
	w->index = index;
	w->fd = env->fd;
	w->epoch = env->epoch;
	w->view = env->view;
	w->tune = env->tune;
	w->clock = env->clock;
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->tell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->wake < 0 || w->tell < 0 || w->epoll < 0)
		return err_set(
		    e, -errno, "the worker's wake-up descriptors cannot be made: %s", err_name(-errno));
	r = path_init(&w->path, env->rng);
	if (r == 0)
		r = batch_init(&w->in);
	if (r == 0)
		r = batch_init(&w->out);
	if (r == 0)
		r = watch(w, w->wake);
	if (r < 0)
		return err_set(e, r, "the worker cannot be made: %s", err_name(r));
	w->path.counters = &w->counters;
	w->path.sad = env->sad;
	w->path.acquires = &w->acquires;
	bucket_init(&w->ike.budget, IKE_RATE, IKE_BURST, clock_now_ms(w->clock));
	return 0;
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	/* A full counter says "look" just as well. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void drain_fd(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
}

void worker_wake(struct worker *w)
{
	signal_fd(w->wake);
}

void worker_look_at_waiting(struct worker *w)
{
	atomic_store_explicit(&w->look_at_waiting, true, memory_order_release);
	worker_wake(w);
}

bool worker_ask_dummy(struct worker *w, const struct dummy_due *due)
{
	return dummy_ring_push(&w->dummies, due);
}

int worker_tell_fd(const struct worker *w)
{
	return w->tell;
}

static int fd_of(const struct worker *w, unsigned source)
{
	return source == SOURCE_TUN ? w->fd.tun : w->fd.in[source];
}

static void note_event(struct worker *w, const struct epoll_event *ev)
{
	for (unsigned s = 0; s < SOURCES; s++) {
		if (fd_of(w, s) != ev->data.fd)
			continue;
		w->ready |= 1u << s;
		if (ev->events & EPOLLERR && s != SOURCE_TUN)
			w->errors |= 1u << s;
	}
}

/* Asked after every round, also while there is work: a source that never runs dry must not hide the others.
 * Waits only when there is nothing to do. */
static void find_work(struct worker *w)
{
	struct epoll_event ev[SOURCES + 1];
	bool idle = !w->ready;
	int n;

	if (idle && epoch_sleep(w->epoch, w->index))
		signal_fd(w->tell);
	n = epoll_wait(w->epoll, ev, (int)ARRAY_SIZE(ev), !idle ? 0 : w->path.wait.n ? WAIT_LOOK_MS : -1);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.fd == w->wake)
			drain_fd(w->wake);
		else
			note_event(w, &ev[i]);
	}
}

/* Packets are not read before there is an SPD to judge them by: they wait in the kernel's queues. */
static void begin_watching(struct worker *w)
{
	w->watching = true;
	for (unsigned s = 0; s < SOURCES; s++)
		if (watch(w, fd_of(w, s)) < 0)
			atomic_store(&w->tun_lost, true);
}

static void lose_tun(struct worker *w)
{
	(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->fd.tun, NULL);
	w->fd.tun = -1;
	signal_fd(w->tell);
}

static bool take_from(struct worker *w, enum worker_source s)
{
	switch (s) {
	case SOURCE_ICMP6:
		return worker_reports(w);
	case SOURCE_UDP4:
	case SOURCE_UDP6:
		return worker_datagrams(w, s);
	default:
		return worker_inbound(w, s);
	}
}

/* As many as were asked for; a full ring is four batches. */
static void send_dummies(struct worker *w)
{
	struct batch *b = &w->out;
	struct dummy_due due;

	do {
		b->n = 0;
		while (b->n < BATCH_MAX && dummy_ring_pop(&w->dummies, &due))
			b->n += path_dummy(&w->path, batch_slot(b, b->n), &due);
		if (b->n) {
			path_seal(&w->path, b);
			worker_send(w, b);
		}
	} while (b->n == BATCH_MAX);
}

/* A source that gave less than a batch is empty for now. */
static void work(struct worker *w)
{
	for (unsigned s = 0; s < SOURCE_SOCKETS; s++) {
		if (w->errors & 1u << s)
			worker_errors(w, (enum worker_source)s);
		if (w->ready & 1u << s && !take_from(w, (enum worker_source)s))
			w->ready &= ~(1u << s);
	}
	w->errors = 0;
	send_dummies(w);
	worker_waiting(w);
	if (w->ready & 1u << SOURCE_TUN && !worker_outbound(w))
		w->ready &= ~(1u << SOURCE_TUN);
	if (atomic_load_explicit(&w->tun_lost, memory_order_relaxed) && w->fd.tun >= 0)
		lose_tun(w);
	if (w->path.hints) {
		w->path.hints = false;
		signal_fd(w->tell);
	}
}

static void *run(void *arg)
{
	struct worker *w = arg;

	(void)pthread_setname_np(pthread_self(), "worker");
	while (!atomic_load(&w->stop)) {
		if (epoch_quiet(w->epoch, w->index))
			signal_fd(w->tell);
		w->path.view = atomic_load_explicit(w->view, memory_order_acquire);
		w->path.now_ms = clock_now_ms(w->clock);
		w->path.tune = tunables_unpack(atomic_load_explicit(w->tune, memory_order_relaxed));
		w->path.wait.open = atomic_load_explicit(&w->negotiates, memory_order_relaxed);
		if (w->path.view && !w->watching)
			begin_watching(w);
		work(w);
		find_work(w);
	}
	if (epoch_sleep(w->epoch, w->index))
		signal_fd(w->tell);
	return NULL;
}

int worker_start(struct worker *w)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->runs = r == 0;
	return -r;
}

static void close_if_open(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = -1;
}

void worker_fini(struct worker *w)
{
	if (w->runs) {
		atomic_store(&w->stop, true);
		worker_wake(w);
		(void)pthread_join(w->thread, NULL);
		w->runs = false;
	}
	close_if_open(&w->wake);
	close_if_open(&w->tell);
	close_if_open(&w->epoll);
	batch_fini(&w->in);
	batch_fini(&w->out);
	path_fini(&w->path);
}
