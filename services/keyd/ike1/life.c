/*
 * Phase 1 has its own numbers for the attributes, phase 2 others (RFC 2409 appendix A, RFC 2407 section 4.5);
 * about an ISAKMP SA both are heard, as the RFC does not say which.
 */
#include "keyd/ike1/life.h"

#include "keyd/ike1/inform.h"
#include "keyd/ike1/kept.h"
#include "keyd/ike1/numbers.h"
#include "keyd/ike1/phase1.h"
#include "wire/ike/v1_transform.h"

enum { ATTRS_MAX = 64, SPI_LEN = 4, CPI_LEN = 2 };

/* Only attributes that are whole may be looked at. */
static bool is_list(const struct ike1_notification *n)
{
	struct rd r = rd_init(n->data, n->len);
	struct ike1_attr a;

	while (ike1_attr_next(&r, &a))
		;
	return n->len && n->len <= UINT16_MAX && rd_done(&r);
}

/* What it says; 0: nothing about that. */
static struct ike1_lifetimes read_life(const struct ike1_notification *n)
{
	const struct ike1_transform t = {.attrs = n->data, .attrs_len = (uint16_t)n->len};
	struct ike1_lifetimes none = {0};
	struct ike1_phase1 p1;
	struct ike1_phase2 p2;
	uint16_t unknown;

	if (!is_list(n))
		return none;
	if (ike1_phase2_decode(&t, &p2, &unknown) == IKE_OK && (p2.life.seconds || p2.life.kilobytes))
		return p2.life;
	if (n->protocol == IKE1_PROTO_ISAKMP && ike1_phase1_decode(&t, &p1, &unknown) == IKE_OK)
		return p1.life;
	return none;
}

static void shorten(uint64_t *to, uint64_t said, uint64_t least)
{
	if (said && said < least)
		said = least;
	if (said && (!*to || said < *to))
		*to = said;
}

uint64_t life_answered(uint64_t own, uint64_t said, uint64_t least)
{
	uint64_t holds = own;

	shorten(&holds, said, least);
	return holds;
}

void life_put2(const struct quick *q, struct ike_out *o)
{
	const struct ike1_phase2 said = {.life = {q->terms.seconds, q->terms.kilobytes}};
	uint8_t attrs[ATTRS_MAX], first;
	struct ike_out list;
	size_t n;

	if (!q->tell_life)
		return;
	ike_out_init_chain(&list, attrs, sizeof(attrs), &first);
	ike1_put_phase2(&list, &said);
	n = ike_out_end(&list);
	for (uint8_t i = 0; i < q->n_parts; i++) {
		const struct quick_part *p = &q->part[i];
		uint8_t spi[SPI_LEN], len = p->proto == IPSEC_IPCOMP ? CPI_LEN : SPI_LEN;
		struct wr w = wr_init(spi, sizeof(spi));
		const struct ike1_notification note = {.doi = IKE1_DOI_IPSEC,
		    .protocol = ike1_wire_proto(p->proto),
		    .spi_len = len,
		    .spi = spi + SPI_LEN - len,
		    .type = IKE1_N_RESPONDER_LIFETIME,
		    .data = attrs,
		    .len = (uint32_t)n};

		wr_u32(&w, p->spi_in);
		ike1_put_notify(o, &note);
	}
}

void life_take2(struct quick *q, const struct ike_chain *c)
{
	const struct ike1_terms was = q->terms;
	const struct ike_payload *p;
	struct ike1_notification n;
	struct ike1_lifetimes said;

	for (uint32_t i = 0; (p = ike_chain_find(c, IKE1_P_NOTIFY, i)); i++) {
		if (ike1_notify_parse(p, &n) != IKE_OK || n.type != IKE1_N_RESPONDER_LIFETIME)
			continue;
		said = read_life(&n);
		shorten(&q->terms.seconds, said.seconds, LIFE_LEAST_S);
		shorten(&q->terms.kilobytes, said.kilobytes, LIFE_LEAST_KB);
	}
	if (q->terms.seconds != was.seconds || q->terms.kilobytes != was.kilobytes)
		core_log(q->sa->core, CORE_INFO, "ipsec.life",
		    "the peer says RESPONDER-LIFETIME: %llu s and %llu KB hold in place of %llu and %llu "
		    "(0: no limit)",
		    (unsigned long long)q->terms.seconds, (unsigned long long)q->terms.kilobytes,
		    (unsigned long long)was.seconds, (unsigned long long)was.kilobytes);
}

static size_t put_own(const struct isakmp *sa, uint8_t attrs[ATTRS_MAX])
{
	const struct ike1_phase1 said = {.life = {.seconds = sa->terms.seconds}};
	struct ike_out list;
	uint8_t first;

	ike_out_init_chain(&list, attrs, ATTRS_MAX, &first);
	ike1_put_phase1(&list, &said);
	return ike_out_end(&list);
}

void life_put1(const struct isakmp *sa, struct ike_out *o)
{
	uint8_t attrs[ATTRS_MAX], cookies[ISAKMP_COOKIES_LEN];
	struct ike1_notification note = {.doi = IKE1_DOI_IPSEC,
	    .protocol = IKE1_PROTO_ISAKMP,
	    .spi_len = sizeof(cookies),
	    .spi = cookies,
	    .type = IKE1_N_RESPONDER_LIFETIME,
	    .data = attrs};

	if (!sa->tell_life)
		return;
	isakmp_put_cookies(sa, cookies);
	note.len = (uint32_t)put_own(sa, attrs);
	ike1_put_notify(o, &note);
}

void life_tell1(struct isakmp *sa)
{
	uint8_t attrs[ATTRS_MAX];

	if (!sa->initiator && sa->tell_life && sa->mode != IKE_MODE_MAIN)
		inform_notify(sa, IKE1_N_RESPONDER_LIFETIME, attrs, put_own(sa, attrs));
}

void life_note1(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *p;
	struct ike1_notification n;

	if (!sa->initiator || sa->mode != IKE_MODE_MAIN)
		return;
	sa->told_life = 0;
	for (uint32_t i = 0; (p = ike_chain_find(c, IKE1_P_NOTIFY, i)); i++)
		if (ike1_notify_parse(p, &n) == IKE_OK && n.type == IKE1_N_RESPONDER_LIFETIME &&
		    n.protocol == IKE1_PROTO_ISAKMP)
			shorten(&sa->told_life, read_life(&n).seconds, LIFE_LEAST_S);
}

static void shorten_isakmp(struct isakmp *sa, uint64_t said)
{
	uint64_t was = sa->terms.seconds;
	char name[ISAKMP_NAME_MAX];

	shorten(&sa->terms.seconds, said, LIFE_LEAST_S);
	if (!sa->initiator || sa->terms.seconds == was)
		return;
	core_log(sa->core, CORE_INFO, "isakmp.life",
	    "the peer says RESPONDER-LIFETIME: %llu s hold in place of %llu. %s",
	    (unsigned long long)sa->terms.seconds, (unsigned long long)was, isakmp_name(sa, name));
	kept_isakmp(sa);
	phase1_plan(sa);
}

void life_up(struct isakmp *sa)
{
	if (sa->told_life)
		shorten_isakmp(sa, sa->told_life);
}

void life_notify(struct isakmp *sa, const struct ike1_notification *n)
{
	struct rd r = rd_init(n->spi, n->spi_len);
	struct ike1_lifetimes said = read_life(n);
	struct child *k = NULL;

	if (n->protocol == IKE1_PROTO_ISAKMP) {
		if (sa->initiator)
			shorten_isakmp(sa, said.seconds);
		return;
	}
	if (n->spi_len == SPI_LEN && n->protocol == IKE1_PROTO_ESP)
		k = child_by_peer_spi(sa->core, sa->party, IPSEC_ESP, rd_u32(&r));
	else if (n->spi_len == SPI_LEN && n->protocol == IKE1_PROTO_AH)
		k = child_by_peer_spi(sa->core, sa->party, IPSEC_AH, rd_u32(&r));
	if (k && k->initiator && said.seconds)
		child_shorten(k, said.seconds < LIFE_LEAST_S ? LIFE_LEAST_S : said.seconds);
}
