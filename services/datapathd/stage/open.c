/*
 * Inbound, first half: outer header, SA, replay pre-check, integrity and decryption, replay commit (RFC 4301
 * section 5.2 steps 1 to 3, RFC 4303 section 3.4, RFC 4302 section 3.4).
 */
#include "datapathd/stage/path.h"

void stage_parse_in(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b)
	{
		struct ip_view v;

		p->v6 = false;
		if (!c->view->enabled) {
			stage_drop(c->counters, p, DROP_IN_DISABLED);
			continue;
		}
		if (ip_parse(p->data, p->len, IP_TRUST_SUM, &v) != IP_OK || v.version != 4 || v.is_frag ||
		    (v.proto != IPSEC_ESP && v.proto != IPSEC_AH)) {
			stage_drop(c->counters, p, DROP_IN_MALFORMED);
			continue;
		}
		p->len = v.total_len;
	}
}

static uint32_t ihl(const struct pkt *p)
{
	return (uint32_t)(p->data[0] & 15) * 4;
}

/* SPI and sequence number of the next header. */
static bool peek(struct pkt *p, uint32_t *ret_spi)
{
	const uint8_t *at = p->data + ihl(p);
	uint32_t left = p->len - ihl(p), seq;
	struct ah_view ah;

	if (p->data[9] == IPSEC_ESP) {
		if (esp_peek(at, left, ret_spi, &seq) != ESP_OK)
			return false;
		p->seq = seq;
		return true;
	}
	if (ah_parse(at, left, &ah) != AH_OK)
		return false;
	*ret_spi = ah.spi;
	p->seq = ah.seq;
	return true;
}

static void lookup(struct path *c, struct pkt *p)
{
	const struct inet_addr src = inet_addr_from_bytes(p->data + 12, 4),
	                       dst = inet_addr_from_bytes(p->data + 16, 4);
	enum ipsec_proto proto = (enum ipsec_proto)p->data[9];
	uint32_t spi;

	if (p->n_applied == POLICY_REQUESTS_MAX) {
		stage_drop(c->counters, p, DROP_IN_NESTED);
		return;
	}
	if (!peek(p, &spi)) {
		stage_drop(c->counters, p, DROP_IN_LENGTH);
		return;
	}
	p->sa = sad_find_in(c->sad, &dst, proto, spi);
	if (!p->sa)
		stage_drop(c->counters, p, DROP_IN_NOSA);
	else if (atomic_load_explicit(&p->sa->run->state, memory_order_relaxed) == SA_LARVAL)
		stage_drop(c->counters, p, DROP_IN_STATE);
	else if (!sa_rt_usable(p->sa, c->now_ms))
		stage_drop(c->counters, p, DROP_IN_NOSA);
	else if (!inet_addr_is_any(&p->sa->src) && !inet_addr_equal(&p->sa->src, &src))
		stage_drop(c->counters, p, DROP_IN_SOURCE);
}

void stage_lookup(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) lookup(c, p);
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
	uint32_t at = ihl(p);

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
			count_kame(c->counters, false, KAME_IN_ESPAUTHSUCC);
		count_hist(c->counters, false, HIST_IN_ESP, p->sa->enc);
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

	if (ah_parse(p->data + ihl(p), p->len - ihl(p), &ah) != AH_OK ||
	    ah_check_len(&ah, p->sa->icv_len, 4) != AH_OK) {
		stage_drop(c->counters, p, DROP_IN_LENGTH);
		return false;
	}
	count_hist(c->counters, false, HIST_IN_AH, p->sa->auth);
	if (ah_pieces(p->data, p->len, (uint16_t)ihl(p), p->sa->icv_len, AH_RECEIVED, pieces) == AH_OK)
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
		    .n_pieces = 3,
		    .icv = p->data + ihl(p) + AH_FIXED_LEN,
		    .seq = p->seq};
		c->op_pkt[n++] = p;
	}
	if (n)
		(void)crypto_mac_open_burst(c->mac_ops, n);
	for (size_t i = 0; i < n; i++) {
		if (c->mac_ops[i].result == CRYPTO_OK)
			count_kame(c->counters, false, KAME_IN_AHAUTHSUCC);
		else
			stage_drop(c->counters, c->op_pkt[i],
			    c->mac_ops[i].result == CRYPTO_BAD_ICV ? DROP_IN_AHAUTH : DROP_IN_CRYPTO);
	}
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
	}
}
