/*
 * Messages in fragments, in the form of Cisco and Microsoft (payload 132): each is a datagram with a header
 * of its own, so that none of them is an IP fragment, which some firewalls drop. Here they are cut and
 * joined; who may send some, and how many octets all of them may have, is ike1/fragment.c's.
 */
#ifndef POSTERN_KEYD_CORE_FRAGS_H
#define POSTERN_KEYD_CORE_FRAGS_H

#include "keyd/core/octets.h"
#include "wire/ike/v1_payload.h"

enum {
	FRAGS_PARTS_MAX = 64,
	FRAGS_OCTETS_MAX = 32768, /* of a message: ten certificates of 3 KiB */
	/* Octets of UDP payload that go through whole wherever IPv6 does: 1280 without its header, UDP's and
	 * the marker of port 4500. */
	FRAGS_FIT = 1280 - 40 - 8 - 4,
	FRAGS_HEAD = IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN + 4, /* in front of a fragment's data */
};

enum frags_result {
	FRAGS_MORE = 0, /* taken; others are missing */
	FRAGS_WHOLE,    /* frags_join() */
	FRAGS_REFUSED,  /* too many, too long, or contradicting: everything is dropped */
};

/* One message that is coming in. Zeroed: nothing has come. */
struct frags {
	uint16_t id;
	uint8_t n, last; /* parts that are there; the last one's number, 0: not known */
	uint32_t octets;
	struct octets part[FRAGS_PARTS_MAX];
};

void frags_fini(struct frags *f);
/* One with another id than before begins anew; one that comes again takes the place of its first coming, as
 * the later one may be the true one. Without memory it is refused. */
must_check enum frags_result frags_add(struct frags *f, const struct ike1_fragment *p);
/* Writes f->octets octets. Only when whole. */
void frags_join(const struct frags *f, uint8_t *ret);

/* Cuts a message into datagrams of at most `fit` octets, written to `buf` (as many) one after the other, and
 * hands each to `fn`. The same message is always cut in the same way under the same id, so that repetitions
 * complete each other. False: it cannot be cut into so few, and nothing was handed out. */
must_check bool frags_cut(const uint8_t *message, size_t n, uint8_t *buf, size_t fit,
    void (*fn)(void *arg, const uint8_t *d, size_t n), void *arg);

#endif
