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
#include "datapathd/ike_ring.h"
#include "datapathd/stage/path.h"
#include "wire/ip/merge.h"

/* Where packets come from; the first ones are sockets, received alike but for the last of them, to which only
 * ICMPv6's "too big" comes. */
enum worker_source {
	SOURCE_ESP4 = 0,
	SOURCE_AH4,
	SOURCE_COMP4,
	SOURCE_UDP4,
	SOURCE_ESP6,
	SOURCE_AH6,
	SOURCE_COMP6,
	SOURCE_UDP6,
	SOURCE_ICMP6,
	SOURCE_SOCKETS,
	SOURCE_TUN = SOURCE_SOCKETS,
	SOURCES,
};

/* Borrowed from the service, which keeps them open. -1: not there (a host without IPv6, a port that is
 * taken). */
struct worker_fds {
	int tun, send4, send6;
	int in[SOURCE_SOCKETS];
	bool tun_udp; /* the device takes superpackets of UDP too (Linux 6.2) */
};

/* Octets of control messages with one packet: IPv6 extension headers come in them. */
enum { RECEIVE_CONTROL = 1024, SEND_CONTROL = 128 };

enum { SEND_TRIES = 4 /* waits for a full socket in a batch */ };

enum {
	RECEIVE_LONG = 2,      /* messages of a UDP socket in one call when each is many datagrams */
	BATCH_DATAGRAMS = 128, /* packets of them in one batch: two of the longest messages */
};

/* Room for one call of recvmmsg(). */
struct receive {
	struct mmsghdr msg[BATCH_MAX];
	struct iovec iov[BATCH_SPARE];
	/* udp: messages are asked for in so many pieces, each but the last of so many octets; 1 piece: 0 */
	uint32_t pieces, each;
	struct sockaddr_storage from[BATCH_MAX];
	_Alignas(struct cmsghdr) uint8_t control[BATCH_MAX][RECEIVE_CONTROL];
};

/* How a superpacket is made up; size 0: the next is expected to be none. */
struct chain_shape {
	uint32_t hdr_len;
	uint16_t size;
};

/* Scratch of sending one batch. */
struct sending {
	struct mmsghdr msg[BATCH_ROOM];
	struct iovec iov[BATCH_ROOM];
	struct pkt *pkt[BATCH_ROOM];
	uint32_t first[BATCH_ROOM]; /* udp: of each message's packets in pkt[] */
	struct sockaddr_in to4[BATCH_ROOM];
	struct sockaddr_in6 to6[BATCH_ROOM];
	_Alignas(struct cmsghdr) uint8_t control[BATCH_ROOM][SEND_CONTROL];
	bool no_trains; /* the kernel cannot send many datagrams as one message */
};

struct worker {
	unsigned index;
	struct worker_fds fd;
	int wake, tell, epoll; /* owned: control -> worker, worker -> control, the wait */
	struct epoch *epoch;
	_Atomic(struct spd_view *) *view; /* NULL: no snapshot yet, packets wait where they are */
	const _Atomic uint32_t *tune;     /* tunables_pack() */
	const struct clock *clock;
	pthread_t thread;
	bool runs, watching; /* thread started; packet descriptors are in the epoll set */
	_Atomic bool stop, tun_lost;
	_Atomic bool negotiates; /* keyd is there: a packet without an SA may wait for it */
	_Atomic bool look_at_waiting;
	struct path path;
	struct counters counters;
	struct acquire_ring acquires;
	struct unknown_ring unknown;
	struct moved_ring moved;
	struct dummy_ring dummies;
	struct ike_door ike;
	struct batch in, out;
	unsigned ready, errors; /* bit N: source N may have more; has something in its error queue */
	struct receive receive;
	uint32_t datagram_len[2]; /* [is IPv6] of the last message of many datagrams; 0: there was none */
	struct chain_shape chain; /* of the last read from the device */
	struct merger merger;
	struct pkt *merged[BATCH_ROOM]; /* whose link is which */
	struct sending sending;
};

struct worker_env {
	struct worker_fds fd;
	struct epoch *epoch;
	struct sad *sad;
	_Atomic(struct spd_view *) *view;
	const _Atomic uint32_t *tune;
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
/* What packets wait for may have happened: an SA is there, or there will be none. */
void worker_look_at_waiting(struct worker *w);
/* Has a dummy packet sent on this association. False when too many wait already; then worker_wake(). */
bool worker_ask_dummy(struct worker *w, const struct dummy_due *due);
/* Readable when control should look: hints, a quiet point passed, a lost device. */
int worker_tell_fd(const struct worker *w);
/* Ends the thread if there is one and releases everything but the packet descriptors. */
void worker_fini(struct worker *w);

/* receive_io.c, udp_io.c, tun_io.c: one turn of each; true when there was a whole batch and may be more. */
bool worker_inbound(struct worker *w, enum worker_source s);
bool worker_datagrams(struct worker *w, enum worker_source s);
bool worker_outbound(struct worker *w);
/* tun_io.c: those that waited for an SA try again, and wait on or are dropped where there is none. */
void worker_waiting(struct worker *w);
/* tun_io.c: what of a batch is for this host. */
void worker_deliver(struct worker *w, struct batch *b);
/* send_io.c: what of a batch is for the wire. */
void worker_send(struct worker *w, struct batch *b);
/* The same: waits a moment until a full socket has room. False: it has none. */
bool worker_wait_writable(int fd);
/* train_io.c: what of it can go by the socket of port 4500, datagrams of one flow as one message; the rest
 * keeps its verdict. */
void worker_send_trains(struct worker *w, struct batch *b, bool v6);
/* error_io.c: ICMP errors about what we sent, and the kernel's own word on the first hop. */
void worker_errors(struct worker *w, enum worker_source s);
/* error_io.c: one turn of SOURCE_ICMP6; true when there may be more. */
bool worker_reports(struct worker *w);
/* The first hop's MTU that the kernel noted when it refused a packet on this socket. */
uint32_t worker_first_hop_mtu(int fd);

#endif
