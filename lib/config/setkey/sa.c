/*
 * SA statements. What a file gets wrong is judged here with the place of the word that is wrong;
 * sa_desc_check() has the last say, so that nothing leaves the reader that the data path would refuse as
 * malformed. Everything the language can say is understood; what this version does not provide is refused by
 * name and with the reason.
 */
#include "config/setkey/build.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "config/setkey/words.h"

void sk_aiflags(struct sk_build *b, const struct sk_tok *t)
{
	for (uint32_t i = 1; i < t->n; i++) {
		if (t->p[i] == 'n')
			b->numeric_only = true;
		else
			b->family = t->p[i] == '4' ? INET_V4 : INET_V6;
	}
}

void sk_sa_proto(struct sk_build *b, const struct sk_tok *proto, const struct sk_tok *nat_oa)
{
	bool with_spi = b->verb != SETKEY_DELETEALL && b->verb != SETKEY_GETSPI;

	b->proto = *proto;
	b->title = NULL;
	b->want = with_spi ? "the SPI: a number of 256 or more" : "`;`";
	if (!nat_oa)
		return;
	b->nat_oa = *nat_oa;
	if (sk_tok_is(proto, "esp-udp"))
		return;
	if (with_spi)
		sk_fault(
		    b, nat_oa, "invalid SPI", "an SPI is a decimal number, or hexadecimal digits after 0x");
	else
		sk_fault(b, nat_oa, "Syntax error", "expected `;`");
}

void sk_ctx(struct sk_build *b, const struct sk_tok *opt)
{
	sk_fault(b, opt, "security labels are not enforced by this version",
	    "leave out -ctx if the entry may hold for every label: taken without a word it would allow more "
	    "than it "
	    "says");
}

enum ipsec_proto sk_proto(struct sk_build *b, const struct sk_tok *t, bool adding)
{
	static const struct {
		const char *word;
		enum ipsec_proto proto;
		const char *refusal, *instead; /* of add and update */
	} protos[] = {
	    {"esp", IPSEC_ESP, NULL, NULL},
	    {"ah", IPSEC_AH, NULL, NULL},
	    {"ipcomp", IPSEC_IPCOMP, NULL, NULL},
	    {"esp-udp", IPSEC_ESP, NULL, NULL},
	    {"esp-old", IPSEC_ESP, "esp-old (RFC 1827) is not provided by this version", "use esp"},
	    {"ah-old", IPSEC_AH, "ah-old (RFC 1826) is not provided by this version", "use ah"},
	};
	char near[64];

	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (!sk_tok_is(t, protos[i].word))
			continue;
		if (adding && protos[i].refusal) {
			sk_fault(b, t, protos[i].refusal, "%s", protos[i].instead);
			return IPSEC_PROTO_NONE;
		}
		return protos[i].proto;
	}
	if (sk_tok_is(t, "tcp"))
		sk_fault(b, t, "TCP-MD5 signatures are not provided by this version",
		    "they are made inside the kernel's TCP: the program that owns the connection sets them, "
		    "with "
		    "TCP_MD5SIG");
	else
		sk_fault(b, t, "Invalid ipsec protocol", "expected esp, ah, ipcomp or esp-udp%s",
		    sk_suggest(t, sk_words_proto, near));
	return IPSEC_PROTO_NONE;
}

void sk_ext_mode(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *t)
{
	char near[64];

	if (b->verb == SETKEY_GET || b->verb == SETKEY_DELETE)
		sk_warn(b, opt, "mode is obsolete");
	if (sk_tok_is(t, "any"))
		b->desc.mode = IPSEC_MODE_ANY;
	else if (sk_tok_is(t, "transport"))
		b->desc.mode = IPSEC_TRANSPORT;
	else if (sk_tok_is(t, "tunnel"))
		b->desc.mode = IPSEC_TUNNEL;
	else
		sk_fault(b, t, "Invalid ipsec mode", "expected transport, tunnel or any%s",
		    sk_suggest(t, sk_words_mode, near));
}

/* Numbers of 64 bits are never used up, so they never begin anew. */
static void ext_esn(struct sk_build *b, const struct sk_tok *t)
{
	b->esn = *t;
	b->desc.flags |= SA_F_ESN;
	b->desc.flags &= ~(uint32_t)SA_F_CYCLIC;
}

void sk_ext_flag(struct sk_build *b, const struct sk_tok *t)
{
	char near[64];

	if (sk_tok_is(t, "zero-pad"))
		b->desc.flags |= SA_F_ZEROPAD;
	else if (sk_tok_is(t, "random-pad"))
		b->desc.flags |= SA_F_RANDPAD;
	else if (sk_tok_is(t, "seq-pad"))
		b->desc.flags &= ~(uint32_t)(SA_F_ZEROPAD | SA_F_RANDPAD);
	else if (sk_tok_is(t, "nocyclic-seq"))
		b->desc.flags &= ~(uint32_t)SA_F_CYCLIC;
	else if (sk_tok_is(t, "fresh-key"))
		b->desc.fresh_key = true;
	else if (sk_tok_is(t, "esn"))
		ext_esn(b, t);
	else
		sk_fault(b, t, "Syntax error",
		    "expected zero-pad, random-pad, seq-pad, nocyclic-seq, fresh-key or esn%s",
		    sk_suggest(t, sk_words_flag, near));
}

static void ext_replay(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *t, uint64_t v)
{
	if (sk_tok_is(&b->proto, "esp-old") || sk_tok_is(&b->proto, "ah-old"))
		sk_fault(b, opt, "replay prevention cannot be used with ah/esp-old", "leave out -r");
	else if (v > 8192)
		sk_fault(b, t, "the replay window is too large",
		    "-r counts bytes of eight packets each: at most 8192 (65536 packets)");
	else
		b->desc.replay_bytes = (uint32_t)v;
}

static void ext_frag(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *t, uint64_t v)
{
	if (!sk_tok_is(&b->proto, "esp-udp"))
		sk_fault(b, opt, "esp fragment size only valid for NAT-T", "leave it out, or use esp-udp");
	else if (v > UINT16_MAX || (v && v < SA_FRAG_MIN))
		sk_fault(b, t, "this fragment size is not possible",
		    "-esp_frag takes %d to 65535 octets; 0, or leaving it out, cuts nothing", SA_FRAG_MIN);
	else
		b->desc.encap.frag = (uint16_t)v;
}

void sk_ext_number(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *t)
{
	const struct {
		const char *opt;
		uint64_t *to;
	} limits[] = {
	    {"-lh", &b->desc.life.hard_s},
	    {"-ls", &b->desc.life.soft_s},
	    {"-bh", &b->desc.life.hard_bytes},
	    {"-bs", &b->desc.life.soft_bytes},
	    {"-ph", &b->desc.life.hard_packets},
	    {"-ps", &b->desc.life.soft_packets},
	};
	uint64_t v;

	if (!sk_tok_number(t, UINT64_MAX, &v)) {
		sk_fault(b, t, "Syntax error", "this number is too large");
		return;
	}
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (sk_tok_is(opt, limits[i].opt))
			*limits[i].to = v;
	if (sk_tok_is(opt, "-r"))
		ext_replay(b, opt, t, v);
	if (sk_tok_is(opt, "-esp_frag"))
		ext_frag(b, opt, t, v);
	if (sk_tok_is(opt, "-lv"))
		sk_fault(b, opt, "only a policy can end by not being used", "an association has -lh and -ls");
	if (sk_tok_is(opt, "-u") && v > POLICY_REQID_MANUAL_MAX)
		sk_fault(b, t, "the request id is too large",
		    "-u takes 1 to %d; larger ids are given automatically", POLICY_REQID_MANUAL_MAX);
	else if (sk_tok_is(opt, "-u"))
		b->desc.reqid = (uint32_t)v;
}

static bool spi_ok(struct sk_build *b)
{
	uint64_t v;

	if (!sk_tok_number(&b->spi, UINT32_MAX, &v)) {
		sk_fault(b, &b->spi, "SPI too big.", "an SPI has 32 bits: at most 4294967295 (0xffffffff)");
		return false;
	}
	if (v < 256) {
		sk_fault(b, &b->spi, "SPI range violation", "0 to 255 are reserved; use 256 (0x100) or more");
		return false;
	}
	if (b->desc.proto == IPSEC_IPCOMP && v > UINT16_MAX) {
		sk_fault(
		    b, &b->spi, "SPI range violation", "that of ipcomp has 16 bits: at most 65535 (0xffff)");
		return false;
	}
	b->desc.spi = (uint32_t)v;
	return true;
}

/* The pairs of one family that two names stand for. Returns how many; 0 after a fault. */
static size_t pairs(struct sk_build *b, struct inet_addr ret[SK_ADDRS_MAX * SK_ADDRS_MAX][2])
{
	struct inet_addr src[SK_ADDRS_MAX], dst[SK_ADDRS_MAX];
	size_t n_src = sk_resolve(b, &b->src.host, src), n_dst = n_src ? sk_resolve(b, &b->dst.host, dst) : 0,
	       n = 0;

	for (size_t i = 0; i < n_src; i++) {
		for (size_t j = 0; j < n_dst; j++) {
			if (src[i].family != dst[j].family)
				continue;
			ret[n][0] = src[i];
			ret[n++][1] = dst[j];
		}
	}
	if (n_src && n_dst && !n)
		sk_fault(b, &b->dst.host, "Family mismatch",
		    "source and destination need addresses of one family");
	return n;
}

static bool ports_ok(struct sk_build *b)
{
	const struct sk_tok *port = b->src.port.lex ? &b->src.port : &b->dst.port;

	if (port->lex && !sk_tok_is(&b->proto, "esp-udp"))
		sk_fault(b, port, "ports on SA addresses are only for esp-udp", "leave out the brackets");
	return !b->faulty;
}

static bool encap_port(struct sk_build *b, const struct sk_tok *t, uint16_t *ret)
{
	*ret = t->lex ? 0 : SA_UDP_PORT;
	if (!sk_port(b, t, IPPROTO_UDP, ret))
		return false;
	if (!*ret)
		sk_fault(b, t, "invalid port",
		    "esp-udp needs the number of the port; without brackets it is %d", SA_UDP_PORT);
	return !b->faulty;
}

/* What belongs to esp-udp alone. */
static bool encap_ok(struct sk_build *b)
{
	struct inet_addr oa[SK_ADDRS_MAX];
	struct sa_encap *e = &b->desc.encap;
	size_t n;

	if (!sk_tok_is(&b->proto, "esp-udp"))
		return true;
	if (!encap_port(b, &b->src.port, &e->sport) || !encap_port(b, &b->dst.port, &e->dport))
		return false;
	if (e->sport != SA_UDP_PORT && e->dport != SA_UDP_PORT) {
		sk_fault(b, &b->src.port, "invalid port",
		    "one of the two is %d, on which this host receives esp-udp", SA_UDP_PORT);
		return false;
	}
	if (!b->nat_oa.lex)
		return true;
	n = sk_resolve(b, &b->nat_oa, oa);
	if (n > 1)
		sk_fault(b, &b->nat_oa, "multiple address specified",
		    "the address behind the NAT is one: write it, or say -4 or -6");
	e->nat_oa = oa[0];
	return !b->faulty;
}

static bool is_authentic(const struct sa_desc *d)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);

	return d->auth || (enc && enc->aead);
}

static bool esn_ok(struct sk_build *b)
{
	if (!b->esn.lex)
		return true;
	if (b->desc.proto == IPSEC_IPCOMP)
		sk_fault(b, &b->esn, "ipcomp has no sequence numbers", "leave out -f esn");
	else if (!is_authentic(&b->desc))
		sk_fault(b, &b->esn, "extended sequence numbers need authentication",
		    "their upper half is only in the integrity value (RFC 4303 section 2.2.1): add -A");
	else if (!b->desc.replay_bytes)
		sk_fault(b, &b->esn, "extended sequence numbers need a replay window",
		    "the receiver follows their upper half with it: add -r 4 or more");
	return !b->faulty;
}

static bool desc_ok(struct sk_build *b)
{
	const struct sa_desc *d = &b->desc;
	const char *why;

	if (d->encap.nat_oa.family && d->encap.nat_oa.family != d->src.family)
		sk_fault(b, &b->nat_oa, "Family mismatch",
		    "the address behind the NAT is of the same family as the others");
	else if (sa_desc_check(d, &why) < 0)
		sk_fault(b, &b->proto, why, NULL);
	return !b->faulty;
}

/* A copy of the description for one pair of addresses, with keys of its own. */
static void emit_sa(struct sk_build *b, const struct setkey_sa *keys)
{
	struct setkey_stmt s = {.verb = b->verb, .sa.desc = b->desc};

	if (keys->enc_key)
		s.sa.enc_key = secret_dup_bytes(secret_bytes(keys->enc_key), secret_len(keys->enc_key));
	if (keys->auth_key)
		s.sa.auth_key = secret_dup_bytes(secret_bytes(keys->auth_key), secret_len(keys->auth_key));
	if ((keys->enc_key && !s.sa.enc_key) || (keys->auth_key && !s.sa.auth_key)) {
		setkey_stmt_fini(&s);
		sk_fault(b, &b->first, "not enough core",
		    "the locked memory for keys is full; raise the memlock limit "
		    "or load the file in parts");
		return;
	}
	s.sa.desc.enc_key = s.sa.enc_key ? secret_bytes(s.sa.enc_key) : NULL;
	s.sa.desc.auth_key = s.sa.auth_key ? secret_bytes(s.sa.auth_key) : NULL;
	sk_emit(b, &s);
}

void sk_finish_sa(struct sk_build *b)
{
	struct inet_addr ends[SK_ADDRS_MAX * SK_ADDRS_MAX][2];
	struct setkey_sa keys = {0};
	size_t n;

	if (!sk_old_algs_ok(b))
		return;
	b->desc.proto = sk_proto(b, &b->proto, true);
	if (b->faulty || !ports_ok(b) || !spi_ok(b) || !sk_algs_ok(b) || !esn_ok(b) || !encap_ok(b))
		return;
	n = pairs(b, ends);
	for (size_t i = 0; i < n && !b->faulty; i++) {
		b->desc.src = ends[i][0];
		b->desc.dst = ends[i][1];
		if (!desc_ok(b))
			return;
	}
	if (b->faulty || !sk_keys_make(b, &keys))
		return;
	for (size_t i = 0; i < n && !b->faulty && !b->stopped; i++) {
		b->desc.src = ends[i][0];
		b->desc.dst = ends[i][1];
		emit_sa(b, &keys);
	}
	secret_free(keys.enc_key);
	secret_free(keys.auth_key);
}

void sk_finish_id(struct sk_build *b)
{
	struct inet_addr ends[SK_ADDRS_MAX * SK_ADDRS_MAX][2];
	bool with_spi = b->verb != SETKEY_DELETEALL && b->verb != SETKEY_GETSPI;
	struct setkey_stmt s = {.verb = b->verb};
	size_t n;

	s.id.proto = b->desc.proto = sk_proto(b, &b->proto, b->verb == SETKEY_GETSPI);
	if (b->faulty || !ports_ok(b) || (with_spi && !spi_ok(b)))
		return;
	s.id.spi = b->desc.spi;
	n = pairs(b, ends);
	if (n > 1 && b->verb == SETKEY_DELETE) {
		sk_fault(
		    b, &b->src.host, "multiple address specified", "delete takes one address for each side");
		return;
	}
	for (size_t i = 0; i < n && !b->stopped; i++) {
		struct setkey_stmt one = s;

		one.id.src = ends[i][0];
		one.id.dst = ends[i][1];
		sk_emit(b, &one);
	}
}
