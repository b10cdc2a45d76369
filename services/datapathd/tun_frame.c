#include "datapathd/tun_frame.h"

#include "wire/ip/csum.h"
#include "wire/ip/fields.h"

enum {
	GSO_UDP_L4 = 5, /* of Linux 6.2: headers may be older than the kernel */
};

enum tun_content tun_frame_read(
    const struct virtio_net_hdr *h, uint8_t *pkt, size_t len, struct segmenter *ret)
{
	enum segment_kind kind = SEGMENT_TCP;

	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
		    csum_complete(pkt, len, h->csum_start, h->csum_offset) < 0)
			return TUN_BAD;
		return TUN_PACKET;
	case GSO_UDP_L4:
		kind = SEGMENT_UDP;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		break;
	default:
		return TUN_BAD;
	}
	/* hdr_len is no more than a hint: where the headers end is read in them. */
	return segment_begin(ret, pkt, len, kind, h->gso_size) == 0 ? TUN_CHAIN : TUN_BAD;
}

struct virtio_net_hdr tun_frame_for(const struct merge_unit *u)
{
	uint8_t tcp = u->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;

	if (u->n < 2)
		return (struct virtio_net_hdr){.gso_type = VIRTIO_NET_HDR_GSO_NONE};
	return (struct virtio_net_hdr){
	    .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = u->kind == SEGMENT_UDP ? GSO_UDP_L4 : tcp,
	    .hdr_len = u->hdr_len,
	    .gso_size = u->size,
	    .csum_start = u->upper_off,
	    .csum_offset = u->kind == SEGMENT_UDP ? UDP_SUM_AT : TCP_SUM_AT,
	};
}
