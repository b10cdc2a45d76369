/*
 * Dummy packets (RFC 4303 section 2.6): next header 59 and octets that mean nothing, of a length that means
 * nothing. On the wire they look like any other packet of the association. Transport mode around a header
 * between the association's own ends gives just that, whatever its mode is.
 */
#include <netinet/in.h>
#include <string.h>

#include "datapathd/sa/path_mtu.h"
#include "datapathd/stage/path.h"

static void put_header(struct path *c, struct pkt *p, const struct sa_rt *sa, uint32_t len)
{
	if (p->v6) {
		struct ip6_params ip = {.next = IPPROTO_NONE,
		    .hops = (uint8_t)c->ttl,
		    .payload_len = (uint16_t)(len - IP6_HDR_LEN)};

		memcpy(ip.src, sa->src.b, sizeof(ip.src));
		memcpy(ip.dst, sa->dst.b, sizeof(ip.dst));
		ip6_write(p->data, &ip);
	} else {
		struct ip4_params ip = {.proto = IPPROTO_NONE,
		    .ttl = (uint8_t)c->ttl,
		    .total_len = (uint16_t)len,
		    .df = c->tune.dfbit != TUNE_DF_CLEAR};

		memcpy(ip.src, sa->src.b, sizeof(ip.src));
		memcpy(ip.dst, sa->dst.b, sizeof(ip.dst));
		ip4_write(p->data, &ip);
	}
}

bool path_dummy(struct path *c, struct pkt *p, const struct dummy_due *due)
{
	struct sa_rt *sa = sad_find_in(c->sad, &due->dst, IPSEC_ESP, due->spi);
	uint32_t hdr_len, room, most;

	if (!sa || !sa_rt_usable(sa, c->now_ms) || inet_addr_is_any(&sa->src))
		return false;
	p->v6 = sa->dst.family == INET_V6;
	hdr_len = p->v6 ? IP6_HDR_LEN : IP4_HDR_LEN;
	room = sa_path_mtu(sa, c->now_ms);
	most = sa_inner_max(sa, IPSEC_TRANSPORT, hdr_len, room ? room : PATH_MTU_MIN6);
	if (most < hdr_len)
		return false;
	p->len = hdr_len + rng_below(c->rng, most - hdr_len + 1);
	put_header(c, p, sa, p->len);
	c->rng->fill(c->rng, p->data + hdr_len, p->len - hdr_len);
	p->bound[0] = (struct bound){.sa = sa, .mode = IPSEC_TRANSPORT};
	p->n_bound = 1;
	count_path(c->counters, PATH_DUMMIES);
	return true;
}
