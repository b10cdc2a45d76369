/*
 * `remote`: its header, its statements, and what has to be true of all of them together (racoon-conf.md
 * section 4).
 */
#include <errno.h>
#include <stdio.h>

#include "config/racoon/reader.h"
#include "ipsec/dn_text.h"
#include "ipsec/sa.h"

static bool exchange_mode(struct rc_cur *c, void *block)
{
	static const struct rc_choice modes[] = {
	    {"main", IKE_MODE_MAIN}, {"aggressive", IKE_MODE_AGGRESSIVE}, {"base", IKE_MODE_BASE}};
	struct ike_peer *p = block;
	const struct rc_word *w;
	uint32_t mode;

	p->n_modes = 0;
	do {
		w = rc_peek(c);
		if (!rc_pick(
		        c, "an exchange mode: main, aggressive or base", modes, ARRAY_SIZE(modes), &mode))
			return false;
		for (uint8_t i = 0; i < p->n_modes; i++)
			if (p->mode[i] == mode)
				return rc_fault(c, w, "stands there twice");
		p->mode[p->n_modes++] = mode;
		(void)rc_skip(c, ",");
	} while (rc_peek(c));
	return true;
}

static bool only(struct rc_cur *c, const char *word)
{
	const struct rc_word *w = rc_next(c);

	if (!w || !rc_word_is(w, word))
		return rc_fault(c, w, "is not supported: only %s is", word);
	return rc_end(c);
}

static bool doi(struct rc_cur *c, void *block)
{
	return only(c, "ipsec_doi");
}

static bool situation(struct rc_cur *c, void *block)
{
	return only(c, "identity_only");
}

static bool my_identifier(struct rc_cur *c, void *block)
{
	struct ike_peer *p = block;

	return rc_identifier(c, &p->my_id) && rc_end(c);
}

static bool old_identifier(struct rc_cur *c, void *block)
{
	rc_warn(c, NULL, "is an old word for `my_identifier`");
	return my_identifier(c, block);
}

static bool peers_identifier(struct rc_cur *c, void *block)
{
	struct ike_peer *p = block;
	struct ike_id id, *list;

	if (!rc_identifier(c, &id) || !rc_end(c))
		return false;
	if (c->r->inherited_ids)
		p->n_peer_ids = 0;
	c->r->inherited_ids = false;
	if (p->n_peer_ids == IKE_PEER_IDS_MAX)
		return rc_fault(c, NULL, "is there too often: %d are enough", IKE_PEER_IDS_MAX);
	list = reallocarray(p->peer_id, p->n_peer_ids + 1U, sizeof(*list));
	if (!list)
		return rc_no_memory(c);
	p->peer_id = list;
	p->peer_id[p->n_peer_ids++] = id;
	return true;
}

/* What proves with a key like this cannot be done, and nothing else may do in its place: such proposals are
 * left out at the end of the block. The word was the last. */
static bool unread(struct rc_cur *c, bool *ret, const char *why)
{
	AUTO_FREE char *name = NULL;

	*ret = true;
	rc_warn(c, rc_word_at(c->r->tree, c->s, c->at - 1), "is ignored: %s", why);
	return (!rc_peek(c) || rc_string(c, &name)) && rc_end(c);
}

static bool certificate_type(struct rc_cur *c, void *block)
{
	struct ike_peer *p = block;

	if (rc_skip(c, "plain_rsa"))
		return unread(
		    c, &c->r->unread_key, "bare keys are not read: put it into an x509 certificate");
	if (!rc_skip(c, "x509"))
		return rc_fault(c, rc_peek(c), "is no type of certificate: there is x509");
	c->r->unread_key = false;
	return rc_string(c, &p->cert) && rc_string(c, &p->key) && rc_end(c);
}

static bool ca_type(struct rc_cur *c, void *block)
{
	struct ike_peer *p = block;

	if (!rc_skip(c, "x509"))
		return rc_fault(c, rc_peek(c), "is no type of certificate: there is x509");
	return rc_string(c, &p->ca) && rc_end(c);
}

static bool peers_certfile(struct rc_cur *c, void *block)
{
	struct ike_peer *p = block;

	if (rc_skip(c, "plain_rsa") || rc_skip(c, "dnssec"))
		return unread(c, &c->r->unread_peer_key,
		    "a peer's certificate is an x509 file, or comes with its messages");
	(void)rc_skip(c, "x509");
	c->r->unread_peer_key = false;
	return rc_string(c, &p->peer_cert) && rc_end(c);
}

static bool lifetime(struct rc_cur *c, void *block)
{
	struct ike_peer *p = block;
	uint64_t bytes;

	if (rc_skip(c, "byte")) {
		if (!rc_size(c, &bytes))
			return false;
		rc_warn(c, NULL, "in bytes is ignored in `remote`: the lifetime in time holds");
		return rc_end(c);
	}
	if (!rc_skip(c, "time"))
		return rc_fault(c, rc_peek(c), "wants `time` or `byte` behind it");
	if (!rc_time(c, &p->seconds))
		return false;
	if (!p->seconds)
		return rc_fault(c, NULL, "of 0 is none");
	if (p->seconds > IKE_LIFE_MAX_S)
		rc_warn(c, NULL, "is longer than a day, which is what an ISAKMP SA lives at most");
	return rc_end(c);
}

/* What cannot be executed is found here, where its place is known, and not in the night in which it is
 * wanted. */
static bool check_script(struct rc_cur *c, const struct rc_word *w, const char *path)
{
	const struct racoon_options *o = c->r->o;
	struct err_text e = {{0}};

	if (path[0] != '/')
		return rc_fault(
		    c, w, "is relative, and no `path script` that begins with / stands in front of it");
	if (strlen(path) > IKE_CONF_TEXT_MAX)
		return rc_fault(c, w, "is longer than %d octets", IKE_CONF_TEXT_MAX);
	if (o->check_script && o->check_script(o->arg, path, &e) < 0)
		return rc_fault(c, w, "cannot be a script that root executes: %s", e.s);
	return true;
}

static bool script(struct rc_cur *c, void *block)
{
	static const struct rc_choice events[] = {
	    {"phase1_up", IKE_HOOK_UP}, {"phase1_down", IKE_HOOK_DOWN}, {"phase1_dead", IKE_HOOK_DEAD}};
	AUTO_FREE char *name = NULL, *path = NULL;
	const struct rc_word *w = rc_peek(c);
	struct ike_peer *p = block;
	uint32_t event;

	if (!rc_string(c, &name) ||
	    !rc_pick(
	        c, "an event: phase1_up, phase1_down or phase1_dead", events, ARRAY_SIZE(events), &event) ||
	    !rc_end(c))
		return false;
	path = rc_join(c->r->conf->script_dir, name);
	if (!path)
		return rc_no_memory(c);
	if (!check_script(c, w, path))
		return false;
	free(p->script[event]);
	p->script[event] = take_ptr(path);
	return true;
}

/* The port in brackets; left out or "any" it is the usual one. */
static bool take_port(struct rc_cur *c, uint16_t *ret)
{
	const struct rc_word *w = rc_peek(c);
	uint16_t port = 0;
	bool said;

	if (!rc_port(c, &said, &port))
		return false;
	if (port && port != IKE_PORT)
		rc_warn(c, w, "port %u is ignored: peers are written to at port %d, and behind NAT at %d",
		    port, IKE_PORT, IKE_PORT_NATT);
	*ret = port ? port : IKE_PORT;
	return true;
}

static bool remote_address(struct rc_cur *c, void *block)
{
	struct ike_peer *p = block;

	if (p->addr.family != INET_NONE)
		return rc_fault(c, NULL, "is there already");
	return rc_addr(c, &p->addr) && take_port(c, &p->port) && rc_end(c);
}

/* Switches and numbers: where each goes. */
#define SWITCH(name_, field_)                                                                                \
	static bool name_(struct rc_cur *c, void *block)                                                     \
	{                                                                                                    \
		struct ike_peer *p = block;                                                                  \
                                                                                                             \
		return rc_switch(c, &p->field_) && rc_end(c);                                                \
	}
#define NUMBER(name_, field_, min_, max_)                                                                    \
	static bool name_(struct rc_cur *c, void *block)                                                     \
	{                                                                                                    \
		struct ike_peer *p = block;                                                                  \
		uint64_t v;                                                                                  \
                                                                                                             \
		if (!rc_number(c, min_, max_, &v) || !rc_end(c))                                             \
			return false;                                                                        \
		p->field_ = (__typeof__(p->field_))v;                                                        \
		return true;                                                                                 \
	}
#define CHOICE(name_, field_, what_, ...)                                                                    \
	static bool name_(struct rc_cur *c, void *block)                                                     \
	{                                                                                                    \
		static const struct rc_choice words[] = {__VA_ARGS__};                                       \
		struct ike_peer *p = block;                                                                  \
		uint32_t v;                                                                                  \
                                                                                                             \
		if (!rc_pick(c, what_, words, ARRAY_SIZE(words), &v) || !rc_end(c))                          \
			return false;                                                                        \
		p->field_ = v;                                                                               \
		return true;                                                                                 \
	}

SWITCH(verify_identifier, verify_identifier)
SWITCH(send_cert, send_cert)
SWITCH(send_cr, send_cr)
SWITCH(verify_cert, verify_cert)
SWITCH(initial_contact, initial_contact)
SWITCH(passive, passive)
SWITCH(mode_cfg, mode_cfg)
SWITCH(dpd, dpd.announce)
NUMBER(dpd_delay, dpd.delay_s, 0, 86400)
NUMBER(dpd_retry, dpd.retry_s, 1, 86400)
NUMBER(dpd_maxfail, dpd.maxfail, 1, 100)
NUMBER(esp_frag_octets, esp_frag, 0, 65535)
NUMBER(ph1id, ph1id, 0, UINT32_MAX)
NUMBER(nonce_size, nonce_len, IKE_NONCE_MIN, IKE_NONCE_MAX)
CHOICE(generate_policy, generate, "one of off, on, require and unique", {"off", IKE_GENERATE_OFF},
    {"on", IKE_GENERATE_REQUIRE}, {"require", IKE_GENERATE_REQUIRE}, {"unique", IKE_GENERATE_UNIQUE})
CHOICE(proposal_check, check, "one of obey, strict, claim and exact", {"obey", CHECK_OBEY},
    {"strict", CHECK_STRICT}, {"claim", CHECK_CLAIM}, {"exact", CHECK_EXACT})
CHOICE(nat_traversal, nat_traversal, "one of on, off and force", {"on", IKE_ON}, {"off", IKE_OFF},
    {"force", IKE_FORCE})
CHOICE(ike_frag, ike_frag, "one of on, off and force", {"on", IKE_ON}, {"off", IKE_OFF}, {"force", IKE_FORCE})
CHOICE(rekey, rekey, "one of on, off and force", {"on", IKE_ON}, {"off", IKE_OFF}, {"force", IKE_FORCE})

static bool xauth_login(struct rc_cur *c, void *block)
{
	return rc_string(c, &((struct ike_peer *)block)->xauth_login) && rc_end(c);
}

/* The longest packet there is means no limit. */
static bool esp_frag(struct rc_cur *c, void *block)
{
	struct ike_peer *p = block;

	if (!esp_frag_octets(c, block))
		return false;
	if (p->esp_frag == UINT16_MAX)
		p->esp_frag = 0;
	if (p->esp_frag && p->esp_frag < SA_FRAG_MIN) {
		rc_warn(c, NULL, "of %u octets is raised to %d: smaller pieces are mostly header",
		    p->esp_frag, SA_FRAG_MIN);
		p->esp_frag = SA_FRAG_MIN;
	}
	return true;
}

/* It chose between blocks by requests for certificates, which is not done here. */
static bool match_empty_cr(struct rc_cur *c, void *block)
{
	bool unused;

	if (!rc_switch(c, &unused) || !rc_end(c))
		return false;
	rc_warn(c, NULL, "is ignored: a block is not chosen by what certificates the peer requests");
	return true;
}

/* What the language knows and this build does not do yet: the words are read, and said to be ignored. */
static bool ignored(struct rc_cur *c, void *block)
{
	rc_warn(c, NULL, "is ignored: not supported");
	return true;
}

static bool refused_group(struct rc_cur *c, void *block)
{
	return rc_fault(c, NULL, "cannot be defined here: it belongs into `proposal`");
}

static bool proposal(struct rc_cur *c, void *block)
{
	return rc_proposal(c, block);
}

static const struct rc_verb verbs[] = {
    {"exchange_mode", exchange_mode, false},
    {"doi", doi, false},
    {"situation", situation, false},
    {"my_identifier", my_identifier, false},
    {"identifier", old_identifier, false},
    {"peers_identifier", peers_identifier, false},
    {"verify_identifier", verify_identifier, false},
    {"certificate_type", certificate_type, false},
    {"ca_type", ca_type, false},
    {"peers_certfile", peers_certfile, false},
    {"send_cert", send_cert, false},
    {"send_cr", send_cr, false},
    {"match_empty_cr", match_empty_cr, false},
    {"verify_cert", verify_cert, false},
    {"lifetime", lifetime, false},
    {"initial_contact", initial_contact, false},
    {"passive", passive, false},
    {"generate_policy", generate_policy, false},
    {"proposal_check", proposal_check, false},
    {"support_mip6", ignored, false},
    {"support_proxy", ignored, false},
    {"nat_traversal", nat_traversal, false},
    {"dpd", dpd, false},
    {"dpd_delay", dpd_delay, false},
    {"dpd_retry", dpd_retry, false},
    {"dpd_maxfail", dpd_maxfail, false},
    {"rekey", rekey, false},
    {"ike_frag", ike_frag, false},
    {"esp_frag", esp_frag, false},
    {"mode_cfg", mode_cfg, false},
    {"weak_phase1_check", ignored, false},
    {"xauth_login", xauth_login, false},
    {"script", script, false},
    {"ph1id", ph1id, false},
    {"nonce_size", nonce_size, false},
    {"keepalive", ignored, false},
    {"dh_group", refused_group, false},
    {"remote_address", remote_address, false},
    {"proposal", proposal, true},
};

/* `anonymous`, an address, or a name in quotes; with a port. */
struct header {
	char *name;
	struct inet_addr addr;
	uint16_t port;
	bool is_named;
};

/* With the port where it is another than the usual one. */
static char *name_of(const struct header *h)
{
	char text[INET_ADDR_STRLEN], *name = NULL;
	const char *who = h->addr.family == INET_NONE ? "anonymous" : inet_addr_format(&h->addr, text);

	if (h->port == IKE_PORT)
		return strdup(who);
	return asprintf(&name, "%s[%u]", who, h->port) < 0 ? NULL : name;
}

static bool take_header(struct rc_cur *c, struct header *h)
{
	const struct rc_word *w = rc_peek(c);

	*h = (struct header){.port = IKE_PORT};
	if (w && w->kind == RC_STRING) {
		h->is_named = true;
		return rc_string(c, &h->name);
	}
	if (!rc_skip(c, "anonymous")) {
		if (!w)
			return rc_fault(
			    c, NULL, "wants an address, `anonymous` or a name in quotes behind it");
		if (!rc_addr(c, &h->addr))
			return false;
	}
	if (!take_port(c, &h->port))
		return false;
	h->name = name_of(h);
	return h->name || rc_no_memory(c);
}

static struct ike_peer *find(struct rc_read *r, const char *name)
{
	for (uint32_t i = 0; i < r->conf->n_peers; i++)
		if (strcmp(r->conf->peer[i].name, name) == 0)
			return &r->conf->peer[i];
	return NULL;
}

static struct ike_peer *begin(struct rc_cur *c, struct header *h, const struct rc_word *at)
{
	struct ike_peer *p;

	if (find(c->r, h->name)) {
		(void)rc_fault(c, at, "is defined already");
		return NULL;
	}
	p = ike_conf_add_peer(c->r->conf);
	if (!p) {
		(void)rc_fault(c, at, "cannot be kept: too many remotes, or no memory");
		return NULL;
	}
	p->name = take_ptr(h->name);
	p->addr = h->addr;
	p->port = h->port;
	p->file = strdup(c->r->tree->file);
	p->line = at->line;
	p->weak_certs = true; /* certificates of the format's age are (racoon-conf.md D5) */
	if (c->r->default_id.kind != IKE_ID_NONE)
		p->my_id = c->r->default_id;
	return p;
}

static bool inherit(struct rc_cur *c, struct ike_peer *p)
{
	const struct rc_word *w;
	struct header parent;
	const struct ike_peer *from;
	uint32_t self = (uint32_t)(p - c->r->conf->peer);
	bool ok;

	if (!rc_skip(c, "inherit"))
		return true;
	w = rc_peek(c);
	if (!take_header(c, &parent)) {
		free(parent.name);
		return false;
	}
	from = find(c->r, parent.name);
	ok = from && from != &c->r->conf->peer[self];
	if (!ok)
		(void)rc_fault(c, w, "is no remote that was defined before");
	else if (ike_peer_copy(&c->r->conf->peer[self], from) < 0)
		ok = rc_no_memory(c);
	free(parent.name);
	return ok;
}

/* Names of certificates are below the folder as it is known when the block ends. */
static bool place(struct rc_cur *c, const struct ike_peer *p, const char *what, char **name)
{
	char *path;

	if (*name && (*name)[0] != '/' && !c->r->conf->cert_dir)
		return rc_fault(c, NULL,
		    "%s: %s names %s, which is relative, and no `path certificate` stands in front of the "
		    "block",
		    p->name, what, *name);
	path = *name ? rc_join(c->r->conf->cert_dir, *name) : NULL;
	if (*name && !path)
		return rc_no_memory(c);
	free(*name);
	*name = path;
	return true;
}

/* Without a certificate the name is the text; with one, its subject is said (racoon-conf.md section 4.4). */
static bool check_name(struct rc_cur *c, const struct ike_peer *p)
{
	char type[DN_PART_MAX];
	uint8_t der[DN_DER_MAX];
	int r;

	if (p->my_id.kind != IKE_ID_DN)
		return true;
	if (p->cert) {
		if (p->my_id.len)
			rc_warn(c, NULL,
			    "%s: the text of my_identifier asn1dn is ignored: the certificate's subject is "
			    "sent",
			    p->name);
		return true;
	}
	if (!p->my_id.len) {
		rc_warn(c, NULL,
		    "%s: my_identifier asn1dn without a text is the subject of a certificate, and "
		    "certificate_type names none: nothing can be negotiated",
		    p->name);
		return true;
	}
	r = dn_encode((const char *)p->my_id.data, p->my_id.len, der, type);
	if (r == -ENOENT)
		return rc_fault(
		    c, NULL, "%s: my_identifier asn1dn has %s, which is no type of attribute", p->name, type);
	if (r < 0)
		return rc_fault(
		    c, NULL, "%s: my_identifier asn1dn has `*`, or is too long for a name", p->name);
	return true;
}

static bool check_offer(struct rc_cur *c, const struct ike_peer *p, const struct ike_offer *o)
{
	const char *method = ike_auth_method_name(o->auth);

	if (ike_auth_is_rsa(o->auth) && p->my_id.kind == IKE_ID_DN && !p->cert)
		return rc_fault(c, NULL, "%s: ASN1 ID not specified and no CERT defined!", p->name);
	if (ike_auth_is_rsa(o->auth) && !p->cert)
		return rc_fault(c, NULL, "%s: %s needs `certificate_type x509`", p->name, method);
	if (ike_auth_is_asked(o->auth) && !p->xauth_login)
		return rc_fault(c, NULL, "%s: %s needs `xauth_login \"USER\"`", p->name, method);
	if (p->mode[0] == IKE_MODE_AGGRESSIVE && o->group != p->offer[0].group)
		return rc_fault(c, NULL,
		    "%s: DH group must be equal in all proposals when aggressive mode is used.", p->name);
	return true;
}

static bool check_auth(struct rc_cur *c, const struct ike_peer *p)
{
	bool asks = false;

	for (uint8_t i = 0; i < p->n_offers; i++) {
		if (!check_offer(c, p, &p->offer[i]))
			return false;
		asks |= ike_auth_asks(p->offer[i].auth);
	}
	if (asks && !ike_peer_asks(p))
		rc_warn(c, NULL,
		    "%s: some of its proposals ask for a user and some do not: a peer may choose those that "
		    "do "
		    "not",
		    p->name);
	return true;
}

/* Signatures need the keys that were not read. */
static void leave_out(struct rc_cur *c, struct ike_peer *p)
{
	uint8_t n = 0;

	if (!c->r->unread_key && !c->r->unread_peer_key)
		return;
	for (uint8_t i = 0; i < p->n_offers; i++) {
		if (!ike_auth_is_rsa(p->offer[i].auth))
			p->offer[n++] = p->offer[i];
		else
			rc_warn(c, NULL,
			    "%s: its proposal in line %u is left out: %s needs a key that is not read",
			    p->name, p->offer[i].line, ike_auth_method_name(p->offer[i].auth));
	}
	p->n_offers = n;
}

static bool finish(struct rc_cur *c, struct ike_peer *p)
{
	if (!p->n_modes)
		return rc_fault(c, NULL, "%s: no exchange mode specified.", p->name);
	leave_out(c, p);
	if (!p->n_offers)
		return rc_fault(c, NULL, "%s: no proposal found: nothing can be negotiated", p->name);
	if (!place(c, p, "certificate_type", &p->cert) || !place(c, p, "certificate_type", &p->key) ||
	    !place(c, p, "ca_type", &p->ca) || !place(c, p, "peers_certfile", &p->peer_cert) ||
	    !check_auth(c, p) || !check_name(c, p) || !rc_check_rivals(c, p))
		return false;
	rc_warn_hidden(c, p);
	rc_warn_remote(c, p);
	return true;
}

bool rc_remote(struct rc_cur *c, void *block)
{
	const struct rc_word *at = rc_peek(c);
	unsigned before = c->r->n_errors;
	struct header h;
	struct ike_peer *p;
	bool ok = take_header(c, &h);

	c->r->is_named = h.is_named;
	p = ok ? begin(c, &h, at) : NULL;
	free(h.name);
	if (!p || !inherit(c, p) || !rc_end(c))
		return false;
	/* Proposals of its own replace its parent's, all of them; so do identities of its peer. */
	c->r->inherited_offers = p->n_offers > 0;
	c->r->inherited_ids = p->n_peer_ids > 0;
	c->r->unread_key = c->r->unread_peer_key = false;
	rc_run_body(c, verbs, ARRAY_SIZE(verbs), p);
	return c->r->n_errors == before && finish(c, p);
}
