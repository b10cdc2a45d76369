/*
 * `>` is sent, `<` is received. The form was never stable in any setkey, so it is made to be read by people.
 */
#include "cli/setkey/trace.h"

#include <inttypes.h>

#include "cli/dump/dump.h"

enum { HEX_LINE = 16 };

static const char *peer_name(enum session_peer peer)
{
	return peer == SESSION_POLICYD ? "policyd" : "datapathd";
}

static void print_ends(FILE *to, const struct inet_addr *src, const struct inet_addr *dst, const char *proto)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	fprintf(to, " %s %s %s", inet_addr_format(src, a), inet_addr_format(dst, b), proto);
}

static void print_sa(FILE *to, const struct sa_desc *d)
{
	print_ends(to, &d->src, &d->dst, sa_proto_word(d));
	if (sa_is_encap(d))
		fprintf(to, " ports=%u-%u", d->encap.sport, d->encap.dport);
	fprintf(to, " spi=%u(0x%08x) mode=%s reqid=%u replay=%u flags=0x%08x", d->spi, d->spi,
	    ipsec_mode_name(d->mode), d->reqid, d->replay_bytes, d->flags);
	if (d->enc)
		fprintf(to, " E: %s (key of %u bytes)", alg_enc_by_id(d->enc)->name, d->enc_key_len);
	if (d->auth)
		fprintf(to, " A: %s (key of %u bytes)", alg_auth_name(alg_auth_by_id(d->auth), d->icv_len),
		    d->auth_key_len);
	if (d->comp)
		fprintf(to, " C: %s", alg_comp_name(d->comp));
}

static void print_operands(FILE *to, const struct setkey_stmt *stmt)
{
	switch (stmt->verb) {
	case SETKEY_ADD:
	case SETKEY_UPDATE:
		print_sa(to, &stmt->sa.desc);
		break;
	case SETKEY_GET:
	case SETKEY_GETSPI:
	case SETKEY_DELETE:
	case SETKEY_DELETEALL:
		print_ends(to, &stmt->id.src, &stmt->id.dst, ipsec_proto_name(stmt->id.proto));
		if (stmt->id.spi)
			fprintf(to, " spi=%u(0x%08x)", stmt->id.spi, stmt->id.spi);
		break;
	case SETKEY_SPDADD:
	case SETKEY_SPDUPDATE:
	case SETKEY_SPDDELETE:
		fputc(' ', to);
		dump_policy_line(to, &stmt->policy);
		break;
	case SETKEY_FLUSH:
	case SETKEY_DUMP:
		fprintf(to, " %s", stmt->proto ? ipsec_proto_name(stmt->proto) : "all protocols");
		break;
	default:
		break;
	}
}

void trace_stmt(const struct session *s, const struct setkey_stmt *stmt)
{
	if (!s->opt->verbose || stmt->verb == SETKEY_EXIT)
		return;
	fprintf(s->cli->err, "> %s %s", peer_name(session_peer_of(stmt->verb)), setkey_verb_name(stmt->verb));
	print_operands(s->cli->err, stmt);
	fputc('\n', s->cli->err);
}

void trace_sent(const struct session *s, enum session_peer peer, const char *what)
{
	if (s->opt->verbose)
		fprintf(s->cli->err, "> %s %s\n", peer_name(peer), what);
}

void trace_done(const struct session *s, enum session_peer peer, const struct request_done *done)
{
	if (!s->opt->verbose)
		return;
	fprintf(s->cli->err, "< %s done", peer_name(peer));
	if (done->number)
		fprintf(
		    s->cli->err, " %s=%" PRIu64, peer == SESSION_POLICYD ? "spid" : "serial", done->number);
	if (peer == SESSION_DATAPATHD && !done->number)
		fprintf(s->cli->err, " count=%u", done->count);
	if (peer == SESSION_POLICYD)
		fprintf(s->cli->err, " version=%" PRIu64, done->version);
	fputc('\n', s->cli->err);
}

void trace_refusal(const struct session *s, enum session_peer peer)
{
	if (s->opt->verbose)
		fprintf(s->cli->err, "< %s refused (%s): %s\n", peer_name(peer), err_name(-s->refusal),
		    s->refusal_text.s);
}

void trace_hex(FILE *to, const void *p, size_t n)
{
	const uint8_t *b = (const uint8_t *)p;

	for (size_t i = 0; i < n; i++) {
		if (i % HEX_LINE == 0)
			fprintf(to, "%s%08zx: ", i ? "\n" : "", i);
		fprintf(to, "%02x ", b[i]);
	}
	if (n)
		fputc('\n', to);
}
