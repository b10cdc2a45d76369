/*
 * A first message costs its sender as much as us at most: it is judged before there is any state, and when
 * many are under way whoever sends one has to show first that he receives our answers. The shared secret is
 * not computed before the second message is there.
 */
#include "keyd/ike2/init.h"

#include <errno.h>

#include "base/wr.h"
#include "keyd/core/upkeep.h"
#include "keyd/ike2/auth.h"
#include "keyd/ike2/cookie.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/offer.h"
#include "keyd/ike2/refusals.h"
#include "wire/ike/v2_rules.h"
#include "wire/ike/v2_sk.h"

enum { GROUPS_MAX = 3, COOKIES_MAX = 3, HASH_LEN = 20, PORT_LEN = 2 };

/* --- what both requests and responses have --- */

/* `spi_r` is zero in the request. */
static void hash_end(const struct ikesa *sa, bool request, const struct inet_addr *a, uint16_t port,
    uint8_t ret[ALG_PRF_LEN_MAX])
{
	static const uint8_t none[IKE2_SPI];
	uint8_t be[PORT_LEN] = {(uint8_t)(port >> 8), (uint8_t)port};
	const struct iovec v[] = {{(void *)(uintptr_t)sa->spi_i, IKE2_SPI},
	    {(void *)(uintptr_t)(request ? none : sa->spi_r), IKE2_SPI},
	    {(void *)(uintptr_t)a->b, inet_addr_len(a)}, {be, sizeof(be)}};

	if (crypto_hash(ALG_PRF_HMAC_SHA1, v, ARRAY_SIZE(v), ret) < 0)
		memset(ret, 0, HASH_LEN);
}

/* `encap always`: a hash of nobody's address, so that the peer finds a NAT where there is none. */
static void put_nat(const struct ikesa *sa, struct ike_out *o)
{
	uint8_t hash[ALG_PRF_LEN_MAX];

	if (ike2_peer(sa)->nat_traversal == IKE_OFF)
		return;
	hash_end(sa, sa->initiator, &sa->path.local, sa->path.local_port, hash);
	if (ike2_peer(sa)->nat_traversal == IKE_FORCE)
		hash[0] ^= 0xff;
	ike2_put_note(o, IKE2_N_NAT_SOURCE_IP, hash, HASH_LEN);
	hash_end(sa, sa->initiator, &sa->path.remote, sa->path.remote_port, hash);
	ike2_put_note(o, IKE2_N_NAT_DESTINATION_IP, hash, HASH_LEN);
}

/* Hashes that a peer's signature may use (RFC 7427 section 4, RFC 8420 section 2). */
static void put_abilities(const struct ikesa *sa, struct ike_out *o)
{
	static const uint8_t hashes[] = {
	    0, IKE2_HASH_SHA256, 0, IKE2_HASH_SHA384, 0, IKE2_HASH_SHA512, 0, IKE2_HASH_IDENTITY};

	if (ike2_peer(sa)->ike_frag != IKE_OFF)
		ike2_put_note(o, IKE2_N_FRAGMENTATION_SUPPORTED, NULL, 0);
	ike2_put_note(o, IKE2_N_SIGNATURE_HASH_ALGORITHMS, hashes, sizeof(hashes));
}

static bool is_end(
    const struct ikesa *sa, const struct ike_payload *p, const struct inet_addr *a, uint16_t port)
{
	uint8_t hash[ALG_PRF_LEN_MAX];
	struct ike2_notification n;

	hash_end(sa, !sa->initiator, a, port, hash);
	return ike2_notify_parse(p, &n) == IKE_OK && n.len == HASH_LEN && memcmp(n.data, hash, HASH_LEN) == 0;
}

static bool is_note(const struct ike_payload *p, uint16_t type)
{
	struct ike2_notification n;

	return ike2_notify_parse(p, &n) == IKE_OK && n.type == type;
}

/* A peer with several addresses may name all of them as its source. */
static void take_nat(struct ikesa *sa, const struct ike_chain *c)
{
	const struct ike_payload *p;
	bool source = false, source_ok = false, here = false, here_ok = false;

	for (uint32_t i = 0; (p = ike_chain_find(c, IKE2_P_NOTIFY, i)); i++) {
		if (is_note(p, IKE2_N_NAT_SOURCE_IP)) {
			source = true;
			source_ok |= is_end(sa, p, &sa->path.remote, sa->path.remote_port);
		} else if (is_note(p, IKE2_N_NAT_DESTINATION_IP)) {
			here = true;
			here_ok |= is_end(sa, p, &sa->path.local, sa->path.local_port);
		}
	}
	if (!source || !here || ike2_peer(sa)->nat_traversal == IKE_OFF)
		return;
	sa->nat_there = !source_ok;
	sa->nat_here = !here_ok || ike2_peer(sa)->nat_traversal == IKE_FORCE;
	if (sa->nat_here || sa->nat_there)
		core_note(sa->core, CORE_INFO, "ike.nat", "NAT detected: %s%s", sa->nat_here ? "ME " : "",
		    sa->nat_there ? "PEER" : "");
}

static void take_hashes(struct ikesa *sa, const struct ike2_notification *n)
{
	for (uint32_t i = 0; i + 1 < n->len; i += 2)
		if (!n->data[i] && n->data[i + 1] < 32)
			sa->peer_hashes |= 1U << n->data[i + 1];
}

static void take_abilities(struct ikesa *sa, const struct ike_chain *c)
{
	struct ike2_notification n;

	sa->cuts =
	    ike2_notify_find(c, IKE2_N_FRAGMENTATION_SUPPORTED, &n) && ike2_peer(sa)->ike_frag != IKE_OFF;
	sa->childless = ike2_notify_find(c, IKE2_N_CHILDLESS_SUPPORTED, &n);
	if (ike2_notify_find(c, IKE2_N_SIGNATURE_HASH_ALGORITHMS, &n))
		take_hashes(sa, &n);
}

static int make_half(struct ikesa *sa, enum alg_group group)
{
	sa->dh = crypto_dh_free(sa->dh);
	return crypto_dh_new(group, &sa->dh);
}

static bool put_ke(const struct ikesa *sa, enum alg_group group, struct ike_out *o)
{
	uint8_t public[ALG_GROUP_PUBLIC_MAX];

	if (crypto_dh_public(sa->dh, public) < 0)
		return false;
	ike2_put_ke(o, (uint16_t)group, public, crypto_dh_public_len(group));
	return true;
}

static int take_begun(struct ikesa *sa, const struct core_reply *r)
{
	int e = octets_set(sa->initiator ? &sa->nonce_i : &sa->nonce_r, r->octets, r->n_octets);

	if (e == 0)
		e = octets_set(&sa->subject, r->subject.p, r->subject.n);
	if (e == 0)
		e = octets_set(&sa->issuer, r->issuer.p, r->issuer.n);
	if (e == 0)
		e = octets_set(&sa->own_key, r->public_key.p, r->public_key.n);
	for (uint32_t i = 0; e == 0 && i < r->n_certs && i < IKE2_CERTS_MAX; i++) {
		e = octets_set(&sa->own_cert[i], r->certs[i].p, r->certs[i].n);
		sa->n_own_certs++;
	}
	return e;
}

static void give_up(struct ikesa *sa, const char *what, const char *why)
{
	char name[IKE2_NAME_MAX];

	core_note(sa->core, CORE_ERROR, "ike.auth", "%s: %s. %s", what, why, ike2_name(sa, name));
	ike2_sa_end(sa, what);
}

static int make_keys(struct ikesa *sa, const uint8_t *ke, size_t n)
{
	const struct ike2_nonces nonces = {{sa->nonce_i.p, sa->nonce_i.n}, {sa->nonce_r.p, sa->nonce_r.n}};
	AUTO_SECRET struct secret *gir = NULL, *seed = NULL;
	int r = crypto_dh_shared(sa->dh, ke, n, &gir);

	if (r == 0)
		r = ike2_skeyseed(sa->terms.suite.prf, &nonces, gir, &seed);
	if (r == 0)
		r = ike2_keys_init(&sa->keys, &sa->terms.suite, seed, &nonces, sa->spi_i, sa->spi_r);
	sa->dh = crypto_dh_free(sa->dh);
	return r;
}

int init_make_keys(struct ikesa *sa)
{
	return ike2_has_keys(sa) ? 0 : make_keys(sa, sa->ke.p, sa->ke.n);
}

/* --- the initiator --- */

static void send_request(struct ikesa *sa)
{
	const struct ike_hdr h = ike2_header(sa, IKE2_SA_INIT, false, 0);
	struct core *c = sa->core;
	struct ike_out o;
	size_t n = 0;

	ike_out_init(&o, c->out, sizeof(c->out), &h);
	if (sa->cookie.n)
		ike2_put_note(&o, IKE2_N_COOKIE, sa->cookie.p, sa->cookie.n);
	offer_put_ike(ike2_peer(sa), &o, NULL);
	if (put_ke(sa, sa->terms.group, &o)) {
		ike_out_whole(&o, IKE2_P_NONCE, sa->nonce_i.p, sa->nonce_i.n);
		put_nat(sa, &o);
		put_abilities(sa, &o);
		n = ike_out_end(&o);
	}
	if (!n || octets_set(&sa->message_i, c->out, n) < 0 || ike2_send_first(sa, n) < 0)
		ike2_sa_end(sa, "a message could not be made");
}

static void on_begun(struct ikesa *sa, struct core_reply *r)
{
	if (r->result < 0 || take_begun(sa, r) < 0) {
		give_up(sa, "certd does not begin an exchange", r->result < 0 ? r->why : "out of memory");
		return;
	}
	sa->terms.group = offer_first_group(ike2_peer(sa));
	if (!sa->terms.group || make_half(sa, sa->terms.group) < 0) {
		ike2_sa_end(sa, "nothing of its ike proposals can be offered");
		return;
	}
	ike2_set_state(sa, IKE2_S_I_INIT);
	send_request(sa);
}

void init_begin(struct ikesa *sa)
{
	struct core *c = sa->core;
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];
	int r;

	if (sa->state != IKE2_S_I_NEW || parked_is(&sa->wait))
		return;
	core_log(c, upkeep_level(c, &sa->path.remote, CORE_INFO), "ike.initiate",
	    "initiate new IKE-SA: %s[%u]<=>%s[%u]", inet_addr_format(&sa->path.local, a), sa->path.local_port,
	    inet_addr_format(&sa->path.remote, b), sa->path.remote_port);
	r = c->ports.ike2_begin(
	    c->ports.arg, ike2_park(sa, on_begun), sa->conf->generation, sa->peer, &sa->path.remote, true);
	if (r < 0)
		give_up(sa, "certd cannot be asked", err_name(r));
}

static void refused(struct ikesa *sa, const struct ike_chain *c)
{
	struct ike2_notification n;
	char buf[REFUSAL_WORDS_MAX];
	uint16_t group;

	if (ike2_notify_find(c, IKE2_N_COOKIE, &n) && n.len && n.len <= IKE2_COOKIE_MAX &&
	    sa->cookies_tried++ < COOKIES_MAX && octets_set(&sa->cookie, n.data, n.len) == 0) {
		send_request(sa);
		return;
	}
	if (!ike2_notify_find_error(c, &n))
		return;
	group = n.len == 2 ? (uint16_t)(n.data[0] << 8 | n.data[1]) : 0;
	if (n.type == IKE2_N_INVALID_KE_PAYLOAD && sa->groups_tried < GROUPS_MAX &&
	    offer_has_group(ike2_peer(sa), group) && make_half(sa, (enum alg_group)group) == 0) {
		sa->groups_tried++;
		sa->terms.group = (enum alg_group)group;
		send_request(sa);
		return;
	}
	/* Anybody can say so: it is a hint for whoever waits, and the peer itself will go on saying it. */
	refusal_words(n.type, false, buf);
	news_hint(sa->core, &sa->path.remote, "somebody who may be the peer refuses: %s", buf);
	core_note(sa->core, upkeep_level(sa->core, &sa->path.remote, CORE_WARNING), "ike.refused",
	    "somebody who may be the peer refuses: %s", buf);
}

static int take_response(struct ikesa *sa, const struct ike_chain *c)
{
	const struct ike_payload *offer = ike_chain_find(c, IKE2_P_SA, 0),
	                         *n = ike_chain_find(c, IKE2_P_NONCE, 0);
	struct offer_choice choice;
	struct ike2_terms terms;
	struct ike2_sa theirs;
	struct ike2_ke ke;

	if (!ike2_nonce_ok(n) || ike2_ke_parse(ike_chain_find(c, IKE2_P_KE, 0), &ke) != IKE_OK ||
	    ike2_sa_parse(offer->body, offer->len, &theirs) != IKE_OK ||
	    !offer_take_ike(ike2_peer(sa), &theirs, &terms, &choice))
		return -EBADMSG;
	if (terms.group != ke.group || ke.group != sa->terms.group ||
	    octets_set(&sa->ke, ke.data, ke.len) < 0)
		return -EBADMSG;
	sa->terms = terms;
	return octets_set(&sa->nonce_r, n->body, n->len);
}

/* Anybody can have sent it, in the peer's name: one that is malformed is passed over. */
static void accepted(struct ikesa *sa, const struct ike_hdr *h, const uint8_t *d, const struct ike_chain *c)
{
	struct ike2_task none;

	if (take_response(sa, c) < 0 || octets_set(&sa->message_r, d, h->length) < 0) {
		sa->core->counters.malformed++;
		return;
	}
	memcpy(sa->spi_r, h->rcookie, IKE2_SPI);
	/* Hashed with the responder's SPI, which the request did not have. */
	take_nat(sa, c);
	take_abilities(sa, c);
	if (init_make_keys(sa) < 0) {
		ike2_sa_end(sa, "the peer's key exchange is no good");
		return;
	}
	ike2_answered(sa, &none);
	if ((sa->nat_here || sa->nat_there) && sa->path.local_port == IKE_PORT)
		sa->path.local_port = sa->path.remote_port = IKE_PORT_NATT;
	ike2_set_state(sa, IKE2_S_I_PROVE);
	auth_begin2(sa);
}

static bool parse_first(const struct ike_hdr *h, const uint8_t *d, bool response, struct ike_chain *ret)
{
	enum ike2_message kind;
	uint8_t type;

	if (ike_chain_parse(h->next, d + IKE_HDR_LEN, h->length - IKE_HDR_LEN, false, ret) != IKE_OK)
		return false;
	kind = ike2_message_of(IKE2_SA_INIT, response, ret);
	return ike2_rules_check(kind, ret, &type) == IKE2_V_NONE;
}

void init_response(struct ikesa *sa, const struct ike_path *path, const struct ike_hdr *h, const uint8_t *d)
{
	struct ike_chain c;

	(void)path;
	if (sa->state != IKE2_S_I_INIT || !sa->own.out || !parse_first(h, d, true, &c)) {
		sa->core->counters.malformed++;
		return;
	}
	if (ike_chain_find(&c, IKE2_P_SA, 0))
		accepted(sa, h, d, &c);
	else
		refused(sa, &c);
}

/* --- the responder --- */

/* In the clear, and forgotten. */
static void refuse(struct core *c, const struct ike_path *path, const struct ike_hdr *h, uint16_t type,
    const void *data, size_t n)
{
	struct ike_hdr to = *h;
	struct ike_out o;
	size_t len;

	to.flags = IKE2_F_RESPONSE | ((h->flags & IKE2_F_INITIATOR) ^ IKE2_F_INITIATOR);
	to.minor = 0;
	ike_out_init(&o, c->out, sizeof(c->out), &to);
	ike2_put_note(&o, type, data, n);
	len = ike_out_end(&o);
	if (len)
		c->ports.send(c->ports.arg, path, c->out, len);
}

/* Not to strangers, not as an answer to an answer, and never more than came. */
void init_too_new(struct core *c, const struct ike_path *path, const struct ike_hdr *h)
{
	enum { ANSWER_LEN = IKE_HDR_LEN + 8 };
	const struct ike_peer *p = ike_conf_find_peer(c->conf->c, &path->remote);
	struct ike_hdr ours = *h;
	char b[INET_ADDR_STRLEN];

	if (!p || p->version != 2 || (h->flags & IKE2_F_RESPONSE) || h->length < ANSWER_LEN ||
	    !bucket_take(&c->too_new, 1, core_now(c)))
		return;
	core_note(c, CORE_WARNING, "ike.version",
	    "a message of version %u from %s is answered with INVALID_MAJOR_VERSION: there is none above 2 "
	    "here",
	    h->major, inet_addr_format(&path->remote, b));
	ours.major = 2;
	refuse(c, path, &ours, IKE2_N_INVALID_MAJOR_VERSION, NULL, 0);
}

static void send_response(struct ikesa *sa)
{
	const struct ike_hdr h = ike2_header(sa, IKE2_SA_INIT, true, 0);
	const struct offer_choice choice = {.number = sa->chosen};
	struct core *c = sa->core;
	struct ike_out o;
	size_t n = 0;

	ike_out_init(&o, c->out, sizeof(c->out), &h);
	offer_put_ike_answer(&sa->terms, &choice, &o, NULL);
	if (put_ke(sa, sa->terms.group, &o)) {
		ike_out_whole(&o, IKE2_P_NONCE, sa->nonce_r.p, sa->nonce_r.n);
		put_nat(sa, &o);
		auth_put_wish(sa, &o);
		put_abilities(sa, &o);
		ike2_put_note(&o, IKE2_N_CHILDLESS_SUPPORTED, NULL, 0);
		n = ike_out_end(&o);
	}
	if (!n || octets_set(&sa->message_r, c->out, n) < 0 ||
	    ike2_train_add(&sa->answer, c->out, (uint32_t)n) < 0) {
		ike2_sa_end(sa, "a message could not be made");
		return;
	}
	sa->next_peer = 1;
	ike2_train_send(&sa->answer, c, &sa->path);
}

static void on_begun_answer(struct ikesa *sa, struct core_reply *r)
{
	if (r->result < 0 || take_begun(sa, r) < 0) {
		give_up(sa, "certd does not begin an exchange", r->result < 0 ? r->why : "out of memory");
		return;
	}
	if (make_half(sa, sa->terms.group) < 0) {
		ike2_sa_end(sa, "the key exchange cannot be made");
		return;
	}
	ike2_set_state(sa, IKE2_S_R_INIT);
	send_response(sa);
}

/* A stranger's first message, found to be one that can be answered. */
struct first {
	const struct ike_path *path;
	const struct ike_hdr *h;
	const uint8_t *d;
	struct ike_chain chain;
	struct ike2_ke ke;
	struct ike2_terms terms;
	struct offer_choice choice;
	uint32_t peer;
};

static int keep_request(struct ikesa *sa, const struct first *f)
{
	const struct ike_payload *n = ike_chain_find(&f->chain, IKE2_P_NONCE, 0);
	int r = octets_set(&sa->message_i, f->d, f->h->length);

	if (r == 0)
		r = octets_set(&sa->nonce_i, n->body, n->len);
	if (r == 0)
		r = octets_set(&sa->ke, f->ke.data, f->ke.len);
	if (r == 0)
		ike2_sa_weigh(sa, sa->message_i.n + sa->nonce_i.n + sa->ke.n);
	return r;
}

/* Text is made only where it is written, here as below: of a flood each message may come by. */
static void say_begun(struct core *c, const struct ike_path *path)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	if (core_may_note(c))
		core_log(c, CORE_INFO, "ike.respond", "respond new IKE-SA: %s[%u]<=>%s[%u]",
		    inet_addr_format(&path->local, a), path->local_port, inet_addr_format(&path->remote, b),
		    path->remote_port);
}

static void begin_answer(struct core *c, const struct first *f)
{
	const struct ike_path *path = f->path;
	struct ikesa *sa = ike2_sa_new(c, f->peer, path, f->h->icookie);
	int r;

	if (!sa)
		return;
	sa->terms = f->terms;
	sa->chosen = f->choice.number;
	if (keep_request(sa, f) < 0) {
		ike2_sa_end(sa, "out of memory");
		return;
	}
	say_begun(c, path);
	take_nat(sa, &f->chain);
	take_abilities(sa, &f->chain);
	r = c->ports.ike2_begin(c->ports.arg, ike2_park(sa, on_begun_answer), sa->conf->generation, f->peer,
	    &path->remote, false);
	if (r < 0)
		give_up(sa, "certd cannot be asked", err_name(r));
}

static const struct ike_peer *peer_for(struct core *c, const struct ike_path *path)
{
	const struct ike_peer *p = ike_conf_find_peer(c->conf->c, &path->remote);
	char b[INET_ADDR_STRLEN];

	if (p && p->version == 2)
		return p;
	c->counters.unknown++;
	if (!core_may_note(c))
		return NULL;
	core_log(c, CORE_ERROR, "ike.stranger", "a first message of version 2 from %s is dropped: %s",
	    inet_addr_format(&path->remote, b),
	    p ? "its connection has version 1" : "no configuration found for it");
	return NULL;
}

/* Its own message once more, or another one with the same SPI. */
static bool is_known(struct core *c, const struct ike_path *path, const struct ike_hdr *h, const uint8_t *d)
{
	struct ikesa *sa = ike2_find_begun(c, h->icookie, &path->remote);

	if (!sa)
		return false;
	if (sa->state == IKE2_S_R_INIT && sa->message_i.n == h->length &&
	    memcmp(sa->message_i.p, d, h->length) == 0)
		ike2_repeat_answer(sa);
	return true;
}

static void say_no_proposal(struct core *c, const struct ike_path *path, const struct ike_peer *p)
{
	char b[INET_ADDR_STRLEN];

	if (!core_may_note(c))
		return;
	core_log(c, CORE_ERROR, "ike.proposal",
	    "no proposal of %s is acceptable: compare `ike` of connection %.100s with what it offers",
	    inet_addr_format(&path->remote, b), p->name ? p->name : "?");
}

/* Whether it has what a first message must have; that costs nothing. */
static bool parse_request(struct first *f)
{
	const struct ike_hdr *h = f->h;

	return !h->msg_id && (h->flags & IKE2_F_INITIATOR) && h->length <= IKE2_FIRST_MAX &&
	       parse_first(h, f->d, false, &f->chain) &&
	       ike2_nonce_ok(ike_chain_find(&f->chain, IKE2_P_NONCE, 0)) &&
	       ike2_ke_parse(ike_chain_find(&f->chain, IKE2_P_KE, 0), &f->ke) == IKE_OK;
}

/* False: it has been answered with what is wrong, or passed over. */
static bool choose(struct core *c, const struct ike_peer *p, struct first *f)
{
	const struct ike_payload *offer = ike_chain_find(&f->chain, IKE2_P_SA, 0);
	struct ike2_sa theirs;
	uint8_t group[2];

	if (ike2_sa_parse(offer->body, offer->len, &theirs) != IKE_OK) {
		c->counters.malformed++;
		return false;
	}
	if (!offer_choose_ike(p, &theirs, f->ke.group, &f->terms, &f->choice)) {
		say_no_proposal(c, f->path, p);
		refuse(c, f->path, f->h, IKE2_N_NO_PROPOSAL_CHOSEN, NULL, 0);
		return false;
	}
	group[0] = (uint8_t)(f->terms.group >> 8);
	group[1] = (uint8_t)f->terms.group;
	if (f->terms.group != f->ke.group) {
		refuse(c, f->path, f->h, IKE2_N_INVALID_KE_PAYLOAD, group, sizeof(group));
		return false;
	}
	c->counters.malformed += f->ke.len != crypto_dh_public_len(f->terms.group);
	return f->ke.len == crypto_dh_public_len(f->terms.group);
}

void init_request(struct core *c, const struct ike_path *path, const struct ike_hdr *h, const uint8_t *d)
{
	const struct ike_peer *p = peer_for(c, path);
	struct first f = {.path = path, .h = h, .d = d};

	if (!p || is_known(c, path, h, d))
		return;
	if (!parse_request(&f)) {
		c->counters.malformed++;
		return;
	}
	if (upkeep_is_held(c, &path->remote)) {
		refuse(c, path, h, IKE2_N_NO_PROPOSAL_CHOSEN, NULL, 0);
		return;
	}
	if (!cookie_admits(c, path, h, &f.chain) || !choose(c, p, &f))
		return;
	f.peer = (uint32_t)(p - c->conf->c->peer);
	begin_answer(c, &f);
}
