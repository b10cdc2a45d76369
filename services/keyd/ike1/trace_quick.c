#include <stdio.h>

#include "keyd/ike1/numbers.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike1/trace.h"

#define say(c, ...) core_log(c, CORE_DEBUG, "ike.trace", __VA_ARGS__)

static bool is_wanted(const struct quick *q)
{
	return core_wants(q->sa->core, CORE_DEBUG);
}

void trace_acquire(struct core *c, const struct core_acquire *a)
{
	char b[INET_ADDR_STRLEN];

	if (core_wants(c, CORE_DEBUG))
		say(c, "get ACQUIRE message; new acquire of policy %u for %s", a->policy->id,
		    inet_addr_format(&a->dst, b));
}

/* The vector is made of what crossed the wire and keys nothing. */
void trace_iv(const struct isakmp *sa, const uint8_t *iv)
{
	char hex[2 * IKE1_BLOCK_MAX + 1] = "";

	if (!core_wants(sa->core, CORE_DEBUG))
		return;
	for (size_t i = 0; i < sa->block; i++)
		snprintf(hex + 2 * i, 3, "%02x", iv[i]);
	say(sa->core, "compute IV for phase2; phase2 IV computed: %s", hex);
}

static void trace_policy(const struct quick *q, const char *which, const struct policy *p)
{
	char a[INET_PREFIX_STRLEN], b[INET_PREFIX_STRLEN], proto[8] = "any";

	if (p->sel.proto != IPPROTO_ANY_)
		snprintf(proto, sizeof(proto), "%u", p->sel.proto);
	say(q->sa->core, "suitable %s SP found: %s[%u] %s[%u] proto=%s dir=%s", which,
	    inet_prefix_format(&p->sel.src, a), p->sel.sport, inet_prefix_format(&p->sel.dst, b),
	    p->sel.dport, proto, policy_dir_name(p->dir));
}

void trace_policies(const struct quick *q)
{
	if (!is_wanted(q))
		return;
	trace_policy(q, "outbound", &q->out);
	if (q->has_in)
		trace_policy(q, "inbound", &q->in);
	else
		say(q->sa->core, "no in-bound policy found.");
}

void trace_sainfo(const struct quick *q)
{
	const struct ike_child *k = q->conf;
	bool anonymous = k->local.kind == IKE_SIDE_ANY && k->remote.kind == IKE_SIDE_ANY;

	if (!is_wanted(q))
		return;
	if (anonymous)
		say(q->sa->core, "anonymous sainfo selected.");
	else
		say(q->sa->core, "sainfo selected: line %u of the configuration.", k->line);
}

/* What may be chosen among, in the order of the file. */
void trace_offer(const struct quick *q)
{
	if (!is_wanted(q))
		return;
	for (uint8_t i = 0; i < q->n_parts; i++) {
		const struct quick_part *p = &q->part[i];

		say(q->sa->core, "(proto_id=%s spisize=%d spi=%08x spi_p=00000000 encmode=%s reqid=%u:%u)",
		    p->proto == IPSEC_ESP  ? "ESP"
		    : p->proto == IPSEC_AH ? "AH"
		                           : "IPCOMP",
		    p->proto == IPSEC_IPCOMP ? 2 : 4, p->spi_in,
		    p->mode == IPSEC_TUNNEL ? "Tunnel" : "Transport", p->reqid_in, p->reqid_out);
	}
	for (uint8_t e = 0; e < q->conf->n_enc; e++)
		for (uint8_t a = 0; a < q->conf->n_auth; a++) {
			const struct alg_enc_info *enc = alg_enc_by_id(q->conf->enc[e].id);
			const struct alg_auth_info *auth = alg_auth_by_id(q->conf->auth[a].id);

			say(q->sa->core, " (trns_id=%s encklen=%u authtype=%s)", enc ? enc->name : "none",
			    ike1_wire_bits(q->conf->enc[e].id, q->conf->enc[e].key_bits),
			    auth ? auth->name : "none");
		}
}

static const char *name_part(
    const struct quick *q, const struct quick_part *p, bool inbound, char *buf, size_t room)
{
	const struct ike_path *path = &q->sa->path;
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];
	uint32_t spi = inbound ? p->spi_in : p->spi_out;

	snprintf(buf, room, "%s/%s %s[0]->%s[0] spi=%u(0x%x)",
	    p->proto == IPSEC_ESP  ? "ESP"
	    : p->proto == IPSEC_AH ? "AH"
	                           : "IPCOMP",
	    p->mode == IPSEC_TUNNEL ? "Tunnel" : "Transport",
	    inet_addr_format(inbound ? &path->remote : &path->local, a),
	    inet_addr_format(inbound ? &path->local : &path->remote, b), spi, spi);
	return buf;
}

enum { PART_MAX = 2 * INET_ADDR_STRLEN + 64 };

void trace_spi(const struct quick *q, const struct quick_part *p)
{
	char buf[PART_MAX];

	if (is_wanted(q))
		say(q->sa->core, "GETSPI succeeded: %s", name_part(q, p, true, buf, sizeof(buf)));
}

void trace_installed(const struct quick *q, const struct quick_part *p, bool inbound)
{
	char buf[PART_MAX];

	if (is_wanted(q))
		say(q->sa->core, "%s succeeded: %s", inbound ? "UPDATE" : "ADD",
		    name_part(q, p, inbound, buf, sizeof(buf)));
}
