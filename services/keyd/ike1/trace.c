#include "keyd/ike1/trace.h"

#include <stdio.h>

#include "wire/ike/v1.h"

#define note(c, ...) core_note(c, CORE_DEBUG, "ike.trace", __VA_ARGS__)

static const char *short_name(uint8_t type)
{
	static const char *const names[] = {[IKE1_P_SA] = "sa",
	    [IKE1_P_KE] = "ke",
	    [IKE1_P_ID] = "id",
	    [IKE1_P_CERT] = "cert",
	    [IKE1_P_CERT_REQ] = "cr",
	    [IKE1_P_HASH] = "hash",
	    [IKE1_P_SIG] = "sig",
	    [IKE1_P_NONCE] = "nonce",
	    [IKE1_P_NOTIFY] = "notify",
	    [IKE1_P_DELETE] = "delete",
	    [IKE1_P_VENDOR] = "vid",
	    [IKE1_P_ATTRIBUTES] = "attr",
	    [IKE1_P_NAT_D] = "nat-d",
	    [IKE1_P_NAT_OA] = "nat-oa"};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "other";
}

void trace_payloads(struct core *c, const struct ike_chain *chain)
{
	enum { LINE = 400 };
	char line[LINE] = "";
	size_t at = 0;

	if (!core_wants(c, CORE_DEBUG))
		return;
	for (uint32_t i = 0; i < chain->n && at + 24 < sizeof(line); i++)
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%u(%s)", i ? " " : "",
		    chain->p[i].type, short_name(chain->p[i].type));
	note(c, "seen nptype=%s; succeed.", line);
}

static const char *protocol_name(uint8_t p)
{
	static const char *const names[] = {[IKE1_PROTO_ISAKMP] = "ISAKMP",
	    [IKE1_PROTO_AH] = "AH",
	    [IKE1_PROTO_ESP] = "ESP",
	    [IKE1_PROTO_IPCOMP] = "IPCOMP"};

	return p < ARRAY_SIZE(names) && names[p] ? names[p] : "unknown";
}

static const char *attribute_name(uint16_t type)
{
	switch (type) {
	case IKE1_A1_CIPHER:
		return "Encryption Algorithm";
	case IKE1_A1_HASH:
		return "Hash Algorithm";
	case IKE1_A1_AUTH:
		return "Authentication Method";
	case IKE1_A1_GROUP:
		return "Group Description";
	case IKE1_A1_LIFE_TYPE:
		return "Life Type";
	case IKE1_A1_LIFE:
		return "Life Duration";
	case IKE1_A1_KEY_BITS:
		return "Key Length";
	default:
		return "unknown";
	}
}

/* racoon's words for a value; NULL: the number is the word. */
static const char *value_name(uint16_t type, uint64_t v)
{
	static const char *const ciphers[] = {[IKE1_CIPHER_DES] = "DES-CBC",
	    [IKE1_CIPHER_IDEA] = "IDEA-CBC",
	    [IKE1_CIPHER_BLOWFISH] = "Blowfish-CBC",
	    [IKE1_CIPHER_RC5] = "RC5-R16-B64-CBC",
	    [IKE1_CIPHER_3DES] = "3DES-CBC",
	    [IKE1_CIPHER_CAST128] = "CAST-CBC",
	    [IKE1_CIPHER_AES] = "AES-CBC",
	    [IKE1_CIPHER_CAMELLIA] = "CAMELLIA-CBC"};
	static const char *const hashes[] = {[IKE1_HASH_MD5] = "MD5",
	    [IKE1_HASH_SHA1] = "SHA",
	    [IKE1_HASH_TIGER] = "Tiger",
	    [IKE1_HASH_SHA256] = "SHA256",
	    [IKE1_HASH_SHA384] = "SHA384",
	    [IKE1_HASH_SHA512] = "SHA512"};
	static const char *const auths[] = {[IKE1_AUTH_PSK] = "pre-shared key",
	    [IKE1_AUTH_DSS] = "DSS signatures",
	    [IKE1_AUTH_RSA] = "RSA signatures"};
	static const char *const groups[] = {[1] = "768-bit MODP group",
	    [2] = "1024-bit MODP group",
	    [5] = "1536-bit MODP group",
	    [14] = "2048-bit MODP group",
	    [15] = "3072-bit MODP group",
	    [16] = "4096-bit MODP group",
	    [17] = "6144-bit MODP group",
	    [18] = "8192-bit MODP group"};
	static const char *const lives[] = {
	    [IKE1_LIFE_SECONDS] = "seconds", [IKE1_LIFE_KILOBYTES] = "kilobytes"};
	static const struct {
		uint16_t type;
		const char *const *names;
		size_t n;
	} tables[] = {{IKE1_A1_CIPHER, ciphers, ARRAY_SIZE(ciphers)},
	    {IKE1_A1_HASH, hashes, ARRAY_SIZE(hashes)}, {IKE1_A1_AUTH, auths, ARRAY_SIZE(auths)},
	    {IKE1_A1_GROUP, groups, ARRAY_SIZE(groups)}, {IKE1_A1_LIFE_TYPE, lives, ARRAY_SIZE(lives)}};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (tables[i].type == type)
			return v < tables[i].n ? tables[i].names[v] : NULL;
	return NULL;
}

static void trace_attribute(struct core *c, const struct ike1_attr *a)
{
	enum { SHORT_FORM = 0x8000 };
	const char *word = value_name(a->type, a->number);
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)a->number);
	note(c, "type=%s, flag=0x%04x, lorv=%s", attribute_name(a->type), a->basic ? SHORT_FORM : 0,
	    word ? word : number);
}

static void trace_transform(struct core *c, const struct ike1_transform *t)
{
	struct rd r = ike1_attrs(t);
	struct ike1_attr a;

	note(c, "trns#=%u, trns-id=%s", t->number, t->id == IKE1_TRANSFORM_KEY_IKE ? "IKE" : "unknown");
	while (ike1_attr_next(&r, &a))
		trace_attribute(c, &a);
}

void trace_sa(struct core *c, size_t body_len, const struct ike1_sa *sa)
{
	if (!core_wants(c, CORE_DEBUG))
		return;
	note(c, "total SA len=%zu", body_len);
	for (uint8_t i = 0; i < sa->n_proposals; i++) {
		const struct ike1_proposal *p = &sa->proposal[i];

		note(c, "prop#=%u, prot-id=%s, spi-size=%u, #trns=%u", p->number, protocol_name(p->protocol),
		    p->spi_len, p->n_transforms);
		for (uint8_t k = 0; k < p->n_transforms; k++)
			trace_transform(c, &sa->transform[p->first + k]);
	}
}

void trace_remote(struct core *c, const struct ike_peer *p, const struct ike_path *path)
{
	char a[INET_ADDR_STRLEN];

	if (!core_wants(c, CORE_DEBUG))
		return;
	inet_addr_format(&path->remote, a);
	if (p->addr.family == INET_NONE)
		note(c, "anonymous configuration selected for %s.", a);
	else
		note(c, "configuration found for %s[%u].", a, p->port);
}

void trace_phase1(const struct isakmp *sa, const struct ike_path *wanted)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];
	const struct ike_path *p = &sa->path;

	if (!core_wants(sa->core, CORE_DEBUG))
		return;
	core_log(sa->core, CORE_DEBUG, "ike.trace", "ph1 local addr %s[%u], arg local addr %s[0]",
	    inet_addr_format(&p->local, a), p->local_port, inet_addr_format(&wanted->local, b));
	core_log(sa->core, CORE_DEBUG, "ike.trace", "ph1 remote addr %s[%u], arg remote addr %s[0]",
	    inet_addr_format(&p->remote, a), p->remote_port, inet_addr_format(&wanted->remote, b));
}
