/*
 * Inbound, first half: outer header, SA, replay pre-check, integrity and decryption, replay commit (RFC 4301
 * section 5.2 steps 1 to 3, RFC 4303 section 3.4, RFC 4302 section 3.4).
 */
#include "datapathd/stage/path.h"

#include <string.h>

#include "wire/esp/udp_encap.h"

enum { CPI_NEGOTIATED_MIN = 256 /* below: well-known, no SA is named (RFC 3173 section 3.3) */ };

bool path_is_ipsec(uint8_t proto)
{
	return proto == IPSEC_ESP || proto == IPSEC_AH || proto == IPSEC_IPCOMP;
}

/* What port 4500 brought; its IP header was put in front by the receiver. */
static enum drop_reason encap_fault(const struct pkt *p)
{
	switch (udp_encap_kind(p->data + p->place.at, p->len - p->place.at)) {
	case UDP_ENCAP_ESP:
		return DROP_NONE;
	case UDP_ENCAP_KEEPALIVE:
		return DROP_IN_KEEPALIVE;
	case UDP_ENCAP_IKE:
		return DROP_IN_IKE;
	default:
		return DROP_IN_MALFORMED;
	}
}

/* ESP right behind a header without options, which is what nearly all comes as. False: look closely. */
static bool parse_plain(struct pkt *p)
{
	const uint8_t *d = p->data;

	if (p->len < IP4_HDR_LEN || d[0] != 0x45 || d[9] != IPSEC_ESP || (d[6] & 0x3f) || d[7] ||
	    (uint32_t)(d[2] << 8 | d[3]) != p->len)
		return false;
	p->place = (struct ip_place){.at = IP4_HDR_LEN, .proto_off = 9, .next = IPSEC_ESP};
	return true;
}

/* Finds the first IPsec header. */
static bool find_first(struct pkt *p)
{
	struct ip_view v;

	if (parse_plain(p))
		return true;
	if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK || v.is_frag ||
	    ip_find_ipsec(p->data, v.total_len, &p->place) != IP_OK || !path_is_ipsec(p->place.next))
		return false;
	p->len = v.total_len;
	return true;
}

static void parse(struct path *c, struct pkt *p)
{
	enum drop_reason why = DROP_NONE;

	p->v6 = p->len > 0 && p->data[0] >> 4 == 6;
	if (!c->view->enabled)
		why = DROP_IN_DISABLED;
	else if (!find_first(p))
		why = DROP_IN_MALFORMED;
	else if (p->udp_dport)
		why = encap_fault(p);
	if (why != DROP_NONE)
		stage_drop(c->counters, p, why);
}

void stage_parse_in(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) parse(c, p);
}

/* SPI and sequence number of the next header. */
static bool peek(struct pkt *p, uint32_t *ret_spi)
{
	const uint8_t *at = p->data + p->place.at;
	uint32_t left = p->len - p->place.at, seq = 0;
	struct ah_view ah;
	struct ipcomp_view comp;

	switch (p->place.next) {
	case IPSEC_ESP:
		if (esp_peek(at, left, ret_spi, &seq) != ESP_OK)
			return false;
		break;
	case IPSEC_AH:
		if (ah_parse(at, left, &ah) != AH_OK)
			return false;
		*ret_spi = ah.spi;
		seq = ah.seq;
		break;
	default:
		if (ipcomp_parse(at, left, &comp) != IPCOMP_OK)
			return false;
		*ret_spi = comp.cpi;
		p->content.next = comp.next;
		break;
	}
	p->seq = seq;
	return true;
}

static struct sa_rt *find_sa(struct path *c, const struct pkt *p, const struct inet_addr *src,
    const struct inet_addr *dst, uint32_t spi)
{
	enum ipsec_proto proto = (enum ipsec_proto)p->place.next;

	if (proto == IPSEC_IPCOMP && spi < CPI_NEGOTIATED_MIN)
		return sad_find_comp(c->sad, src, dst, (uint16_t)spi, c->now_ms);
	return sad_find_in(c->sad, dst, proto, spi);
}

static struct inet_addr end_of(const struct pkt *p, bool dst)
{
	size_t n = p->v6 ? 16 : 4, at = p->v6 ? 8 : 12;

	return inet_addr_from_bytes(p->data + at + (dst ? n : 0), n);
}

bool path_has_sa(struct path *c, struct pkt *p)
{
	const struct inet_addr src = end_of(p, false), dst = end_of(p, true);
	const struct sa_rt *sa;
	uint32_t spi;

	if (!peek(p, &spi))
		return false;
	sa = find_sa(c, p, &src, &dst, spi);
	return sa && inet_addr_equal(&sa->src, &src);
}

/* The SA may be used for this packet. */
static enum drop_reason sa_fault(const struct path *c, const struct pkt *p, const struct inet_addr *src)
{
	const struct sa_rt *sa = p->sa;
	/* Only the outermost header can be in UDP. */
	bool in_udp = p->udp_dport && !p->n_applied;

	if (!sa || !sa_rt_usable(sa, c->now_ms))
		return DROP_IN_NOSA;
	if (!inet_addr_is_any(&sa->src) && !inet_addr_equal(&sa->src, src))
		return DROP_IN_SOURCE;
	if (sa->proto == IPSEC_ESP && (sa->encap.dport != 0) != in_udp)
		return DROP_IN_ENCAP;
	return DROP_NONE;
}

/* Perhaps a peer that does not know that we have lost it: keyd may tell it. */
static void hint(struct path *c, const struct pkt *p, const struct inet_addr *src,
    const struct inet_addr *dst, uint32_t spi)
{
	const struct unknown_spi u = {
	    .src = *src, .dst = *dst, .proto = (enum ipsec_proto)p->place.next, .spi = spi};

	if (c->unknown && !p->n_applied && bucket_take(&c->unknown_budget, 1, c->now_ms) &&
	    unknown_ring_push(c->unknown, &u))
		c->hints = true;
}

/* ESP that came as the one before it did, by its association: what was found for that holds. */
static bool is_next_of(const struct pkt *before, const struct pkt *p)
{
	return before->sa && !before->n_applied && !p->n_applied && !p->v6 && !before->v6 &&
	       before->place.at == IP4_HDR_LEN && p->place.at == IP4_HDR_LEN &&
	       before->place.next == IPSEC_ESP && p->place.next == IPSEC_ESP &&
	       before->udp_dport == p->udp_dport && p->len >= IP4_HDR_LEN + ESP_HDR_LEN &&
	       memcmp(before->data + 12, p->data + 12, 8 + 4) == 0;
}

static void lookup_like(struct path *c, const struct pkt *before, struct pkt *p)
{
	uint32_t spi;

	if (!peek(p, &spi)) {
		stage_drop(c->counters, p, DROP_IN_LENGTH);
		return;
	}
	p->sa = before->sa;
	if (p->sa->esn)
		p->seq = replay_esn(p->sa->window, (uint32_t)p->seq);
}

static void lookup(struct path *c, struct pkt *p)
{
	const struct inet_addr src = end_of(p, false), dst = end_of(p, true);
	enum drop_reason why;
	uint32_t spi;

	if (p->n_applied == POLICY_REQUESTS_MAX) {
		stage_drop(c->counters, p, DROP_IN_NESTED);
		return;
	}
	if (!peek(p, &spi)) {
		stage_drop(c->counters, p, DROP_IN_LENGTH);
		return;
	}
	p->sa = find_sa(c, p, &src, &dst, spi);
	why = sa_fault(c, p, &src);
	if (!p->sa)
		hint(c, p, &src, &dst, spi);
	if (why != DROP_NONE)
		stage_drop(c->counters, p, why);
	else if (p->sa->esn)
		p->seq = replay_esn(p->sa->window, (uint32_t)p->seq);
}

/* What will be looked at for each, but not for one that is by the SA of the one before it. */
static void fetch_sas(struct path *c, struct batch *b)
{
	uint64_t hash[SAD_FETCH_MAX], last = 0;
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		const struct inet_addr dst = end_of(p, true);
		uint32_t spi;
		uint64_t h;

		if (n == ARRAY_SIZE(hash) || !peek(p, &spi))
			continue;
		h = sad_hash_in(&dst, (enum ipsec_proto)p->place.next, spi);
		if (!n || h != last)
			hash[n++] = last = h;
	}
	if (n >= PATH_FETCH_MIN)
		sad_fetch_in(c->sad, hash, n);
}

void stage_lookup(struct path *c, struct batch *b)
{
	const struct pkt *before = NULL;

	fetch_sas(c, b);
	batch_foreach_go(p, b)
	{
		if (before && is_next_of(before, p))
			lookup_like(c, before, p);
		else
			lookup(c, p);
		before = p->verdict == VERDICT_GO ? p : NULL;
	}
}

static bool checks_replay(const struct sa_rt *sa)
{
	return sa->authenticates && sa->window->size > 0;
}

static enum drop_reason replay_reason(const struct sa_rt *sa)
{
	return sa->proto == IPSEC_AH ? DROP_IN_AHREPLAY : DROP_IN_ESPREPLAY;
}

void stage_replay_check(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) if (checks_replay(p->sa) && replay_check(p->sa->window, p->seq) != REPLAY_NEW)
	    stage_drop(c->counters, p, replay_reason(p->sa));
}

static bool split_esp(struct path *c, struct pkt *p, struct esp_frame *f, struct crypto_op *op)
{
	uint32_t at = p->place.at;

	if (esp_split(&p->sa->geom, p->data + at, p->len - at, f) != ESP_OK) {
		stage_drop(c->counters, p, DROP_IN_LENGTH);
		return false;
	}
	*op = (struct crypto_op){.sa = p->sa->open,
	    .hdr = f->hdr,
	    .iv = f->iv,
	    .data = f->data,
	    .icv = f->icv,
	    .seq = p->seq,
	    .len = f->data_len};
	return true;
}

static void opened_esp(struct path *c, struct pkt *p, enum crypto_result result, const struct esp_frame *f)
{
	switch (result) {
	case CRYPTO_OK:
		if (p->sa->authenticates)
			count_kame(c->counters, p->v6, KAME_IN_ESPAUTHSUCC);
		count_hist(c->counters, p->v6, HIST_IN_ESP, p->sa->enc);
		p->esp = *f;
		return;
	case CRYPTO_BAD_ICV:
		stage_drop(c->counters, p, DROP_IN_ESPAUTH);
		return;
	case CRYPTO_BAD_LEN:
		stage_drop(c->counters, p, DROP_IN_LENGTH);
		return;
	default:
		stage_drop(c->counters, p, DROP_IN_CRYPTO);
	}
}

void stage_open_esp(struct path *c, struct batch *b)
{
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		if (p->sa->proto != IPSEC_ESP || !split_esp(c, p, &c->frames[n], &c->ops[n]))
			continue;
		c->op_pkt[n++] = p;
	}
	if (n)
		(void)crypto_open_burst(c->ops, n);
	for (size_t i = 0; i < n; i++)
		opened_esp(c, c->op_pkt[i], c->ops[i].result, &c->frames[i]);
}

/* KAME counts AH in its histogram once the lengths are right, before the ICV is looked at. */
static bool pieces_ah(struct path *c, struct pkt *p, struct ah_pieces *pieces)
{
	struct ah_view ah;

	if (ah_parse(p->data + p->place.at, p->len - p->place.at, &ah) != AH_OK ||
	    ah_check_len(&ah, p->sa->icv_len, p->v6 ? 6 : 4) != AH_OK) {
		stage_drop(c->counters, p, DROP_IN_LENGTH);
		return false;
	}
	count_hist(c->counters, p->v6, HIST_IN_AH, p->sa->auth);
	if (ah_pieces(p->data, p->len, p->place.at, p->sa->icv_len, AH_RECEIVED, pieces) == AH_OK)
		return true;
	stage_drop(c->counters, p, DROP_IN_MALFORMED);
	return false;
}

void stage_open_ah(struct path *c, struct batch *b)
{
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		if (p->sa->proto != IPSEC_AH || !pieces_ah(c, p, &c->pieces[n]))
			continue;
		c->mac_ops[n] = (struct crypto_mac_op){.sa = p->sa->open,
		    .piece = c->pieces[n].v,
		    .n_pieces = ARRAY_SIZE(c->pieces[n].v),
		    .icv = p->data + p->place.at + AH_FIXED_LEN,
		    .seq = p->seq};
		c->op_pkt[n++] = p;
	}
	if (n)
		(void)crypto_mac_open_burst(c->mac_ops, n);
	for (size_t i = 0; i < n; i++) {
		struct pkt *p = c->op_pkt[i];

		if (c->mac_ops[i].result == CRYPTO_OK)
			count_kame(c->counters, p->v6, KAME_IN_AHAUTHSUCC);
		else
			stage_drop(c->counters, p,
			    c->mac_ops[i].result == CRYPTO_BAD_ICV ? DROP_IN_AHAUTH : DROP_IN_CRYPTO);
	}
}

/* From another port than before, and newer than all that came: what is late may come from the old one. */
static void follow(struct path *c, const struct pkt *p)
{
	const struct sa_rt *sa = p->sa;
	const struct moved m = {.serial = sa->serial, .port = p->udp_sport};

	if (!c->moved || !p->udp_dport || p->n_applied || p->seq != sa->window->top ||
	    inet_addr_is_any(&sa->src))
		return;
	if (sa_rt_far_port(sa, sa->encap.sport) != m.port && bucket_take(&c->moved_budget, 1, c->now_ms) &&
	    moved_ring_push(c->moved, &m))
		c->hints = true;
}

/* In the order of the batch: of two packets with one number the first counts (RFC 4303 section 3.4.3). */
void stage_replay_commit(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b)
	{
		if (!p->sa->authenticates)
			continue;
		if (replay_commit(p->sa->window, p->seq) != REPLAY_NEW)
			stage_drop(c->counters, p, replay_reason(p->sa));
		else
			follow(c, p);
	}
}
