#include "keyd/ike1/rejected.h"

#include <stdio.h>

#include "base/sbuf.h"
#include "keyd/ike1/numbers.h"
#include "keyd/ike1/trace.h"
#include "wire/ike/v1_transform.h"

enum { NAME_MAX_LEN = 40, SHOWN_MAX = 8, OFFER_MAX = 4096 };

/* --- phase 1 --- */

static const char *pick(const char *const *names, size_t n, uint64_t value, char buf[NAME_MAX_LEN])
{
	if (value < n && names[value])
		return names[value];
	snprintf(buf, NAME_MAX_LEN, "%llu", (unsigned long long)value);
	return buf;
}

static const char *cipher_name(uint64_t v, char buf[NAME_MAX_LEN])
{
	static const char *const names[] = {[IKE1_CIPHER_DES] = "DES-CBC",
	    [IKE1_CIPHER_IDEA] = "IDEA-CBC",
	    [IKE1_CIPHER_BLOWFISH] = "Blowfish-CBC",
	    [IKE1_CIPHER_RC5] = "RC5-R16-B64-CBC",
	    [IKE1_CIPHER_3DES] = "3DES-CBC",
	    [IKE1_CIPHER_CAST128] = "CAST-CBC",
	    [IKE1_CIPHER_AES] = "AES-CBC",
	    [IKE1_CIPHER_CAMELLIA] = "CAMELLIA-CBC"};

	return pick(names, ARRAY_SIZE(names), v, buf);
}

static const char *hash_name(uint64_t v, char buf[NAME_MAX_LEN])
{
	static const char *const names[] = {[IKE1_HASH_MD5] = "MD5",
	    [IKE1_HASH_SHA1] = "SHA",
	    [IKE1_HASH_TIGER] = "Tiger",
	    [IKE1_HASH_SHA256] = "SHA256",
	    [IKE1_HASH_SHA384] = "SHA384",
	    [IKE1_HASH_SHA512] = "SHA512"};

	return pick(names, ARRAY_SIZE(names), v, buf);
}

static const char *auth_name(uint64_t v, char buf[NAME_MAX_LEN])
{
	static const char *const names[] = {[IKE1_AUTH_PSK] = "pre-shared key",
	    [IKE1_AUTH_DSS] = "DSS signatures",
	    [IKE1_AUTH_RSA] = "RSA signatures"};

	switch (v) {
	case IKE1_AUTH_XAUTH_PSK_I:
		return "XAuth pskey client";
	case IKE1_AUTH_XAUTH_PSK_R:
		return "XAuth pskey server";
	case IKE1_AUTH_XAUTH_RSA_I:
		return "XAuth RSASIG client";
	case IKE1_AUTH_XAUTH_RSA_R:
		return "XAuth RSASIG server";
	default:
		return pick(names, ARRAY_SIZE(names), v, buf);
	}
}

static const char *group_name(uint64_t v, char buf[NAME_MAX_LEN])
{
	const char *name = v <= UINT8_MAX ? crypto_dh_name((enum alg_group)v) : NULL;

	return name ? name : pick(NULL, 0, v, buf);
}

static const char *number(uint64_t v, char buf[NAME_MAX_LEN])
{
	return pick(NULL, 0, v, buf);
}

/* " = OURS:THEIRS"; nothing where there is no value to show. */
static const char *values(enum ike1_mismatch why, const struct ike1_own1 *own, const struct ike1_phase1 *peer,
    char *buf, size_t room)
{
	const struct {
		const char *(*name)(uint64_t v, char buf[NAME_MAX_LEN]);
		uint64_t own, peer;
	} of[] = {[IKE1_MISS_CIPHER] = {cipher_name, own->cipher, peer->cipher},
	    [IKE1_MISS_HASH] = {hash_name, own->hash, peer->hash},
	    [IKE1_MISS_AUTH] = {auth_name, own->auth, peer->auth},
	    [IKE1_MISS_GROUP] = {group_name, own->group, peer->group},
	    [IKE1_MISS_KEY_BITS] = {number, own->key_bits, peer->key_bits},
	    [IKE1_MISS_LIFE] = {number, own->seconds, peer->life.seconds}};
	char a[NAME_MAX_LEN], b[NAME_MAX_LEN];

	buf[0] = 0;
	if (why < ARRAY_SIZE(of) && of[why].name)
		snprintf(buf, room, " = %s:%s", of[why].name(of[why].own, a), of[why].name(of[why].peer, b));
	return buf;
}

struct missing {
	struct core *core;
	const struct ike1_own1 *own;
};

static void missed(void *arg, enum ike1_mismatch why, uint32_t own, const struct ike1_choice1 *peer)
{
	const struct missing *m = arg;
	char text[2 * NAME_MAX_LEN + 8];

	if (!core_may_note(m->core))
		return;
	core_log(m->core, CORE_ERROR, "isakmp.rejected",
	    "rejected %s: DB(prop#1:trns#%u):Peer(prop#%u:trns#%u)%s", ike1_mismatch_name(why), own + 1,
	    peer->proposal->number, peer->transform->number,
	    values(why, &m->own[own], &peer->peer, text, sizeof(text)));
}

void rejected_phase1(struct core *c, enum proposal_check check, const struct ike1_own1 *own, uint8_t n_own,
    const struct ike1_sa *offered)
{
	struct missing m = {c, own};
	struct ike1_choice1 none;

	(void)!ike1_choose1(check, own, n_own, offered, missed, &m, &none);
}

/* --- phase 2 --- */

static const char *encap_word(uint16_t encap)
{
	switch (encap) {
	case 0:
		return "";
	case IKE1_ENCAP_TUNNEL:
		return " tunnel";
	case IKE1_ENCAP_TRANSPORT:
		return " transport";
	case IKE1_ENCAP_UDP_TUNNEL:
	case IKE1_ENCAP_UDP_TUNNEL_DRAFT:
		return " tunnel in UDP";
	case IKE1_ENCAP_UDP_TRANSPORT:
	case IKE1_ENCAP_UDP_TRANSPORT_DRAFT:
		return " transport in UDP";
	default:
		return " in an unknown mode";
	}
}

static void add_transform(struct sbuf *b, const struct ike1_proposal *p, const struct ike1_transform *t)
{
	enum ipsec_proto proto = ike1_proto_of(p->protocol);
	const struct alg_enc_info *enc;
	const struct alg_auth_info *auth;
	struct ike1_phase2 w;
	uint16_t unknown;

	if (proto == IPSEC_PROTO_NONE || ike1_phase2_decode(t, &w, &unknown) != IKE_OK) {
		sbuf_add(b, "protocol %u with attributes that contradict each other", p->protocol);
		return;
	}
	sbuf_add(b, "%s", child_proto_word(proto));
	enc = proto == IPSEC_ESP ? alg_enc_by_id(ike1_enc_of(t->id)) : NULL;
	auth = alg_auth_by_id(ike1_auth_of(w.auth));
	if (enc)
		sbuf_add(b, " %s", enc->name);
	else
		sbuf_add(b, " transform %u", t->id);
	if (w.key_bits)
		sbuf_add(b, " %u", w.key_bits);
	if (w.auth)
		sbuf_add(b, " %s", auth ? auth->name : "unknown integrity");
	sbuf_add(b, "%s", encap_word(w.encap));
	if (w.group)
		sbuf_add(b, " pfs group %u", w.group);
	if (unknown)
		sbuf_add(b, " with the unknown attribute %u", unknown);
}

/* "(#1 trns#1) ESP 3des-cbc hmac-md5 tunnel; ...". */
static void add_sa(struct sbuf *b, const struct ike1_sa *s)
{
	unsigned n = 0;

	for (uint8_t i = 0; i < s->n_proposals; i++)
		for (uint8_t k = 0; k < s->proposal[i].n_transforms; k++) {
			if (++n > SHOWN_MAX)
				continue;
			sbuf_add(b, "%s(#%u trns#%u) ", n == 1 ? "" : "; ", s->proposal[i].number,
			    s->transform[s->proposal[i].first + k].number);
			add_transform(b, &s->proposal[i], &s->transform[s->proposal[i].first + k]);
		}
	if (n > SHOWN_MAX)
		sbuf_add(b, "; and %u more", n - SHOWN_MAX);
}

/* What we would offer ourselves is what we take. */
static void add_own(struct sbuf *b, struct quick *q)
{
	uint8_t buf[OFFER_MAX], first;
	struct ike1_sa own;
	struct ike_out o;
	size_t n;

	ike_out_init_chain(&o, buf, sizeof(buf), &first);
	quick_put_offer(q, &o);
	n = ike_out_end(&o);
	if (n > IKE_PAYLOAD_HDR_LEN &&
	    ike1_sa_parse(buf + IKE_PAYLOAD_HDR_LEN, n - IKE_PAYLOAD_HDR_LEN, &own) == IKE_OK)
		add_sa(b, &own);
	else
		sbuf_add(b, "nothing: what the policy asks for is not in the sainfo");
}

void rejected_phase2(struct quick *q, const struct ike1_sa *offered)
{
	AUTO_SBUF struct sbuf theirs = {0}, ours = {0};

	if (!isakmp_may_say(q->sa))
		return;
	add_sa(&theirs, offered);
	add_own(&ours, q);
	core_log(q->sa->core, CORE_ERROR, "ipsec.rejected",
	    "the peer offers %s. The policy and sainfo of %s:%u take %s", sbuf_str(&theirs),
	    q->conf->file ? q->conf->file : "the file", q->conf->line, sbuf_str(&ours));
}
