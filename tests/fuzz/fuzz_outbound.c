/*
 * Clear packets through the whole outbound pipeline, and what it sends through the inbound pipeline of
 * another host with the same SAs. The first octet picks the policy and whether the packet's addresses are
 * made those of the SAs, the second what is known of the way; the rest is the packet. Nothing may be sent
 * that is no packet, longer than was allowed, or that the other end does not read as what it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapathd/sa/path_mtu.h"
#include "support/path_rig.h"
#include "wire/esp/udp_encap.h"
#include "wire/ip/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX = 9000, OWN_ADDRESSES = 0x40, V6 = 0x20, POLICY = 0x1f };

static const char *const ends[2][2] = {{"10.0.0.1", "10.0.0.2"}, {"2001:db8::1", "2001:db8::2"}};

/* Requests innermost first. UDP stands for ESP in UDP. */
enum { E = IPSEC_ESP, H = IPSEC_AH, C = IPSEC_IPCOMP, UDP = 17 };
static const struct {
	uint8_t proto[4];
	bool tunnel[4];
} bundles[] = {
    {{E}, {true}},
    {{E}, {false}},
    {{H}, {true}},
    {{H}, {false}},
    {{E, H}, {false, false}},
    {{E, H}, {true, false}},
    {{E, H}, {true, true}},
    {{C, E}, {false, false}},
    {{C, E}, {true, false}},
    {{C, E, H}, {true, true, false}},
    {{UDP}, {true}},
    {{UDP}, {false}},
    {{H, UDP}, {false, true}},
    {{H, C, E, H}, {true, true, true, true}},
};

static struct path_rig from, to;
static unsigned policy_now = UINT32_MAX;

static void add(bool v6, enum ipsec_proto proto, uint32_t reqid, bool udp)
{
	struct sa_desc d = path_rig_desc(ends[v6][0], ends[v6][1], proto, 0x1000 + reqid, IPSEC_MODE_ANY,
	    proto == IPSEC_ESP ? ALG_ENC_AES_CBC : ALG_ENC_NONE,
	    proto == IPSEC_IPCOMP ? ALG_AUTH_NONE : ALG_AUTH_HMAC_SHA256);

	d.reqid = reqid;
	if (proto == IPSEC_IPCOMP) {
		d.comp = ALG_COMP_DEFLATE;
		d.replay_bytes = 0;
	}
	if (udp)
		d.encap = (struct sa_encap){.sport = SA_UDP_PORT, .dport = SA_UDP_PORT};
	if (!path_rig_add(&from, &d, NULL) || !path_rig_add(&to, &d, NULL))
		abort();
}

/* An SA for each place in each bundle, told apart by its request id. */
static uint32_t reqid_of(unsigned bundle, unsigned place)
{
	return 1 + bundle * 4 + place;
}

static void begin(void)
{
	const struct selector all[2] = {path_rig_selector("0.0.0.0/0", "0.0.0.0/0", IPPROTO_ANY_),
	    path_rig_selector("::/0", "::/0", IPPROTO_ANY_)};
	struct policy any[2] = {path_rig_policy(POLICY_IN, &all[0], POLICY_PASS),
	    path_rig_policy(POLICY_IN, &all[1], POLICY_PASS)};

	path_rig_init(&from);
	path_rig_init(&to);
	for (unsigned b = 0; b < ARRAY_SIZE(bundles); b++)
		for (unsigned i = 0; i < 4 && bundles[b].proto[i]; i++)
			for (int v6 = 0; v6 < 2; v6++) {
				bool udp = bundles[b].proto[i] == UDP;

				add(v6, udp ? IPSEC_ESP : (enum ipsec_proto)bundles[b].proto[i],
				    reqid_of(b, i), udp);
			}
	path_rig_spd(&to, any, 2);
}

/* The SPD of the bundle, for both families, over the outer family. */
static void use_policy(unsigned b, bool v6)
{
	const struct selector all[2] = {path_rig_selector("0.0.0.0/0", "0.0.0.0/0", IPPROTO_ANY_),
	    path_rig_selector("::/0", "::/0", IPPROTO_ANY_)};
	struct policy p[2];

	if (policy_now == b * 2 + v6)
		return;
	policy_now = b * 2 + v6;
	for (int f = 0; f < 2; f++) {
		p[f] = path_rig_policy(POLICY_OUT, &all[f], POLICY_IPSEC);
		for (unsigned i = 0; i < 4 && bundles[b].proto[i]; i++) {
			uint8_t proto = bundles[b].proto[i];
			bool tunnel = bundles[b].tunnel[i];

			path_rig_request(&p[f], proto == UDP ? IPSEC_ESP : (enum ipsec_proto)proto,
			    tunnel ? IPSEC_TUNNEL : IPSEC_TRANSPORT, LEVEL_UNIQUE,
			    tunnel ? ends[v6][0] : NULL, tunnel ? ends[v6][1] : NULL);
			p[f].req[i].reqid = reqid_of(b, i);
		}
	}
	path_rig_spd(&from, p, 2);
}

/* What is known of the way of the outermost SA: 0 nothing, else eight octets a unit. */
static void know_path(unsigned b, bool v6, uint8_t units)
{
	const struct inet_addr dst = path_rig_addr(ends[v6][1]);
	unsigned last = 0;
	struct sa_rt *sa;

	while (last < 3 && bundles[b].proto[last + 1])
		last++;
	sa = sad_find_in(&from.sad, &dst,
	    bundles[b].proto[last] == UDP ? IPSEC_ESP : (enum ipsec_proto)bundles[b].proto[last],
	    0x1000 + reqid_of(b, last));
	if (!sa)
		abort();
	sa->path = (struct sa_path){0};
	if (units)
		(void)sa_path_learn(sa, units * 8u, from.clock.ms);
}

static void set_addresses(uint8_t *pkt, size_t n)
{
	bool v6 = n && pkt[0] >> 4 == 6;
	const struct inet_addr src = path_rig_addr(ends[v6][0]), dst = path_rig_addr(ends[v6][1]);
	size_t at = v6 ? 8 : 12, len = v6 ? 16 : 4;

	if (n < at + 2 * len)
		return;
	memcpy(pkt + at, src.b, len);
	memcpy(pkt + at + len, dst.b, len);
}

/* Into the other host's batch, as its sockets would have it. */
static void carry(const struct pkt *p)
{
	static uint8_t wire[PKT_LEN_MAX + IP6_HDR_LEN];
	struct ip_place place;
	size_t len = p->len;
	struct pkt *q;
	bool udp;

	if (len > PKT_LEN_MAX)
		return;
	memcpy(wire, p->data, len);
	udp = ip_find_ipsec(wire, len, &place) == IP_OK && place.next == 17;
	if (udp) {
		memmove(wire + place.at, wire + place.at + UDP_ENCAP_LEN, len - place.at - UDP_ENCAP_LEN);
		len -= UDP_ENCAP_LEN;
		ip_set_payload(wire, place.proto_off, IPSEC_ESP, (uint32_t)len);
	}
	path_rig_clear(&to);
	q = path_rig_put(&to, wire, len);
	q->udp_sport = q->udp_dport = udp ? SA_UDP_PORT : 0;
	path_rig_in(&to);
}

/* Whether the other end must deliver exactly this: whole, right, nothing in it that it would undo too, and
 * nothing that is changed on purpose. */
static bool must_arrive(const uint8_t *pkt, size_t n)
{
	struct ip_view v;

	if (ip_parse(pkt, n, IP_CHECK_SUM, &v) != IP_OK || v.is_frag)
		return false;
	if (v.version == 4 && (v.hdr_len != IP4_HDR_LEN || !v.frag_id))
		return false;
	if (v.version == 6 && v.upper_off != IP6_HDR_LEN)
		return false;
	/* Segment sizes are lowered and checksums made anew; 59 behind ESP is a dummy. */
	return v.proto != 59 && v.proto != 58 && v.proto != 4 && v.proto != 6 && v.proto != 17 &&
	       v.proto != 41 && v.proto != 136 && v.proto != E && v.proto != H && v.proto != C;
}

static bool has_extensions(const uint8_t *pkt, size_t n)
{
	struct ip_view v;

	return ip_parse(pkt, n, IP_TRUST_SUM, &v) == IP_OK && v.version == 6 && v.proto_off != 6;
}

static void check(const struct pkt *p, const uint8_t *clear, size_t n)
{
	const struct pkt *q = &to.batch.pkt[0];
	struct ip_view v;

	if (p->verdict == VERDICT_GO || (p->verdict == VERDICT_DROP) != (p->reason != DROP_NONE) ||
	    p->data < p->room || p->data + p->len > p->room_end)
		abort();
	if (p->verdict != VERDICT_SEND && p->verdict != VERDICT_DELIVER)
		return;
	if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK) {
		/* AH is one more of the extension headers that are walked at most. */
		if (!has_extensions(clear, n))
			abort();
		return;
	}
	if (v.total_len != p->len)
		abort();
	if (p->verdict != VERDICT_SEND || !must_arrive(clear, n))
		return;
	if (ip_parse(clear, n, IP_TRUST_SUM, &v) != IP_OK)
		abort();
	carry(p);
	if (!to.batch.n || q->verdict != VERDICT_DELIVER)
		abort();
	/* A packet that was cut arrives in pieces. */
	if (p->fragment || from.batch.n > 1)
		return;
	if (q->len != v.total_len || memcmp(q->data, clear, q->len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t pkt[MAX];
	unsigned b;
	bool v6;

	if (!from.store)
		begin();
	if (n < 2 || n > MAX)
		return 0;
	b = (data[0] & POLICY) % ARRAY_SIZE(bundles);
	v6 = data[0] & V6;
	use_policy(b, v6);
	know_path(b, v6, data[1]);
	memcpy(pkt, data + 2, n - 2);
	if (data[0] & OWN_ADDRESSES)
		set_addresses(pkt, n - 2);
	path_rig_clear(&from);
	from.clock.ms++;
	to.clock.ms++;
	(void)path_rig_put(&from, pkt, n - 2);
	path_rig_out(&from);
	for (uint32_t i = 0; i < from.batch.n; i++)
		check(&from.batch.pkt[i], pkt, n - 2);
	return 0;
}
