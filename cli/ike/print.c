/*
 * `show`: one block a peer. Lines have at most 80 columns with IPv4 addresses; what may be long (identities,
 * IPv6) has a line of its own.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/ike/ike.h"
#include "cli/ike/words.h"

const char *ike_spis_text(const uint8_t *i, const uint8_t *r, char buf[IKE_SPIS_LEN])
{
	for (size_t k = 0; k < IKE_ROW_SPI; k++) {
		snprintf(buf + 2 * k, 3, "%02x", i[k]);
		snprintf(buf + 17 + 2 * k, 3, "%02x", r[k]);
	}
	buf[16] = ':';
	return buf;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | ('a' <= (c | 0x20) && (c | 0x20) <= 'f' ? 0x20 : 0)) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool ike_spis_parse(const char *text, uint8_t *i, uint8_t *r)
{
	if (strlen(text) != 4 * IKE_ROW_SPI + 1 || text[2 * IKE_ROW_SPI] != ':')
		return false;
	for (size_t k = 0; k < (size_t)2 * IKE_ROW_SPI; k++) {
		const char *at = text + 2 * k + (k >= IKE_ROW_SPI);
		int high = digit(at[0]), low = digit(at[1]);

		if (high < 0 || low < 0)
			return false;
		*(k < IKE_ROW_SPI ? i + k : r + k - IKE_ROW_SPI) = (uint8_t)(high << 4 | low);
	}
	return true;
}

const char *ike_time_text(uint64_t ms, char buf[IKE_TIME_LEN])
{
	uint64_t s = ms / 1000;

	if (s < 60)
		snprintf(buf, IKE_TIME_LEN, "%u.%us", (unsigned)s, (unsigned)(ms / 100 % 10));
	else if (s < 3600)
		snprintf(buf, IKE_TIME_LEN, "%um%us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 3600000)
		snprintf(buf, IKE_TIME_LEN, "%uh%um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(buf, IKE_TIME_LEN, "%" PRIu64 "h", s / 3600);
	return buf;
}

static void print_state(FILE *to, const struct ike_row_sa *sa)
{
	char a[INET_ADDR_STRLEN];

	fprintf(to, "%s[%u] %s", inet_addr_format(&sa->remote, a), sa->remote_port,
	    ike_row_state_name(sa->state));
	if (sa->version == 1)
		fprintf(to, ", IKEv1 %s mode", ike_mode_name(sa->mode));
	else
		fprintf(to, ", IKEv%u", sa->version);
	fprintf(to, ", begun by %s\n", sa->initiator ? "us" : "the peer");
	if (sa->state == IKE_ROW_CONNECTING)
		fprintf(to, "    waits    %s\n", sa->detail);
}

static void print_terms(FILE *to, const struct ike_row_sa *sa)
{
	char enc[IKE_WORD_LEN], prf[IKE_WORD_LEN], group[IKE_WORD_LEN], spis[IKE_SPIS_LEN], id[512];

	if (sa->peer_id.kind != IKE_ID_NONE)
		fprintf(to, "    identity %s %s\n", ike_id_kind_name(sa->peer_id.kind),
		    ike_id_format(&sa->peer_id, id, sizeof(id)));
	fprintf(to, "    %s  %s\n", sa->version == 1 ? "cookies" : "SPIs   ",
	    ike_spis_text(sa->spi_i, sa->spi_r, spis));
	if (sa->agreed)
		fprintf(to, "    agreed   %s, %s, %s, %s\n", ike_enc_word(sa->enc, sa->key_bits, enc),
		    ike_prf_word(sa->prf, prf), ike_group_word(sa->group, group),
		    ike_auth_method_name(sa->auth));
}

static void print_times(FILE *to, const struct ike_row_sa *sa)
{
	char age[IKE_TIME_LEN], left[IKE_TIME_LEN], renew[IKE_TIME_LEN], idle[IKE_TIME_LEN];

	if (sa->state == IKE_ROW_CONNECTING) {
		fprintf(to, "    time     begun %s ago, given up in %s\n", ike_time_text(sa->age_ms, age),
		    ike_time_text(sa->left_ms, left));
		return;
	}
	fprintf(to, "    time     up %s, ends in %s", ike_time_text(sa->up_ms, age),
	    ike_time_text(sa->left_ms, left));
	if (sa->renew_ms)
		fprintf(to, ", renewed in %s", ike_time_text(sa->renew_ms, renew));
	fprintf(to, ", heard %s ago\n", ike_time_text(sa->idle_ms, idle));
}

void ike_print_sa(FILE *to, const struct ike_row_sa *sa)
{
	char a[INET_ADDR_STRLEN];

	print_state(to, sa);
	fprintf(to, "    from     %s[%u], %s\n", inet_addr_format(&sa->local, a), sa->local_port,
	    ike_nat_words(sa));
	if (sa->dpd_delay_s)
		fprintf(to, "    watched  every %us, %u unanswered\n", sa->dpd_delay_s, sa->dpd_unanswered);
	if (sa->name[0])
		fprintf(to, "    remote   %s\n", sa->name);
	print_terms(to, sa);
	print_times(to, sa);
}

void ike_print_selector(FILE *to, const struct selector *s)
{
	char src[INET_PREFIX_STRLEN], dst[INET_PREFIX_STRLEN];

	fprintf(to, "%s", inet_prefix_format(&s->src, src));
	if (s->sport)
		fprintf(to, "[%u]", s->sport);
	fprintf(to, " -> %s", inet_prefix_format(&s->dst, dst));
	if (s->dport)
		fprintf(to, "[%u]", s->dport);
	if (s->proto == IPPROTO_ANY_)
		fputs(" any", to);
	else
		fprintf(to, " protocol %u", s->proto);
}

static void print_part(FILE *to, const struct ike_row_part *p)
{
	char enc[IKE_WORD_LEN], auth[IKE_WORD_LEN];

	fprintf(to, "        %s/%s in 0x%08x out 0x%08x", ipsec_proto_name(p->proto),
	    ipsec_mode_name(p->mode), p->spi_in, p->spi_out);
	if (p->proto == IPSEC_ESP)
		fprintf(to, " %s", ike_enc_word(p->enc, p->key_bits, enc));
	if (p->proto != IPSEC_IPCOMP && p->auth != ALG_AUTH_NONE)
		fprintf(to, " %s", ike_auth_word(p->auth, auth));
	if (p->proto == IPSEC_IPCOMP)
		fprintf(to, " %s", alg_comp_name(p->comp) ? alg_comp_name(p->comp) : "?");
	fputc('\n', to);
}

static void print_child_times(FILE *to, const struct ike_row_child *k)
{
	char age[IKE_TIME_LEN], left[IKE_TIME_LEN], renew[IKE_TIME_LEN];

	fprintf(to, "        %s old", ike_time_text(k->age_ms, age));
	if (k->state == IKE_ROW_CONNECTING)
		fprintf(to, ", given up in %s: %s", ike_time_text(k->left_ms, left), k->detail);
	else if (k->life_ms)
		fprintf(to, ", ends in %s", ike_time_text(k->left_ms, left));
	if (k->renew_ms)
		fprintf(to, ", renewed in %s", ike_time_text(k->renew_ms, renew));
	fprintf(to, ", policy %u\n", k->policy);
}

void ike_print_child(FILE *to, const struct ike_row_child *k, const struct ike_rows_also *also, size_t n_also)
{
	fprintf(to, "    %-8s ", ike_row_state_name(k->state));
	ike_print_selector(to, &k->sel);
	fputc('\n', to);
	for (size_t i = 0; i < n_also; i++) {
		fprintf(to, "    %-8s ", "");
		ike_print_selector(to, &also[i].row.sel);
		fputc('\n', to);
	}
	for (uint8_t i = 0; i < k->n_parts; i++)
		print_part(to, &k->part[i]);
	print_child_times(to, k);
}

static void print_children(FILE *to, const struct ike_rows *r, const struct inet_addr *remote)
{
	for (size_t i = 0; i < r->n_children; i++) {
		size_t n;
		const struct ike_rows_also *also = ike_rows_also_of(r, i, &n);

		if (inet_addr_equal(&r->child[i].remote, remote))
			ike_print_child(to, &r->child[i], also, n);
	}
}

/* Whether this is the first row of its peer. */
static bool is_first_sa(const struct ike_rows *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (inet_addr_equal(&r->sa[k].remote, &r->sa[i].remote))
			return false;
	return true;
}

static bool is_first_orphan(const struct ike_rows *r, size_t i)
{
	for (size_t k = 0; k < r->n_sas; k++)
		if (inet_addr_equal(&r->sa[k].remote, &r->child[i].remote))
			return false;
	for (size_t k = 0; k < i; k++)
		if (inet_addr_equal(&r->child[k].remote, &r->child[i].remote))
			return false;
	return true;
}

void ike_print(FILE *to, const struct ike_rows *r, const struct inet_addr *only)
{
	char a[INET_ADDR_STRLEN];

	for (size_t i = 0; i < r->n_sas; i++) {
		const struct inet_addr *peer = &r->sa[i].remote;

		if ((only && !inet_addr_equal(only, peer)) || !is_first_sa(r, i))
			continue;
		for (size_t k = i; k < r->n_sas; k++)
			if (inet_addr_equal(&r->sa[k].remote, peer))
				ike_print_sa(to, &r->sa[k]);
		print_children(to, r, peer);
	}
	for (size_t i = 0; i < r->n_children; i++) {
		const struct inet_addr *peer = &r->child[i].remote;

		if ((only && !inet_addr_equal(only, peer)) || !is_first_orphan(r, i))
			continue;
		fprintf(to, "%s no SA of key exchange; one is begun when it is needed\n",
		    inet_addr_format(peer, a));
		print_children(to, r, peer);
	}
	ike_print_kept(to, r, only);
}
