/*
 * Scripts read these lines, so every blank and tab is as ipsec-tools prints it, including those at the ends
 * of lines and the second blank before a key.
 */
#include "cli/dump/dump.h"

#include <inttypes.h>
#include <time.h>

#include "cli/dump/stamp.h"

enum { KEY_LINE = 32, KEY_GROUP = 4 };

static void print_key(FILE *to, const char *kind, const char *name, const uint8_t *key, size_t n)
{
	fprintf(to, "\t%s: %s ", kind, name);
	for (size_t i = 0; i < n; i++) {
		if (i && i % KEY_LINE == 0)
			fputc('\n', to);
		if (i % KEY_GROUP == 0)
			fputc(' ', to);
		if (key)
			fprintf(to, "%02x", key[i]);
		else
			fputs("--", to);
	}
	fputc('\n', to);
}

static void print_head(FILE *to, const struct sa_desc *d, const struct dump_style *style)
{
	char src[INET_ADDR_STRLEN], dst[INET_ADDR_STRLEN];
	if (style->ports || sa_is_encap(d))
		fprintf(to, "%s[%u] %s[%u] \n", inet_addr_format(&d->src, src), d->encap.sport,
		    inet_addr_format(&d->dst, dst), d->encap.dport);
	else
		fprintf(to, "%s %s \n", inet_addr_format(&d->src, src), inet_addr_format(&d->dst, dst));
	fprintf(to, "\t%s mode=%s spi=%u(0x%08x) reqid=%u(0x%08x)\n", sa_proto_word(d),
	    ipsec_mode_name(d->mode), d->spi, d->spi, d->reqid, d->reqid);
	if (d->encap.nat_oa.family != INET_NONE)
		fprintf(to, "\tNAT OA=%s\n", inet_addr_format(&d->encap.nat_oa, src));
	if (d->encap.frag)
		fprintf(to, "\tNAT-T esp_frag=%u\n", d->encap.frag);
}

static void print_lifetimes(
    FILE *to, const struct sa_desc *d, const struct sa_status *s, const struct dump_style *style)
{
	const struct sa_lifetime *l = &d->life;
	char a[DUMP_STAMP_LEN + 1], b[DUMP_STAMP_LEN + 1];

	fprintf(to, "\tcreated: %s\tcurrent: %s\n", dump_stamp(s->created_wall_ms, a),
	    dump_stamp(style->now_wall_ms, b));
	fprintf(to, "\tdiff: %" PRIu64 "(s)\thard: %" PRIu64 "(s)\tsoft: %" PRIu64 "(s)\n", s->age_ms / 1000,
	    l->hard_s, l->soft_s);
	fprintf(to, "\tlast: %s\thard: 0(s)\tsoft: 0(s)\n", dump_stamp(s->last_used_wall_ms, a));
	fprintf(to, "\tcurrent: %" PRIu64 "(bytes)\thard: %" PRIu64 "(bytes)\tsoft: %" PRIu64 "(bytes)\n",
	    s->bytes, l->hard_bytes, l->soft_bytes);
	fprintf(to, "\tallocated: %" PRIu64 "\thard: %" PRIu64 "\tsoft: %" PRIu64 "\n", s->packets,
	    l->hard_packets, l->soft_packets);
}

void dump_sa(FILE *to, const struct sa_desc *d, const struct sa_status *s, uint32_t seq,
    const struct dump_style *style)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(d->auth);

	print_head(to, d, style);
	if (enc)
		print_key(to, "E", enc->name, d->enc_key, d->enc_key_len);
	if (auth)
		print_key(to, "A", alg_auth_name(auth, d->icv_len), d->auth_key, d->auth_key_len);
	if (d->comp)
		print_key(to, "C", alg_comp_name(d->comp), NULL, 0);
	fprintf(to, "\tseq=0x%08" PRIx64 " replay=%u flags=0x%08x state=%s \n", s->seq, d->replay_bytes,
	    d->flags, sa_state_name(s->state));
	print_lifetimes(to, d, s, style);
	fprintf(to, "\tsadb_seq=%u pid=%u refcnt=%u\n", seq, s->pid, s->refcnt);
}

void dump_sa_short_head(FILE *to)
{
	fputs("time p   s spi      ltime   src -> dst\n", to);
}

/* Three columns are enough for a number that still changes from second to second. */
static const char *short_number(uint64_t v, char buf[8])
{
	if (v >= 1000)
		return "big";
	snprintf(buf, 8, "%u", (unsigned)v);
	return buf;
}

static void short_end(FILE *to, const struct inet_addr *a, uint16_t port)
{
	char text[INET_ADDR_STRLEN];

	fputs(inet_addr_format(a, text), to);
	if (port)
		fprintf(to, "[%u]", port);
}

void dump_sa_short(
    FILE *to, const struct sa_desc *d, const struct sa_status *s, const struct dump_style *style)
{
	static const char letters[] = {
	    [SA_STATE_NONE] = '?', [SA_LARVAL] = 'L', [SA_MATURE] = 'M', [SA_DYING] = 'D', [SA_DEAD] = 'd'};
	char age[8], hard[8], proto[16];
	time_t now = (time_t)(style->now_wall_ms / 1000);
	struct tm tm = {0};

	localtime_r(&now, &tm);
	if (d->proto == IPSEC_ESP || d->proto == IPSEC_AH)
		snprintf(proto, sizeof(proto), "%s", ipsec_proto_name(d->proto));
	else
		snprintf(proto, sizeof(proto), "#%u", (unsigned)d->proto);
	fprintf(to, "%02d%02d %-3s %c %08x %3s/%-3s ", tm.tm_min, tm.tm_sec, proto,
	    (unsigned)s->state < sizeof(letters) ? letters[s->state] : '?', d->spi,
	    short_number(s->age_ms / 1000, age), short_number(d->life.hard_s, hard));
	short_end(to, &d->src, d->encap.sport);
	fputs(" -> ", to);
	short_end(to, &d->dst, d->encap.dport);
	fputc('\n', to);
}
