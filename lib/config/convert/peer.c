/*
 * A block's words in the order of postern.conf(5).
 */
#include <string.h>

#include "config/convert/convert.h"
#include "config/native/native.h"

enum { LIFE_MIN_S = 300, LIFE_MAX_S = 86400 };

struct writing {
	const struct convert_input *in;
	const struct ike_peer *p;
	const struct inet_addr *local, *remote;
	struct sbuf *to;
	convert_say_fn say;
	void *arg;
};

static void tell(const struct writing *w, enum convert_fate fate, uint32_t line, const char *what)
{
	convert_tell(
	    w->say, w->arg, fate, w->p->file ? w->p->file : "", line, "remote %s: %s", w->p->name, what);
}

/* What may stand between double quotes. */
static bool is_text(const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i] < ' ' || b[i] == '"' || b[i] == 0x7f)
			return false;
	return n > 0;
}

static bool write_id(const struct writing *w, const char *word, const struct ike_id *id)
{
	static const char *const kinds[] = {[IKE_ID_FQDN] = "name",
	    [IKE_ID_USER_FQDN] = "email",
	    [IKE_ID_KEYID] = "keyid",
	    [IKE_ID_DN] = "dn"};
	char text[INET_ADDR_STRLEN];
	struct inet_addr a;

	if (id->kind == IKE_ID_ADDRESS) {
		a = inet_addr_from_bytes(id->data, id->len);
		sbuf_add(w->to, "    %s %s\n", word, inet_addr_format(&a, text));
		return true;
	}
	if (id->kind > IKE_ID_DN || !is_text(id->data, id->len) ||
	    (id->kind == IKE_ID_DN && !memchr(id->data, '=', id->len)))
		return false;
	sbuf_add(w->to, "    %s %s \"%.*s\"\n", word, kinds[id->kind], (int)id->len, (const char *)id->data);
	return true;
}

/* The address in use, as an identity that is said. */
static struct ike_id id_of(const struct inet_addr *a)
{
	struct ike_id id = {.kind = IKE_ID_ADDRESS, .len = (uint16_t)inet_addr_len(a)};

	memcpy(id.data, a->b, id.len);
	return id;
}

static void write_ids(const struct writing *w, bool certificate)
{
	const struct ike_peer *p = w->p;
	struct ike_id id = p->my_id;
	bool is_default = id.kind == (certificate ? IKE_ID_DN : IKE_ID_ADDRESS) && !id.len;

	if (id.kind == IKE_ID_ADDRESS && !id.len)
		id = id_of(w->local);
	if (!is_default && (!id.len || !write_id(w, "local-id", &id)))
		tell(w, CONVERT_DROPPED, p->line, "my_identifier: it cannot be written here; say `local-id`");
	for (uint8_t i = 0; p->verify_identifier && i < p->n_peer_ids; i++) {
		id = p->peer_id[i];
		if (id.kind == IKE_ID_ADDRESS && !id.len)
			id = id_of(w->remote);
		if (!id.len || !write_id(w, "remote-id", &id))
			tell(w, CONVERT_DROPPED, p->line,
			    "peers_identifier: one without a value, or that cannot be written here");
	}
}

/* False: it cannot be named here, which was told. */
static bool write_file(const struct writing *w, const char *word, const char *path)
{
	if (!path)
		return true;
	if (path[0] != '/' || !is_text(path, strlen(path))) {
		tell(w, CONVERT_DROPPED, w->p->line, "a file has a name that cannot be written here");
		return false;
	}
	sbuf_add(w->to, "    %s \"%s\"\n", word, path);
	return true;
}

static bool write_certificate(const struct writing *w)
{
	const struct ike_peer *p = w->p;
	const char *folder = w->in->ike->cert_dir;

	if (!p->cert || !p->key) {
		tell(w, CONVERT_DROPPED, p->line,
		    "it has no certificate_type: there is no connection without one");
		return false;
	}
	if (!write_file(w, "certificate", p->cert) || !write_file(w, "key", p->key) ||
	    !write_file(w, "authority", p->ca) || !write_file(w, "remote-certificate", p->peer_cert))
		return false;
	sbuf_add(w->to, "    weak-certificates yes\n"); /* racoon believes any */
	if (p->ca || p->peer_cert)
		return true;
	tell(w, CONVERT_DROPPED, p->line,
	    "path certificate: the authorities of a folder have to be put into one file, named by "
	    "`authority`");
	return write_file(w, "authority", folder ? folder : "/etc/postern/authority.pem");
}

static bool write_secret(const struct writing *w)
{
	if (w->in->ike->psk_file)
		return write_file(w, "secret-file", w->in->ike->psk_file);
	tell(w, CONVERT_DROPPED, w->p->line,
	    "path pre_shared_key names no file: there is no connection without one");
	return false;
}

/* The first proposal's way is the connection's. */
static bool is_usable(const struct ike_offer *o, enum ike_auth_method auth)
{
	return o->auth == auth && convert_cipher_word(o->enc, o->key_bits) && native_prf_word(o->hash) &&
	       native_group_word(o->group);
}

static bool write_offers(const struct writing *w, enum ike_auth_method auth)
{
	const struct ike_peer *p = w->p;
	uint64_t seconds = 0;
	uint8_t n = 0;

	for (uint8_t i = 0; i < p->n_offers; i++) {
		const struct ike_offer *o = &p->offer[i];

		if (!is_usable(o, auth) || n == NATIVE_PROPOSALS_MAX) {
			tell(w, CONVERT_DROPPED, o->line,
			    "proposal: its algorithms have no word, it proves itself otherwise than the "
			    "first, or it is one too many");
			continue;
		}
		if (seconds && o->seconds != seconds)
			tell(
			    w, CONVERT_APPROXIMATED, o->line, "proposal: all have the lifetime of the first");
		seconds = seconds ? seconds : o->seconds;
		sbuf_add(w->to, "%s%s-%s-%s", n++ ? ", " : "    ike ",
		    convert_cipher_word(o->enc, o->key_bits), native_prf_word(o->hash),
		    native_group_word(o->group));
	}
	if (!n)
		return false;
	if (seconds < LIFE_MIN_S || seconds > LIFE_MAX_S)
		tell(w, CONVERT_APPROXIMATED, p->line, "lifetime: 5 minutes to a day are possible");
	seconds = seconds < LIFE_MIN_S ? LIFE_MIN_S : seconds > LIFE_MAX_S ? LIFE_MAX_S : seconds;
	sbuf_add(w->to, "\n    lifetime %llus\n", (unsigned long long)seconds);
	return true;
}

static void write_mode(const struct writing *w)
{
	const struct ike_peer *p = w->p;

	if (p->n_modes > 1 || (p->n_modes && p->mode[0] == IKE_MODE_BASE))
		tell(w, CONVERT_APPROXIMATED, p->line,
		    "exchange_mode: one mode is begun and answered, main or aggressive");
	if (p->n_modes && p->mode[0] == IKE_MODE_AGGRESSIVE)
		sbuf_add(w->to, "    exchange aggressive\n");
}

static void write_ways(const struct writing *w)
{
	static const char *const encap[] = {[IKE_OFF] = "never", [IKE_ON] = "auto", [IKE_FORCE] = "always"};
	const struct ike_peer *p = w->p;

	if (p->passive)
		sbuf_add(w->to, "    keep respond\n");
	sbuf_add(w->to, "    encap %s\n", encap[p->nat_traversal]);
	if (!p->dpd.delay_s)
		sbuf_add(w->to, "    dpd no\n");
	else
		sbuf_add(w->to, "    dpd %us %u\n", p->dpd.delay_s, p->dpd.maxfail ? p->dpd.maxfail : 1);
}

bool convert_write_peer(const struct convert_input *in, const struct ike_peer *p,
    const struct inet_addr *local, const struct inet_addr *remote, struct sbuf *to, convert_say_fn say,
    void *arg)
{
	const struct writing w = {in, p, local, remote, to, say, arg};
	enum ike_auth_method auth = p->n_offers ? p->offer[0].auth : IKE_AUTH_NONE;
	char text[INET_ADDR_STRLEN];

	if (auth != IKE_AUTH_PSK && auth != IKE_AUTH_RSA) {
		tell(&w, CONVERT_DROPPED, p->line,
		    "proposal: its authentication_method asks for a user, or there is none: keep the "
		    "racoon.conf for it");
		return false;
	}
	sbuf_add(
	    to, "    version 1\n    remote %s\n", remote->family ? inet_addr_format(remote, text) : "any");
	if (local->family)
		sbuf_add(to, "    local %s\n", inet_addr_format(local, text));
	write_mode(&w);
	write_ids(&w, auth == IKE_AUTH_RSA);
	if (!(auth == IKE_AUTH_RSA ? write_certificate(&w) : write_secret(&w)) || !write_offers(&w, auth))
		return false;
	write_ways(&w);
	return true;
}
