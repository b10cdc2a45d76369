#include "keyd/ike1/trace.h"

#include <stdio.h>

#include "crypto/ike.h"
#include "wire/ike/v1_rules.h"
#include "wire/ike/v1_transform.h"

enum { PREFIX_TEXT = INET_ADDR_STRLEN + 16 };

void trace_remote(struct core *c, const struct ike_peer *p, const struct ike_path *path)
{
	char b[INET_ADDR_STRLEN];

	if (!core_traces(c))
		return;
	inet_addr_format(&path->remote, b);
	if (p->addr.family == INET_NONE)
		core_trace(c, "conf.remote", "anonymous configuration selected for %s.", b);
	else
		core_trace(c, "conf.remote", "configuration found for %s[%u].", b, path->remote_port);
}

void trace_chain(struct core *c, const struct ike_chain *chain)
{
	for (uint32_t i = 0; core_traces(c) && i < chain->n; i++) {
		const struct ike_payload *p = &chain->p[i];
		const char *name = ike1_payload_name(p->type);

		core_trace(
		    c, "message.payload", "seen nptype=%u(%s) of len %u", p->type, name ? name : "?", p->len);
	}
}

static void trace_transform(struct core *c, const struct ike1_transform *t)
{
	struct ike1_phase1 p;
	uint16_t unknown;

	if (ike1_phase1_decode(t, &p, &unknown) != IKE_OK) {
		core_trace(c, "offer.transform", "trns#=%u: its attributes contradict each other", t->number);
		return;
	}
	core_trace(c, "offer.transform",
	    "trns#=%u, trns-id=%u: Encryption Algorithm %u, Key Length %u, Hash Algorithm %u, Authentication "
	    "Method "
	    "%u, Group Description %u, Life Duration %llu seconds%s",
	    t->number, t->id, p.cipher, p.key_bits, p.hash, p.auth, p.group,
	    (unsigned long long)p.life.seconds, unknown ? ", and attributes that are not known here" : "");
}

void trace_sa1(struct core *c, const struct ike1_sa *offered)
{
	for (uint8_t i = 0; core_traces(c) && i < offered->n_proposals; i++) {
		const struct ike1_proposal *p = &offered->proposal[i];

		core_trace(c, "offer.proposal", "proposal #%u: prot-id=%u, spi-size=%u, #trns=%u", p->number,
		    p->protocol, p->spi_len, p->n_transforms);
		for (uint8_t k = 0; k < p->n_transforms; k++)
			trace_transform(c, &offered->transform[p->first + k]);
	}
}

void trace_terms(const struct isakmp *sa)
{
	const struct alg_enc_info *enc = alg_enc_by_id(sa->terms.enc);

	core_trace(sa->core, "isakmp.terms",
	    "matched: encryption(%s) keylen=%u hash(%s) group %u, %s, lifetime %llu seconds",
	    enc ? enc->name : "?", sa->terms.key_len * 8u, crypto_prf_name(sa->terms.prf),
	    (unsigned)sa->terms.group, ike_auth_method_name(sa->terms.auth),
	    (unsigned long long)sa->terms.seconds);
}

static const char *prefix_text(const struct inet_prefix *p, uint16_t port, char buf[PREFIX_TEXT])
{
	char a[INET_ADDR_STRLEN];

	if (port)
		snprintf(buf, PREFIX_TEXT, "%s/%u[%u]", inet_addr_format(&p->addr, a), p->plen, port);
	else
		snprintf(buf, PREFIX_TEXT, "%s/%u[any]", inet_addr_format(&p->addr, a), p->plen);
	return buf;
}

static void trace_policy(struct core *c, const char *way, const struct policy *p)
{
	char a[PREFIX_TEXT], b[PREFIX_TEXT];

	core_trace(c, "policy.found", "suitable %s SP found: %s %s proto=%u, policy %u", way,
	    prefix_text(&p->sel.src, p->sel.sport, a), prefix_text(&p->sel.dst, p->sel.dport, b),
	    p->sel.proto, p->id);
}

void trace_policies(const struct quick *q)
{
	trace_policy(q->sa->core, "outbound", &q->out);
	if (q->has_in)
		trace_policy(q->sa->core, "inbound", &q->in);
}

void trace_sainfo(const struct quick *q)
{
	const struct ike_child *k = q->conf;

	if (k->local.kind == IKE_SIDE_ANY && k->remote.kind == IKE_SIDE_ANY)
		core_trace(q->sa->core, "conf.sainfo", "anonymous sainfo selected.");
	else
		core_trace(q->sa->core, "conf.sainfo", "sainfo of %s:%u selected.",
		    k->file ? k->file : "the file", k->line);
}

void trace_hash(const struct isakmp *sa, unsigned number)
{
	core_trace(sa->core, "ipsec.hash", "HASH(%u) validate: it is the peer's.", number);
}

void trace_iv(const struct isakmp *sa)
{
	core_trace(sa->core, "ipsec.iv", "compute IV for phase2: phase2 IV computed.");
}

static const char *mode_word(enum ipsec_mode m)
{
	return m == IPSEC_TUNNEL ? "Tunnel" : "Transport";
}

void trace_part(const struct quick *q, const struct quick_part *p)
{
	const struct alg_enc_info *enc = alg_enc_by_id(p->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(p->auth);

	core_trace(q->sa->core, "ipsec.matched",
	    "matched: (proto_id=%s spi=%08x encmode=%s reqid=%u:%u) (trns_id=%s encklen=%u authtype=%s)",
	    child_proto_word(p->proto), p->spi_in, mode_word(p->mode), p->reqid_in, p->reqid_out,
	    enc       ? enc->name
	    : p->comp ? alg_comp_name(p->comp)
	              : "none",
	    p->wire_bits, auth ? auth->name : "none");
	if (p->proto != IPSEC_IPCOMP)
		core_trace(q->sa->core, "ipsec.keymat", "KEYMAT computed for %s, lifetime %llu seconds.",
		    child_proto_word(p->proto), (unsigned long long)q->terms.seconds);
}

static void trace_sa(const struct quick *q, const struct quick_part *p, const char *what, bool inbound)
{
	const struct ike_path *path = &q->sa->path;
	uint32_t spi = inbound ? p->spi_in : p->spi_out;
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	core_trace(q->sa->core, "ipsec.database", "%s succeeded: %s/%s %s[0]->%s[0] spi=%u(0x%x)", what,
	    child_proto_word(p->proto), mode_word(p->mode),
	    inet_addr_format(inbound ? &path->remote : &path->local, a),
	    inet_addr_format(inbound ? &path->local : &path->remote, b), spi, spi);
}

void trace_spi(const struct quick *q, const struct quick_part *p)
{
	trace_sa(q, p, "GETSPI", true);
}

void trace_installed(const struct quick *q, const struct quick_part *p, bool inbound)
{
	trace_sa(q, p, inbound ? "UPDATE" : "ADD", inbound);
}
