/*
 * NAT keepalives (RFC 3948 section 2.3): one octet to the far end of an SA in UDP that we have sent on and
 * that was quiet for a while. Manual SAs do not say which side the translator is on, so both keep it awake.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "datapathd/datapathd.h"
#include "wire/esp/udp_encap.h"

enum {
	KEEPALIVE = 0xff,
	PACKET_LEN4 = IP4_HDR_LEN + UDP_ENCAP_LEN + 1,
	PACKET_LEN6 = IP6_HDR_LEN + UDP_ENCAP_LEN + 1
};

/* What was agreed on with keys, else what this service is told; 0: never. */
static uint64_t quiet_of(const struct sa *sa, uint64_t usual_ms)
{
	uint16_t own_s = sa->desc.encap.keepalive_s;

	if (own_s == SA_KEEPALIVE_NONE)
		return 0;
	return own_s ? own_s * 1000ull : usual_ms;
}

static bool is_due(const struct sa *sa, uint64_t now_ms, uint64_t quiet_ms)
{
	const struct sad_slot_run *r = &sa->slot->run;
	uint64_t used = atomic_load(&r->last_used_ms),
	         last = used > sa->kept_alive_ms ? used : sa->kept_alive_ms;

	/* Only the side that seals on an SA has taken numbers. */
	return quiet_ms && sa_is_encap(&sa->desc) && !sa->dead_ms && atomic_load(&r->seq) &&
	       now_ms >= last + quiet_ms;
}

/* Where a translator has moved it, if one has. */
static uint16_t far_port(const struct sa *sa)
{
	uint32_t moved = atomic_load(&sa->slot->run.far_port);

	return moved ? (uint16_t)moved : sa->desc.encap.dport;
}

static void send4(const struct datapathd *d, const struct sa_desc *sa, uint16_t port)
{
	uint8_t pkt[PACKET_LEN4];
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct ip4_params ip = {.proto = IPPROTO_UDP, .ttl = PATH_TTL, .total_len = sizeof(pkt)};

	memcpy(ip.src, sa->src.b, sizeof(ip.src));
	memcpy(ip.dst, sa->dst.b, sizeof(ip.dst));
	ip4_write(pkt, &ip);
	udp_encap_write(pkt + IP4_HDR_LEN, sa->encap.sport, port, UDP_ENCAP_LEN + 1);
	pkt[sizeof(pkt) - 1] = KEEPALIVE;
	memcpy(&to.sin_addr, sa->dst.b, sizeof(to.sin_addr));
	(void)sendto(d->fd.send4, pkt, sizeof(pkt), MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
}

static void send6(const struct datapathd *d, const struct sa_desc *sa, uint16_t port)
{
	uint8_t pkt[PACKET_LEN6];
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = sa->dst.scope};
	struct ip6_params ip = {.next = IPPROTO_UDP, .hops = PATH_TTL, .payload_len = UDP_ENCAP_LEN + 1};

	memcpy(ip.src, sa->src.b, sizeof(ip.src));
	memcpy(ip.dst, sa->dst.b, sizeof(ip.dst));
	ip6_write(pkt, &ip);
	udp_encap_write(pkt + IP6_HDR_LEN, sa->encap.sport, port, UDP_ENCAP_LEN + 1);
	pkt[sizeof(pkt) - 1] = KEEPALIVE;
	udp_encap_csum6(pkt, sizeof(pkt));
	memcpy(&to.sin6_addr, sa->dst.b, sizeof(to.sin6_addr));
	(void)sendto(d->fd.send6, pkt, sizeof(pkt), MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
}

void datapathd_keepalive(struct datapathd *d)
{
	uint64_t now = clock_now_ms(service_clock(d->service));
	uint64_t usual_ms = tunables_unpack(atomic_load(&d->tune)).keepalive * 1000ull;

	list_foreach (sa, &d->sad.all, struct sa, link) {
		if (!is_due(sa, now, quiet_of(sa, usual_ms)))
			continue;
		sa->kept_alive_ms = now;
		if (sa->desc.dst.family == INET_V6)
			send6(d, &sa->desc, far_port(sa));
		else
			send4(d, &sa->desc, far_port(sa));
		d->n_keepalives++;
	}
}
