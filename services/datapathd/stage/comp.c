/*
 * IPComp (RFC 3173), both ways. A packet is never made longer: what does not shrink goes on without the
 * header, in tunnel mode as IP in IP.
 */
#include <string.h>

#include "datapathd/stage/shell.h"

static void compress(struct path *c, struct pkt *p)
{
	struct shell s;
	uint32_t head = 0, total;
	size_t n;
	uint8_t proto;

	if (!shell_of(c, p, &s))
		return;
	proto = s.next;
	n = s.len;
	if (ipcomp_deflate(c->comp, s.at, s.len, c->comp_room, sizeof(c->comp_room), &n) == IPCOMP_OK) {
		head = IPCOMP_HDR_LEN;
		proto = IPSEC_IPCOMP;
	} else {
		n = s.len;
		count_path(c->counters, PATH_NOT_COMPRESSED);
		if (p->mode != IPSEC_TUNNEL) {
			p->n_applied++;
			return;
		}
	}
	total = s.ip_len + head + (uint32_t)n;
	if (!shell_fits(c, p, &s, head, total))
		return;
	shell_put(c, p, &s, head, total, proto);
	if (!head) {
		p->n_applied++;
		return;
	}
	memcpy(s.at, c->comp_room, n);
	ipcomp_write(s.at - head, s.next, p->sa->cpi);
	shell_sealed(c, p, HIST_OUT_COMP, p->sa->comp);
}

void stage_seal_comp(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) if (p->sa->proto == IPSEC_IPCOMP) compress(c, p);
}

/* The expanded data takes the place of the header. */
static void expand(struct path *c, struct pkt *p)
{
	uint8_t *at = p->data + p->place.at;
	uint32_t len = p->len - p->place.at;
	size_t most = PKT_LEN_MAX - p->place.at, n;
	int r;

	if (most > (size_t)(p->room_end - at))
		most = (size_t)(p->room_end - at);
	r = ipcomp_inflate(c->comp, at + IPCOMP_HDR_LEN, len - IPCOMP_HDR_LEN, c->comp_room, most, &n);
	if (r != IPCOMP_OK) {
		stage_drop(c->counters, p, DROP_IN_COMP);
		return;
	}
	memcpy(at, c->comp_room, n);
	p->content = (struct content){.at = at, .len = (uint32_t)n, .next = p->content.next};
	count_hist(c->counters, p->v6, HIST_IN_COMP, p->sa->comp);
}

void stage_open_comp(struct path *c, struct batch *b)
{
	batch_foreach_go(p, b) if (p->sa->proto == IPSEC_IPCOMP) expand(c, p);
}
