/*
 * Only ever lowered by what was learnt and forgotten after a time: a router that lies can slow an SA down for
 * ten minutes, to packets that every link must carry, and no further.
 */
#include "datapathd/sa/path_mtu.h"

#include "wire/esp/ah.h"
#include "wire/ip/ip.h"

enum { UDP_HDR_LEN = 8 };

static uint32_t least(const struct sa_rt *rt)
{
	return rt->dst.family == INET_V6 ? PATH_MTU_MIN6 : PATH_MTU_MIN4;
}

uint32_t sa_path_mtu(const struct sa_rt *rt, uint64_t now_ms)
{
	return rt->path.mtu && now_ms < rt->path.until_ms ? rt->path.mtu : 0;
}

bool sa_path_learn(struct sa_rt *rt, uint32_t mtu, uint64_t now_ms)
{
	uint32_t known = sa_path_mtu(rt, now_ms);

	if (mtu < least(rt))
		mtu = least(rt);
	if (known && mtu >= known)
		return false;
	rt->path = (struct sa_path){.mtu = mtu, .until_ms = now_ms + PATH_MTU_MS};
	return true;
}

uint32_t sa_outer_len(const struct sa_rt *rt)
{
	return (rt->dst.family == INET_V6 ? IP6_HDR_LEN : IP4_HDR_LEN) + (rt->encap.dport ? UDP_HDR_LEN : 0u);
}

uint32_t sa_inner_max(const struct sa_rt *rt, enum ipsec_mode mode, uint32_t hdr_len, uint32_t room)
{
	bool tunnel = mode == IPSEC_TUNNEL;
	uint32_t head = tunnel ? sa_outer_len(rt) : hdr_len + (rt->encap.dport ? UDP_HDR_LEN : 0u), left, max;

	if (room <= head)
		return 0;
	left = room - head;
	if (rt->proto == IPSEC_ESP) {
		max = (uint32_t)esp_payload_max(&rt->geom, left);
	} else if (rt->proto == IPSEC_AH) {
		uint32_t ah = (uint32_t)ah_len(rt->icv_len, rt->dst.family == INET_V6 ? 6 : 4);

		max = left > ah ? left - ah : 0;
	} else {
		max = left;
	}
	return !max ? 0 : tunnel ? max : max + hdr_len;
}
