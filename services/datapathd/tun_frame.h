/*
 * What stands in front of each packet that goes through the TUN device (linux/virtio_net.h): whether it is a
 * superpacket, and what of its checksums is still to be made.
 */
#ifndef POSTERN_DATAPATHD_TUN_FRAME_H
#define POSTERN_DATAPATHD_TUN_FRAME_H

#include <linux/virtio_net.h>

#include "wire/ip/merge.h"
#include "wire/ip/segment.h"

enum tun_content {
	TUN_PACKET, /* one packet, complete now */
	TUN_CHAIN,  /* many, to be had from the segmenter */
	TUN_BAD,    /* the frame contradicts itself */
};

/* Judges a packet read with this frame; makes the checksum of a single one where the kernel did not. The
 * segmenter borrows `pkt`. */
enum tun_content tun_frame_read(
    const struct virtio_net_hdr *h, uint8_t *pkt, size_t len, struct segmenter *ret);

/* The frame to write a unit with, after merge_seal(). */
struct virtio_net_hdr tun_frame_for(const struct merge_unit *u);

#endif
