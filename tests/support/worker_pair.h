/*
 * Two whole workers without threads and devices: A's TUN device is a socket that the test writes frames to,
 * between A and B is ESP in UDP over the loopback, and what B delivers is read from another such socket. The
 * one way only, A to B.
 */
#ifndef POSTERN_TESTS_WORKER_PAIR_H
#define POSTERN_TESTS_WORKER_PAIR_H

#include <linux/virtio_net.h>

#include "datapathd/worker.h"
#include "support/path_rig.h"

/* Everything between these is protected. */
#define WORKER_NET_A  "192.168.1.0/24"
#define WORKER_NET_B  "192.168.2.0/24"
#define WORKER_NET_A6 "2001:db8:1::/48"
#define WORKER_NET_B6 "2001:db8:2::/48"

struct worker_end {
	struct path_rig rig;
	struct worker w;
	_Atomic(struct spd_view *) view;
	_Atomic uint32_t tune;
	int tun; /* the test's end */
};

struct worker_pair {
	struct worker_end a, b;
};

/* `gro`: B's kernel may hand over many datagrams as one. Fails the test on any error. */
void worker_pair_init(struct worker_pair *p, enum alg_enc enc, enum alg_auth auth, bool gro);
void worker_pair_fini(struct worker_pair *p);

/* A's device gets a frame. */
void worker_pair_write(struct worker_pair *p, const struct virtio_net_hdr *h, const void *pkt, uint32_t len);
/* Lets A seal and B open all there is. */
void worker_pair_run(struct worker_pair *p);
/* The next frame that B delivered; false: there is none. *len: room, then octets. */
bool worker_pair_read(struct worker_pair *p, struct virtio_net_hdr *h, void *pkt, uint32_t *len);

#endif
