/*
 * For eyes, 80 columns: one paragraph for each IKE SA, its children indented under it. The order of what is
 * said is always the same, so that two listings can be compared.
 */
#include <inttypes.h>
#include <string.h>

#include "base/auto.h"
#include "cli/ike/ike.h"
#include "config/setkey/setkey.h"

const char *ike_span(uint64_t ms, char buf[IKE_SPAN_MAX])
{
	enum { MIN = 60, HOUR = 3600, DAY = 86400 };
	uint64_t s = ms / 1000;

	if (s < MIN)
		snprintf(buf, IKE_SPAN_MAX, "%" PRIu64 " s", s);
	else if (s < HOUR)
		snprintf(buf, IKE_SPAN_MAX, "%" PRIu64 " min %" PRIu64 " s", s / MIN, s % MIN);
	else if (s < DAY)
		snprintf(buf, IKE_SPAN_MAX, "%" PRIu64 " h %" PRIu64 " min", s / HOUR, s % HOUR / MIN);
	else
		snprintf(buf, IKE_SPAN_MAX, "%" PRIu64 " d %" PRIu64 " h", s / DAY, s % DAY / HOUR);
	return buf;
}

const char *ike_end(const struct inet_addr *a, uint16_t port, char buf[IKE_END_MAX])
{
	char text[INET_ADDR_STRLEN];

	snprintf(buf, IKE_END_MAX, "%s[%u]", inet_addr_format(a, text), port);
	return buf;
}

const char *ike_spi(const uint8_t spi[IKE_VIEW_SPI_LEN], char buf[IKE_SPI_TEXT])
{
	for (size_t i = 0; i < IKE_VIEW_SPI_LEN; i++)
		snprintf(buf + 2 * i, 3, "%02x", spi[i]);
	return buf;
}

static void print_id(FILE *to, const char *what, const struct ike_id *id)
{
	char text[160];

	if (id->kind != IKE_ID_NONE)
		fprintf(to, "  %s %s %s\n", what, ike_id_kind_name(id->kind),
		    ike_id_format(id, text, sizeof(text)));
}

static void print_bits(FILE *to, const char *name, uint16_t bits)
{
	fputs(name, to);
	if (bits)
		fprintf(to, "-%u", bits);
}

static void print_terms(FILE *to, const struct ike_sa_view *v)
{
	const struct alg_enc_info *a = alg_enc_by_id(v->enc);

	if (!a)
		return;
	fputs("  ", to);
	print_bits(to, a->name, v->key_bits);
	fprintf(to, ", %s, %s, %s\n", alg_prf_name(v->prf) ? alg_prf_name(v->prf) : "?",
	    alg_group_name(v->group) ? alg_group_name(v->group) : "?", ike_auth_method_name(v->auth));
}

static const char *nat_words(const struct ike_sa_view *v)
{
	if (v->nat_here)
		return v->nat_there ? ", NAT at both ends" : ", NAT at this end";
	return v->nat_there ? ", NAT at the peer's end" : "";
}

static void print_sa(FILE *to, const struct ike_sa_view *v)
{
	char a[IKE_END_MAX], b[IKE_END_MAX], i[IKE_SPI_TEXT], r[IKE_SPI_TEXT], age[IKE_SPAN_MAX],
	    left[IKE_SPAN_MAX];
	bool up = v->state == IKE_VIEW_ESTABLISHED;

	fprintf(
	    to, "%s - %s\n", ike_end(&v->local, v->local_port, a), ike_end(&v->remote, v->remote_port, b));
	fprintf(to, "  IKEv%u %s, %s%s%s\n", v->version, ike_view_state_name(v->state),
	    v->initiator ? "initiator" : "responder", v->mode ? ", mode " : "",
	    v->mode ? ike_mode_name(v->mode) : "");
	fprintf(to, "  spi %s:%s, remote %s\n", ike_spi(v->spi_i, i), ike_spi(v->spi_r, r), v->peer);
	print_id(to, "local ", &v->local_id);
	print_id(to, "remote", &v->remote_id);
	print_terms(to, v);
	if (!up)
		fprintf(to, "  %s\n", v->step);
	fprintf(to, "  %s %s, %s %s%s%s\n", up ? "up" : "begun", ike_span(v->age_ms, age),
	    up ? "ends in" : "given up in", ike_span(v->left_ms, left), nat_words(v), v->dpd ? ", DPD" : "");
	if (v->trouble[0])
		fprintf(to, "  what went wrong last: %s\n", v->trouble);
}

static void print_end(FILE *to, const struct inet_prefix *p, uint16_t port, bool has_port)
{
	char text[INET_PREFIX_STRLEN];

	fputs(inet_prefix_format(p, text), to);
	if (has_port && port)
		fprintf(to, "[%u]", port);
}

static void print_selector(FILE *to, const struct selector *s)
{
	const char *name = setkey_proto_name(s->proto);

	print_end(to, &s->src, s->sport, !s->misc);
	fputs(" -> ", to);
	print_end(to, &s->dst, s->dport, !s->misc);
	if (s->proto != IPPROTO_ANY_ && name)
		fprintf(to, " %s", name);
	else if (s->proto != IPPROTO_ANY_)
		fprintf(to, " %u", s->proto);
	if (s->misc)
		fprintf(to, " %u,%u", s->sport, s->dport);
}

static void print_algorithms(FILE *to, const struct ike_part_view *p)
{
	const struct alg_enc_info *enc = alg_enc_by_id(p->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(p->auth);

	if (enc && p->enc) {
		fputs(" ", to);
		print_bits(to, enc->name, p->key_bits);
	}
	if (auth && p->auth)
		fprintf(to, "%s%s", p->enc ? ", " : " ", auth->name);
	if (p->comp)
		fprintf(to, " %s", alg_comp_name(p->comp));
}

static void print_part(FILE *to, const struct ike_part_view *p)
{
	fprintf(to, "    %s/%s", ipsec_proto_name(p->proto), ipsec_mode_name(p->mode));
	if (p->spi_in)
		fprintf(to, " in 0x%08x", p->spi_in);
	if (p->spi_out)
		fprintf(to, " out 0x%08x", p->spi_out);
	print_algorithms(to, p);
	fputc('\n', to);
}

static void print_child(FILE *to, const struct ike_child_view *v)
{
	char age[IKE_SPAN_MAX], left[IKE_SPAN_MAX];
	bool up = v->state == IKE_VIEW_ESTABLISHED;

	fputs("  child ", to);
	if (v->has_selector)
		print_selector(to, &v->selector);
	else
		fputs("of a policy that is not known yet", to);
	fputc('\n', to);
	for (uint8_t i = 0; i < v->n_parts; i++)
		print_part(to, &v->part[i]);
	fprintf(to, "    %s %s", up ? "up" : "begun", ike_span(v->age_ms, age));
	if (v->left_ms)
		fprintf(to, ", %s %s", up ? "ends in" : "given up in", ike_span(v->left_ms, left));
	if (v->kilobytes)
		fprintf(to, " or after %" PRIu64 " KB", v->kilobytes);
	fprintf(to, ", %s", v->initiator ? "initiator" : "responder");
	if (v->group)
		fprintf(to, ", pfs %s", alg_group_name(v->group) ? alg_group_name(v->group) : "?");
	if (v->replaced)
		fputs(", replaced", to);
	fputc('\n', to);
	if (!up)
		fprintf(to, "    %s\n", v->step);
}

static bool is_shown(const struct inet_addr *peer, const struct inet_addr *remote)
{
	return peer->family == INET_NONE || inet_addr_equal(peer, remote);
}

static void print_orphans(FILE *to, const struct ike_rows *r, const struct inet_addr *peer)
{
	bool any = false;

	for (uint32_t i = 0; i < r->n_children; i++) {
		const struct ike_child_view *k = &r->child[i];
		char a[IKE_END_MAX], b[IKE_END_MAX];

		if (!is_shown(peer, &k->remote) || ike_rows_parent(r, k))
			continue;
		if (!any || !inet_addr_equal(&r->child[i - 1].remote, &k->remote))
			fprintf(to, "%s - %s\n  no IKE SA at this moment\n",
			    ike_end(&k->local, k->local_port, a), ike_end(&k->remote, k->remote_port, b));
		any = true;
		print_child(to, k);
	}
}

void ike_print(FILE *to, const struct ike_rows *r, const struct inet_addr *peer)
{
	for (uint32_t i = 0; i < r->n_sas; i++) {
		if (!is_shown(peer, &r->sa[i].remote))
			continue;
		print_sa(to, &r->sa[i]);
		for (uint32_t k = 0; k < r->n_children; k++)
			if (ike_rows_parent(r, &r->child[k]) == &r->sa[i])
				print_child(to, &r->child[k]);
	}
	print_orphans(to, r, peer);
}
