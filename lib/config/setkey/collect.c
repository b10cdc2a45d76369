/*
 * What the grammar calls while a statement goes by: words are put in their places and judged as far as
 * one word can be. No secret is touched here, so that whoever wants the grammar for a policy alone needs
 * none.
 */
#include "config/setkey/build.h"

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
		struct sk_tok *soft;
	} limits[] = {
	    {"-lh", &b->desc.life.hard_s, NULL},
	    {"-ls", &b->desc.life.soft_s, &b->soft[0]},
	    {"-bh", &b->desc.life.hard_bytes, NULL},
	    {"-bs", &b->desc.life.soft_bytes, &b->soft[1]},
	    {"-ph", &b->desc.life.hard_packets, NULL},
	    {"-ps", &b->desc.life.soft_packets, &b->soft[2]},
	};
	uint64_t v;

	if (!sk_tok_number(t, UINT64_MAX, &v)) {
		sk_fault(b, t, "Syntax error", "this number is too large");
		return;
	}
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (!sk_tok_is(opt, limits[i].opt))
			continue;
		*limits[i].to = v;
		if (limits[i].soft)
			*limits[i].soft = *opt;
	}
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

void sk_policy_number(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *t)
{
	bool life = sk_tok_is(opt, "-lh");
	uint64_t v;

	if (!life && !sk_tok_is(opt, "-lv"))
		sk_fault(b, opt, "Syntax error",
		    "in front of -P stand -lh (seconds from now) and -lv (seconds without use)");
	else if (!sk_tok_number(t, UINT32_MAX, &v))
		sk_fault(b, t, "Syntax error", "this number is too large: at most 4294967295 seconds");
	else
		*(life ? &b->lifetime_s : &b->validtime_s) = (uint32_t)v;
}

void sk_alg(struct sk_build *b, const struct sk_tok *opt, const struct sk_tok *name, const struct sk_tok *key)
{
	if (sk_tok_is(opt, "-E")) {
		b->enc_opt = *opt;
		b->enc = *name;
		b->enc_key = *key;
	} else {
		b->auth_opt = *opt;
		b->auth = *name;
		b->auth_key = *key;
	}
}
