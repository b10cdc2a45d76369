/*
 * Outbound ESP and AH: headers are built around the packet where it lies, then one burst does the
 * cryptography.
 */
#include <string.h>

#include "datapathd/stage/shell.h"

/* Frames one packet; false when it was dropped. */
static bool frame_esp(struct path *c, struct pkt *p, struct esp_frame *f, struct crypto_op *op)
{
	const struct sa_rt *sa = p->sa;
	struct shell s;
	uint32_t total;

	if (!shell_of(c, p, &s))
		return false;
	total = s.ip_len + s.udp_len + (uint32_t)esp_sealed_len(&sa->geom, s.len);
	if (!shell_fits(c, p, &s, sa->geom.head, total))
		return false;
	shell_put(c, p, &s, sa->geom.head, total, IPSEC_ESP);
	esp_frame(&sa->geom, s.at, s.len, sa->spi, (uint32_t)p->seq, s.next, sa->pad, c->rng, f);
	*op = (struct crypto_op){.sa = sa->seal,
	    .hdr = f->hdr,
	    .iv = f->iv,
	    .data = f->data,
	    .icv = f->icv,
	    .seq = p->seq,
	    .len = f->data_len};
	return true;
}

void stage_seal_esp(struct path *c, struct batch *b)
{
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		if (p->sa->proto != IPSEC_ESP || !frame_esp(c, p, &c->frames[n], &c->ops[n]))
			continue;
		c->op_pkt[n++] = p;
	}
	if (n)
		(void)crypto_seal_burst(c->ops, n);
	for (size_t i = 0; i < n; i++) {
		if (c->ops[i].result == CRYPTO_OK)
			shell_sealed(c, c->op_pkt[i], HIST_OUT_ESP, c->op_pkt[i]->sa->enc);
		else
			stage_drop(c->counters, c->op_pkt[i], DROP_OUT_CRYPTO);
	}
}

/* Headers first: the ICV covers the outer header as it will be at its destination (RFC 4302 section 3.3.3).
 */
static bool frame_ah(struct path *c, struct pkt *p, struct ah_pieces *pieces, uint8_t **ret_ah)
{
	uint8_t version = p->sa->dst.family == INET_V6 ? 6 : 4;
	uint32_t head = (uint32_t)ah_len(p->sa->icv_len, version), total;
	struct shell s;

	if (!shell_of(c, p, &s))
		return false;
	total = s.ip_len + head + s.len;
	if (!shell_fits(c, p, &s, head, total))
		return false;
	shell_put(c, p, &s, head, total, IPSEC_AH);
	*ret_ah = s.at - head;
	ah_write(*ret_ah, p->sa->icv_len, version, p->sa->spi, (uint32_t)p->seq, s.next);
	if (ah_pieces(p->data, p->len, (uint16_t)s.ip_len, p->sa->icv_len, AH_SENDING, pieces) == AH_OK)
		return true;
	stage_drop(c->counters, p, DROP_OUT_HEADER);
	return false;
}

void stage_seal_ah(struct path *c, struct batch *b)
{
	size_t n = 0;

	batch_foreach_go(p, b)
	{
		uint8_t *ah;

		if (p->sa->proto != IPSEC_AH || !frame_ah(c, p, &c->pieces[n], &ah))
			continue;
		c->mac_ops[n] = (struct crypto_mac_op){.sa = p->sa->seal,
		    .piece = c->pieces[n].v,
		    .n_pieces = ARRAY_SIZE(c->pieces[n].v),
		    .icv = c->icv[n],
		    .seq = p->seq};
		c->frames[n].icv = ah + AH_FIXED_LEN;
		c->op_pkt[n++] = p;
	}
	if (n)
		(void)crypto_mac_seal_burst(c->mac_ops, n);
	for (size_t i = 0; i < n; i++) {
		struct pkt *p = c->op_pkt[i];

		if (c->mac_ops[i].result != CRYPTO_OK) {
			stage_drop(c->counters, p, DROP_OUT_CRYPTO);
			continue;
		}
		memcpy(c->frames[i].icv, c->icv[i], p->sa->icv_len);
		shell_sealed(c, p, HIST_OUT_AH, p->sa->auth);
	}
}
