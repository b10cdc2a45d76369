/*
 * `connection`: its statements, and what has to be true of all of them together.
 */
#include "config/native/reader.h"

enum { DPD_S = 30, DPD_TRIES = 5, KEPT_DPD_S = 10, KEPT_DPD_TRIES = 3 };

static bool version(struct nc_cur *c, void *block)
{
	struct native_conn *x = block;
	uint64_t v;

	x->version_at = nc_place(c, nc_peek(c));
	if (!nc_number(c, 1, 2, &v) || !nc_end(c))
		return false;
	x->version = (uint8_t)v;
	return true;
}

static bool local(struct nc_cur *c, void *block)
{
	return nc_host(c, &((struct native_conn *)block)->local) && nc_end(c);
}

static bool remote(struct nc_cur *c, void *block)
{
	return nc_host(c, &((struct native_conn *)block)->remote) && nc_end(c);
}

static bool local_id(struct nc_cur *c, void *block)
{
	return nc_identity(c, &((struct native_conn *)block)->local_id);
}

static bool remote_id(struct nc_cur *c, void *block)
{
	struct native_conn *x = block;
	struct ike_id id, *list;

	if (!nc_identity(c, &id))
		return false;
	if (x->n_remote_ids == IKE_PEER_IDS_MAX)
		return nc_fault(c, NULL, "is there too often: %d are enough", IKE_PEER_IDS_MAX);
	list = reallocarray(x->remote_id, x->n_remote_ids + 1U, sizeof(*list));
	if (!list)
		return nc_no_memory(c);
	x->remote_id = list;
	x->remote_id[x->n_remote_ids++] = id;
	return true;
}

static const char *shared_word(enum native_auth a)
{
	return a == NATIVE_AUTH_SECRET ? "secret" : "secret-file";
}

/* One secret, or one file of them. */
static bool begin_shared(struct nc_cur *c, struct native_conn *x, enum native_auth shared)
{
	if (x->shared && x->shared != shared)
		return nc_fault(c, NULL, "does not go with `%s` in line %u: a connection has one of them",
		    shared_word(x->shared), x->auth_at.line);
	x->shared = shared;
	x->auth_at = nc_place(c, NULL);
	return true;
}

/* The same rule as for psk.txt. */
static bool file_is_private(struct nc_cur *c)
{
	const struct native_text *t = c->r->text;
	const char *file = c->r->conf->file[c->r->file];

	if (t->mode & 077)
		return nc_fault(c, NULL,
		    "stands in a file that others may read or write, mode 0%o: chmod 600 %s, and take a new "
		    "secret "
		    "if others could read it",
		    (unsigned)(t->mode & 07777), file);
	if (t->owner != 0 && t->owner != geteuid())
		return nc_fault(
		    c, NULL, "stands in a file of user %u: chown root %s", (unsigned)t->owner, file);
	return true;
}

/* Nothing of it is told, wherever it is faulty: all is told at the first word. */
static bool secret(struct nc_cur *c, void *block)
{
	enum { SHORT = 16 };
	struct native_conn *x = block;
	const struct nc_word *w = nc_next(c);

	if (!begin_shared(c, x, NATIVE_AUTH_SECRET))
		return false;
	if (!w || w->kind != NC_STRING || nc_peek(c))
		return nc_fault(c, NULL, "wants one text in quotes behind it: secret \"...\"");
	if (!w->n || w->n > NATIVE_SECRET_MAX)
		return nc_fault(c, NULL, "is empty, or longer than %d octets", NATIVE_SECRET_MAX);
	if (w->p[0] == ' ' || w->p[0] == '\t')
		return nc_fault(c, NULL, "begins with a blank, which would not count: leave it out");
	if (!file_is_private(c))
		return false;
	if (w->n < SHORT)
		nc_warn(c, NULL,
		    "is short: %u octets can be guessed by whoever listens; `openssl rand -base64 24` makes "
		    "a good one",
		    w->n);
	x->secret = secret_dup_bytes(w->p, w->n);
	return x->secret ? true : nc_no_memory(c);
}

static bool secret_file(struct nc_cur *c, void *block)
{
	struct native_conn *x = block;

	return begin_shared(c, x, NATIVE_AUTH_SECRET_FILE) && nc_path(c, &x->secret_file) && nc_end(c);
}

static bool certificate(struct nc_cur *c, void *block)
{
	struct native_conn *x = block;

	if (!x->shared)
		x->auth_at = nc_place(c, NULL);
	return nc_path(c, &x->certificate) && nc_end(c);
}

static bool key(struct nc_cur *c, void *block)
{
	struct native_conn *x = block;

	if (!x->auth_at.line)
		x->auth_at = nc_place(c, NULL);
	return nc_path(c, &x->key) && nc_end(c);
}

static bool remote_certificate(struct nc_cur *c, void *block)
{
	return nc_path(c, &((struct native_conn *)block)->remote_certificate) && nc_end(c);
}

static bool remote_key(struct nc_cur *c, void *block)
{
	return nc_path(c, &((struct native_conn *)block)->remote_key) && nc_end(c);
}

static bool weak_certificates(struct nc_cur *c, void *block)
{
	struct native_conn *x = block;

	x->weak_at = nc_place(c, NULL);
	return nc_flag(c, &x->weak_certificates) && nc_end(c);
}

static bool authority(struct nc_cur *c, void *block)
{
	struct native_conn *x = block;

	do {
		if (x->n_authorities == IKE_AUTHORITIES_MAX)
			return nc_fault(c, nc_peek(c), "is one too many: %d are enough", IKE_AUTHORITIES_MAX);
		if (!nc_path(c, &x->authority[x->n_authorities]))
			return false;
		x->n_authorities++;
	} while (nc_skip(c, ","));
	return nc_end(c);
}

static bool exchange(struct nc_cur *c, void *block)
{
	static const struct nc_choice words[] = {
	    {"main", IKE_MODE_MAIN}, {"aggressive", IKE_MODE_AGGRESSIVE}};
	struct native_conn *x = block;
	uint32_t v;

	x->exchange_at = nc_place(c, NULL);
	if (!nc_pick(c, "an exchange: main or aggressive", words, ARRAY_SIZE(words), &v) || !nc_end(c))
		return false;
	x->exchange = v;
	return true;
}

static bool ike(struct nc_cur *c, void *block)
{
	return nc_ike_proposals(c, &((struct native_conn *)block)->ike);
}

static bool lifetime(struct nc_cur *c, void *block)
{
	return nc_time(c, 300, IKE_LIFE_MAX_S, &((struct native_conn *)block)->seconds) && nc_end(c);
}

static bool keep(struct nc_cur *c, void *block)
{
	static const struct nc_choice words[] = {
	    {"up", NATIVE_KEEP_UP}, {"on-demand", NATIVE_KEEP_ON_DEMAND}, {"respond", NATIVE_KEEP_RESPOND}};
	struct native_conn *x = block;
	uint32_t v;

	x->keep_at = nc_place(c, nc_peek(c));
	if (!nc_pick(c, "one of up, on-demand and respond", words, ARRAY_SIZE(words), &v) || !nc_end(c))
		return false;
	x->keep = v;
	return true;
}

static bool encap(struct nc_cur *c, void *block)
{
	static const struct nc_choice words[] = {{"auto", IKE_ON}, {"always", IKE_FORCE}, {"never", IKE_OFF}};
	uint32_t v;

	if (!nc_pick(c, "one of auto, always and never", words, ARRAY_SIZE(words), &v) || !nc_end(c))
		return false;
	((struct native_conn *)block)->encap = v;
	return true;
}

static bool dpd(struct nc_cur *c, void *block)
{
	struct native_conn *x = block;
	uint64_t every, tries;

	x->has_dpd = true;
	if (nc_skip(c, "no")) {
		x->dpd_s = 0;
		return nc_end(c);
	}
	if (!nc_time(c, 1, NC_DAY, &every))
		return false;
	x->dpd_s = (uint32_t)every;
	if (!nc_peek(c))
		return true;
	if (!nc_number(c, 1, 100, &tries) || !nc_end(c))
		return false;
	x->dpd_tries = (uint32_t)tries;
	return true;
}

static bool child(struct nc_cur *c, void *block)
{
	return nc_child(c, block);
}

static const struct nc_verb verbs[] = {
    {"version", version, NC_ONCE, false},
    {"local", local, NC_ONCE, false},
    {"remote", remote, NC_ONCE, false},
    {"local-id", local_id, NC_ONCE, false},
    {"remote-id", remote_id, NC_OFTEN, false},
    {"secret", secret, NC_ONCE, false},
    {"secret-file", secret_file, NC_ONCE, false},
    {"certificate", certificate, NC_ONCE, false},
    {"key", key, NC_ONCE, false},
    {"authority", authority, NC_OFTEN, false},
    {"remote-certificate", remote_certificate, NC_ONCE, false},
    {"remote-key", remote_key, NC_ONCE, false},
    {"weak-certificates", weak_certificates, NC_ONCE, false},
    {"exchange", exchange, NC_ONCE, false},
    {"ike", ike, NC_ONCE, false},
    {"lifetime", lifetime, NC_ONCE, false},
    {"keep", keep, NC_ONCE, false},
    {"encap", encap, NC_ONCE, false},
    {"dpd", dpd, NC_ONCE, false},
    {"child", child, NC_OFTEN, true},
};

/* `certificate` and `key` are ours, `authority`, `remote-certificate` and `remote-key` are for the peer's. */
static enum native_auth own_way(const struct native_conn *x)
{
	return x->certificate ? NATIVE_AUTH_CERTIFICATE : x->key ? NATIVE_AUTH_KEY : NATIVE_AUTH_NONE;
}

static enum native_auth peers_way(const struct native_conn *x)
{
	if (x->remote_key)
		return NATIVE_AUTH_KEY;
	return x->n_authorities || x->remote_certificate ? NATIVE_AUTH_CERTIFICATE : NATIVE_AUTH_NONE;
}

/* Who has only one half of these has the secret for the other. */
static bool check_mixed(struct nc_cur *c, struct native_conn *x)
{
	const char *shared = shared_word(x->shared);

	if (x->auth && x->remote_auth)
		return nc_fault(c, NULL,
		    "%s has a `%s` beside keys for both sides: leave out `%s`, or `certificate` and `key` if "
		    "it is "
		    "how we prove who we are, or what is for the peer's certificate or key",
		    x->name, shared, shared);
	if ((x->auth || x->remote_auth) && x->version == 1)
		return nc_fault(c, NULL,
		    "%s has a `%s` for one side and a certificate or key for the other, which version 1 "
		    "cannot: say "
		    "`version 2`, or leave one of them out",
		    x->name, shared);
	x->auth = x->auth ? x->auth : x->shared;
	x->remote_auth = x->remote_auth ? x->remote_auth : x->shared;
	return true;
}

static bool check_auth(struct nc_cur *c, struct native_conn *x)
{
	x->auth = own_way(x);
	x->remote_auth = peers_way(x);
	if (!x->shared && !x->auth)
		return nc_fault(c, NULL,
		    "%s says not how to prove who we are: `secret \"...\"`, `secret-file FILE`, or `key "
		    "FILE` "
		    "with "
		    "or without its `certificate FILE`",
		    x->name);
	if (x->certificate && !x->key)
		return nc_fault(c, NULL, "%s has a `certificate` and no `key`", x->name);
	if (x->remote_key && (x->n_authorities || x->remote_certificate))
		return nc_fault(c, NULL,
		    "%s has a `remote-key` beside what is for the peer's certificate: with the one it has no "
		    "other",
		    x->name);
	if (x->shared)
		return check_mixed(c, x);
	if (!x->remote_auth)
		return nc_fault(c, NULL,
		    "%s says not which certificates of its peer to trust, or which key: `authority FILE`, "
		    "`remote-certificate FILE`, or `remote-key FILE`",
		    x->name);
	if (x->version == 2 || (x->auth != NATIVE_AUTH_KEY && x->remote_auth != NATIVE_AUTH_KEY))
		return true;
	return nc_fault(c, NULL,
	    "%s has a key without a certificate, which version 1 cannot: say `version 2`, or name a "
	    "`certificate` for each side",
	    x->name);
}

static bool check_weak(struct nc_cur *c, const struct native_conn *x)
{
	return !x->weak_at.line || native_auth_signs(x->remote_auth) ||
	       nc_fault(c, nc_word_of(c, &x->weak_at),
	           "is about the certificate of a peer that proves itself by `%s`: leave it out",
	           shared_word(x->shared));
}

/* What only version 2 has. */
static bool check_version(struct nc_cur *c, const struct native_conn *x)
{
	if (x->version == 2 && x->exchange)
		return nc_fault(c, nc_word_of(c, &x->exchange_at),
		    "is of version 1 alone: leave it out, or say `version 1`");
	if (x->version == 2)
		return true;
	for (uint8_t i = 0; i < x->ike.n; i++) {
		const struct alg_enc_info *enc = alg_enc_by_id(x->ike.p[i].enc);

		if (enc->kind != ALG_KIND_CBC)
			return nc_fault(c, nc_word_of(c, &x->ike.p[i].at),
			    "has %s, which version 1 cannot have in `ike`: take aes256", enc->name);
	}
	return true;
}

static bool check_keep(struct nc_cur *c, struct native_conn *x)
{
	if (x->keep == NATIVE_KEEP_UNSAID)
		x->keep = x->remote.kind == NATIVE_HOST_ANY ? NATIVE_KEEP_RESPOND : NATIVE_KEEP_ON_DEMAND;
	if (x->remote.kind != NATIVE_HOST_ANY || x->keep == NATIVE_KEEP_RESPOND)
		return true;
	return nc_fault(c, nc_word_of(c, &x->keep_at),
	    "needs to know whom to call: with `remote any` there is only `keep respond`");
}

/* Whoever waits for a peer's death wants to hear of it soon. */
static void default_dpd(struct native_conn *x)
{
	if (x->has_dpd || x->keep != NATIVE_KEEP_UP)
		return;
	x->dpd_s = KEPT_DPD_S;
	x->dpd_tries = KEPT_DPD_TRIES;
}

static bool check_families(struct nc_cur *c, const struct native_conn *x)
{
	if (x->local.kind != NATIVE_HOST_ADDRESS || x->remote.kind != NATIVE_HOST_ADDRESS ||
	    x->local.addr.family == x->remote.addr.family)
		return true;
	return nc_fault(c, nc_word_of(c, &x->local.at), "is of another family than `remote`");
}

static bool finish(struct nc_cur *c, struct native_conn *x)
{
	if (!x->remote.kind)
		return nc_fault(
		    c, NULL, "%s has no `remote`: an address, the name of a host, or `any`", x->name);
	if (!check_auth(c, x) || !check_weak(c, x))
		return false;
	if (!x->n_children)
		return nc_fault(c, NULL,
		    "%s protects nothing: it has no `child`, as `child 10.1.0.0/24 = 10.2.0.0/24`", x->name);
	if (!check_version(c, x) || !check_keep(c, x) || !check_families(c, x))
		return false;
	default_dpd(x);
	if (!x->ike.n)
		nc_default_ike(&x->ike, x->version);
	return true;
}

static struct native_conn *add(struct nc_cur *c)
{
	struct native_conf *conf = c->r->conf;
	struct native_conn *list = conf->conn;

	if (conf->n_conns == NATIVE_CONNS_MAX) {
		(void)nc_fault(c, NULL, "is there too often: %d are enough", NATIVE_CONNS_MAX);
		return NULL;
	}
	if (!(conf->n_conns & (conf->n_conns - 1)))
		list = reallocarray(list, conf->n_conns ? conf->n_conns * 2U : 1U, sizeof(*list));
	if (!list) {
		(void)nc_no_memory(c);
		return NULL;
	}
	conf->conn = list;
	list += conf->n_conns++;
	*list = (struct native_conn){.at = nc_place(c, NULL),
	    .version = 2,
	    .seconds = 28800,
	    .encap = IKE_ON,
	    .dpd_s = DPD_S,
	    .dpd_tries = DPD_TRIES};
	return list;
}

static const struct native_conn *same_name(const struct native_conf *conf, const struct native_conn *x)
{
	for (uint32_t i = 0; i + 1 < conf->n_conns; i++)
		if (strcmp(conf->conn[i].name, x->name) == 0)
			return &conf->conn[i];
	return NULL;
}

static bool header(struct nc_cur *c, struct native_conn *x)
{
	const struct nc_word *name = nc_peek(c);
	const struct native_conn *other;

	if (!nc_name(c, "a name", x->name) || !nc_end(c))
		return false;
	other = same_name(c->r->conf, x);
	if (other)
		return nc_fault(c, name, "is the name of the connection at %s:%u too",
		    c->r->conf->file[other->at.file], other->at.line);
	if (!c->s->has_body)
		return nc_fault(c, NULL, "wants a block behind its name: { ... }");
	return true;
}

/* The block is looked at even if the line in front of it is faulty. */
bool nc_connection(struct nc_cur *c, void *block)
{
	unsigned before = c->r->n_errors;
	struct native_conn *x = add(c);

	(void)block;
	if (!x)
		return false;
	(void)header(c, x);
	nc_run_body(c, verbs, ARRAY_SIZE(verbs), x);
	/* What seems to be missing may stand in a faulty line. */
	return c->r->n_errors == before && !c->r->n_shape && finish(c, x);
}
