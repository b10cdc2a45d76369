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

/* Taken, as by the originals; but nobody is told of the end before it comes. */
static void judge_soft(struct sk_build *b)
{
	const struct sa_lifetime *l = &b->desc.life;
	const uint64_t pairs[][2] = {
	    {l->soft_s, l->hard_s}, {l->soft_bytes, l->hard_bytes}, {l->soft_packets, l->hard_packets}};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i][0] && pairs[i][1] && pairs[i][0] >= pairs[i][1])
			sk_warn(
			    b, &b->soft[i], "the soft lifetime is not below the hard one and never comes");
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
	judge_soft(b);
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
