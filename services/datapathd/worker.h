/*
 * The worker: one thread that owns the packet descriptors and everything that changes per packet. Control
 * speaks to it by published pointers and one eventfd, and hears from it by another.
 */
#ifndef POSTERN_DATAPATHD_WORKER_H
#define POSTERN_DATAPATHD_WORKER_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "datapathd/stage/path.h"

/* Borrowed from the service, which keeps them open. */
struct worker_fds {
	int tun, esp4, ah4, send4, send6;
};

enum worker_source { SOURCE_ESP4 = 1, SOURCE_AH4 = 2, SOURCE_TUN = 4 };

struct worker {
	unsigned index;
	struct worker_fds fd;
	int wake, tell, epoll; /* owned: control -> worker, worker -> control, the wait */
	struct epoch *epoch;
	_Atomic(struct spd_view *) *view; /* NULL: no snapshot yet, packets wait where they are */
	const struct clock *clock;
	pthread_t thread;
	bool runs, watching; /* thread started; packet descriptors are in the epoll set */
	_Atomic bool stop, tun_lost;
	struct path path;
	struct counters counters;
	struct acquire_ring acquires;
	struct batch in, out;
	unsigned ready;                   /* enum worker_source: may have more */
	struct mmsghdr in_msg[BATCH_MAX]; /* prepared once: every packet is received at the same place */
	struct iovec in_iov[BATCH_MAX];
	/* Scratch of sending. */
	struct mmsghdr msg[BATCH_MAX];
	struct iovec iov[BATCH_MAX];
	struct sockaddr_in to4[BATCH_MAX];
	struct sockaddr_in6 to6[BATCH_MAX];
	struct pkt *msg_pkt[BATCH_MAX];
};

struct worker_env {
	struct worker_fds fd;
	struct epoch *epoch;
	struct sad *sad;
	_Atomic(struct spd_view *) *view;
	const struct clock *clock;
	struct rng *rng;
};

/* 0, or -errno with `e`. */
int must_check worker_init(
    struct worker *w, unsigned index, const struct worker_env *env, struct err_text *e);
/* Starts the thread, all signals blocked. 0, or -errno. */
int must_check worker_start(struct worker *w);
/* Lets a sleeping worker look at what was published. */
void worker_wake(struct worker *w);
/* Readable when control should look: hints, a quiet point passed, a lost device. */
int worker_tell_fd(const struct worker *w);
/* Ends the thread if there is one and releases everything but the packet descriptors. */
void worker_fini(struct worker *w);

/* worker_io.c: the receive batch's buffers, once; then one turn of each, true when there was a whole batch
 * and may be more. */
void worker_prepare_receive(struct worker *w);
bool worker_inbound(struct worker *w, int fd);
bool worker_outbound(struct worker *w);

#endif
