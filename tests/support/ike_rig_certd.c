/*
 * A stupid certd: it does what it is asked, remembers what it was told, and looks at nothing. A signature is
 * the hash behind the signer's name, a statement the signature that is expected; in version 2 each is the
 * body of an AUTH payload.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/ike_rig_event.h"
#include "wire/ike/v2.h"

enum { EXCHANGES_MAX = 512 };

static void exchange_free(struct rig_exchange *x)
{
	struct octets *o[] = {
	    &x->peer_nonce, &x->gxi, &x->gxr, &x->sa, &x->idi, &x->message_i, &x->message_r};

	list_remove(&x->node);
	ike1_keys_fini(&x->keys);
	ike2_keys_fini(&x->keys2);
	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		octets_fini(o[i]);
	free(x);
}

void rig_certd_restart(struct rig_side *s)
{
	list_foreach_safe (x, next, &s->exchanges, struct rig_exchange, node)
		exchange_free(x);
	s->n_forgotten = s->n_begun;
}

static struct rig_exchange *exchange_of(struct rig_side *s, struct ike1_octets nonce)
{
	list_foreach (x, &s->exchanges, struct rig_exchange, node)
		if (nonce.n == sizeof(x->nonce) && memcmp(x->nonce, nonce.p, nonce.n) == 0)
			return x;
	return NULL;
}

static void show_cert(const struct rig_side *s, struct event *e)
{
	static const uint8_t zeros[RIG_CERT_MAX];

	e->reply.public_key = s->bare_key;
	if (!s->subject)
		return;
	e->reply.subject = e->cert = (struct ike1_octets){s->subject, strlen(s->subject)};
	/* In a certificate that is longer than its subject the rest is zeros. */
	if (s->cert_len)
		e->cert = (struct ike1_octets){zeros, s->cert_len};
	e->reply.certs = &e->cert;
	e->reply.n_certs = 1;
}

/* By which version 2 proves itself; version 1 says it later. */
static void set_methods(const struct rig_side *s, uint32_t peer, struct rig_exchange *x)
{
	const struct ike_conf *c = s->core->conf->c;

	if (peer >= c->n_peers || !c->peer[peer].n_offers)
		return;
	x->auth = c->peer[peer].offer[0].auth;
	x->peer_auth = ike_peer_auth(&c->peer[peer]);
}

int rig_port_begin(void *arg, uint64_t token, uint64_t generation, uint32_t peer,
    const struct inet_addr *peer_addr, bool we_began)
{
	struct rig_side *s = arg;
	struct rig_exchange *x = calloc(1, sizeof(*x));
	struct event *e = rig_answer(s, token, 0, "");

	s->rig->rng.rng.fill(&s->rig->rng.rng, x->nonce, sizeof(x->nonce));
	x->we_began = we_began;
	set_methods(s, peer, x);
	list_append(&s->exchanges, &x->node);
	if (++s->n_begun - s->n_forgotten > EXCHANGES_MAX) {
		exchange_free(list_entry(s->exchanges.next, struct rig_exchange, node));
		s->n_forgotten++;
	}
	rig_keep(e, x->nonce, sizeof(x->nonce));
	show_cert(s, e);
	return 0;
}

int rig_port_switch(void *arg, uint64_t token, struct ike1_octets nonce, uint32_t peer)
{
	struct rig_side *s = arg;
	struct rig_exchange *x = exchange_of(s, nonce);
	struct event *e;

	if (!x || !x->keyed || x->we_began || x->proved || peer >= s->core->conf->c->n_peers) {
		rig_answer(s, token, -EPROTO, "not now");
		return 0;
	}
	s->n_switched++;
	e = rig_answer(s, token, 0, "");
	rig_keep(e, x->nonce, sizeof(x->nonce));
	show_cert(s, e);
	return 0;
}

static struct ike1_octets nonce_of(const struct rig_exchange *x, bool initiators)
{
	return x->we_began == initiators ? (struct ike1_octets){x->nonce, sizeof(x->nonce)}
	                                 : octets_slice(&x->peer_nonce);
}

/* NULL: with signatures, before there is `gxy`. */
static struct secret *skeyid(
    const struct rig_side *s, const struct rig_exchange *x, enum alg_prf prf, const struct secret *gxy)
{
	const struct ike1_octets ni = nonce_of(x, true), nr = nonce_of(x, false);
	struct secret *psk, *k = NULL;

	if (!ike_auth_is_rsa(x->auth)) {
		psk = secret_dup_bytes(s->psk, strlen(s->psk));
		(void)!ike1_skeyid_psk(prf, psk, ni, nr, &k);
		secret_free(psk);
	} else if (gxy) {
		(void)!ike1_skeyid_sig(prf, ni, nr, gxy, &k);
	}
	return k;
}

static struct secret *copy_of(const struct secret *s)
{
	return secret_dup_bytes(secret_bytes(s), secret_len(s));
}

static void hear(const struct rig_side *s, struct rig_exchange *x, const struct ike1_told *t)
{
	x->told = true;
	x->auth = t->auth;
	memcpy(x->icookie, t->icookie, 8);
	memcpy(x->rcookie, t->rcookie, 8);
	(void)!octets_set(&x->peer_nonce, t->peer_nonce.p, t->peer_nonce.n);
	(void)!octets_set(&x->gxi, t->gxi.p, t->gxi.n);
	(void)!octets_set(&x->sa, t->sa.p, t->sa.n);
	(void)!octets_set(&x->idi, t->idi.p, t->idi.n);
	x->keys.prf = t->prf;
	x->keys.skeyid = skeyid(s, x, t->prf, NULL);
}

int rig_port_keys(void *arg, uint64_t token, const struct ike1_told *t)
{
	struct rig_side *s = arg;
	struct rig_exchange *x = exchange_of(s, t->nonce);
	struct core_reply *r;

	if (!x || x->keyed) {
		rig_answer(s, token, -ESTALE, "no such exchange");
		return 0;
	}
	if (!ike_auth_is_rsa(t->auth) && !s->psk) {
		rig_answer(s, token, -ENOENT, "there is no key for it");
		return 0;
	}
	if (!x->told)
		hear(s, x, t);
	r = &rig_answer(s, token, 0, "")->reply;
	if (!t->gxy)
		return 0;
	x->keyed = true;
	(void)!octets_set(&x->gxr, t->gxr.p, t->gxr.n);
	ike1_keys_fini(&x->keys);
	(void)!ike1_keys_init(&x->keys, t->prf, skeyid(s, x, t->prf, t->gxy), t->gxy, x->icookie, x->rcookie);
	r->d = copy_of(x->keys.d);
	r->a = copy_of(x->keys.a);
	r->e = copy_of(x->keys.e);
	return 0;
}

static int common_hash(
    const struct rig_exchange *x, bool initiators, struct ike1_octets id, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct ike1_proof p = {.mine = octets_slice(initiators ? &x->gxi : &x->gxr),
	    .his = octets_slice(initiators ? &x->gxr : &x->gxi),
	    .sa = octets_slice(&x->sa),
	    .id = id,
	    .my_cookie = initiators ? x->icookie : x->rcookie,
	    .his_cookie = initiators ? x->rcookie : x->icookie};

	return ike1_proof(&x->keys, &p, ret);
}

static int base_hash(const struct rig_exchange *x, bool initiators, uint8_t ret[ALG_PRF_LEN_MAX])
{
	const struct ike1_base_proof p = {.gxi = octets_slice(&x->gxi),
	    .gxr = initiators ? (struct ike1_octets){NULL, 0} : octets_slice(&x->gxr),
	    .sa = octets_slice(&x->sa),
	    .id = octets_slice(&x->idi),
	    .icookie = x->icookie,
	    .rcookie = x->rcookie};

	if (ike_auth_is_rsa(x->auth))
		return ike1_base_proof_sig(x->keys.prf, nonce_of(x, true), nonce_of(x, false), &p, ret);
	return ike1_base_proof_psk(&x->keys, &p, ret);
}

/* HASH_I or HASH_R; a stupid signature is the hash behind the signer's name. */
static size_t prove(const struct rig_exchange *x, bool initiators, const char *signer, struct ike1_octets id,
    uint8_t ret[256])
{
	bool sig = ike_auth_is_rsa(x->auth), base = x->idi.n && (initiators || sig);
	size_t n = sig ? strlen(signer) : 0;
	int r;

	memcpy(ret, signer, n);
	r = base ? base_hash(x, initiators, ret + n) : common_hash(x, initiators, id, ret + n);
	return r == 0 ? n + crypto_prf_len(x->keys.prf) : 0;
}

int rig_port_prove(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id)
{
	struct rig_side *s = arg;
	struct rig_exchange *x = exchange_of(s, nonce);
	uint8_t proof[256];

	if (!x || !x->told || x->proved) {
		rig_answer(s, token, -ESTALE, "no such exchange");
		return 0;
	}
	x->proved = true;
	rig_keep(rig_answer(s, token, 0, ""), proof,
	    prove(x, x->we_began, s->subject ? s->subject : "", id, proof));
	return 0;
}

static void judge(struct rig_side *s, uint64_t token, bool right)
{
	int r = right ? s->verdict : -EBADMSG;
	struct event *e = rig_answer(s, token, r, !right ? "HASH mismatched" : r < 0 ? s->why : "");

	s->n_judged++;
	if (r == 0)
		rig_keep(e, "ticket", 6);
}

/* The statement is the signature that is expected. */
int rig_port_verify(
    void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id, struct ike1_octets hash)
{
	struct rig_side *s = arg;
	struct rig_exchange *x = exchange_of(s, nonce);
	const char *subject = rig_other(s)->subject;
	uint8_t want[256];
	size_t n;

	if (!x || !x->keyed) {
		rig_answer(s, token, -ESTALE, "no such exchange");
		return 0;
	}
	n = prove(x, !x->we_began, subject ? subject : "", id, want);
	if (!ike_auth_is_rsa(x->auth))
		judge(s, token, n == hash.n && memcmp(want, hash.p, n) == 0);
	else
		rig_keep(rig_answer(s, token, 0, ""), want, n);
	return 0;
}

/* A certificate, or of who has none its key, which may be left out. */
static bool shows_enough(struct rig_side *s, const struct ike1_signed *x)
{
	const struct ike1_octets key = (s == &s->rig->a ? &s->rig->b : &s->rig->a)->bare_key;

	s->n_keys_shown += x->public_key.n != 0;
	if (!key.n)
		return x->n_certs == 1 && !x->public_key.n;
	return !x->n_certs &&
	       (!x->public_key.n || (x->public_key.n == key.n && memcmp(x->public_key.p, key.p, key.n) == 0));
}

int rig_port_judge(void *arg, uint64_t token, const struct ike1_signed *x)
{
	judge(arg, token,
	    shows_enough(arg, x) && x->statement.n == x->signature.n &&
	        memcmp(x->statement.p, x->signature.p, x->statement.n) == 0);
	return 0;
}

static struct ike2_octets octets2(struct ike1_octets o)
{
	return (struct ike2_octets){o.p, o.n};
}

int rig_port_tell2(void *arg, uint64_t token, const struct ike2_told *t)
{
	struct rig_side *s = arg;
	struct rig_exchange *x = exchange_of(s, t->nonce);

	if (!x || x->told) {
		rig_answer(s, token, -ESTALE, "no such exchange");
		return 0;
	}
	if (!ike_auth_is_rsa(x->auth) && !s->psk) {
		rig_answer(s, token, -ENOENT, "there is no key for it");
		return 0;
	}
	x->told = x->keyed = true;
	memcpy(x->icookie, t->spi_i, 8);
	memcpy(x->rcookie, t->spi_r, 8);
	(void)!octets_set(&x->peer_nonce, t->peer_nonce.p, t->peer_nonce.n);
	(void)!octets_set(&x->message_i, t->message_i.p, t->message_i.n);
	(void)!octets_set(&x->message_r, t->message_r.p, t->message_r.n);
	x->keys2.suite.prf = t->prf;
	x->keys2.pi = copy_of(t->pi);
	x->keys2.pr = copy_of(t->pr);
	rig_answer(s, token, 0, "");
	return 0;
}

/* Its data: with a shared key the real one, else the signer's name and a hash. 0: it cannot be made. */
static size_t auth_data(const struct rig_side *s, const struct rig_exchange *x, enum ike_auth_method auth,
    const struct ike2_signed *o, const char *signer, uint8_t *ret)
{
	struct iovec v[IKE2_SIGNED_PIECES];
	size_t n = strlen(signer);
	struct secret *psk;
	int r;

	if (ike_auth_is_rsa(auth)) {
		memcpy(ret, signer, n);
		ike2_signed_pieces(o, v);
		r = crypto_hash(ALG_PRF_HMAC_SHA256, v, IKE2_SIGNED_PIECES, ret + n);
		return r == 0 ? n + crypto_hash_len(ALG_PRF_HMAC_SHA256) : 0;
	}
	psk = secret_dup_bytes(s->psk, strlen(s->psk));
	r = ike2_auth_psk(x->keys2.suite.prf, psk, o, ret);
	secret_free(psk);
	return r == 0 ? crypto_prf_len(x->keys2.suite.prf) : 0;
}

/* The body of the AUTH payload of one side. */
static size_t prove2(const struct rig_side *s, const struct rig_exchange *x, bool initiators,
    const char *signer, struct ike1_octets id, uint8_t ret[256])
{
	uint8_t maced[ALG_PRF_LEN_MAX];
	const struct ike2_signed o = {
	    .message = octets2(octets_slice(initiators ? &x->message_i : &x->message_r)),
	    .nonce = octets2(nonce_of(x, !initiators)),
	    .maced_id = {maced, crypto_prf_len(x->keys2.suite.prf)}};
	enum ike_auth_method auth = x->we_began == initiators ? x->auth : x->peer_auth;
	const uint8_t head[4] = {ike_auth_is_rsa(auth) ? IKE2_AUTH_RSA : IKE2_AUTH_PSK};
	size_t n;

	memcpy(ret, head, sizeof(head));
	if (ike2_maced_id(&x->keys2, initiators, octets2(id), maced) < 0)
		return 0;
	n = auth_data(s, x, auth, &o, signer, ret + sizeof(head));
	return n ? sizeof(head) + n : 0;
}

int rig_port_prove2(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id)
{
	struct rig_side *s = arg;
	struct rig_exchange *x = exchange_of(s, nonce);
	uint8_t proof[256];

	if (!x || !x->told || x->proved) {
		rig_answer(s, token, -ESTALE, "no such exchange");
		return 0;
	}
	if (s->not_me && id.n == 4 + strlen(s->not_me) &&
	    memcmp((const uint8_t *)id.p + 4, s->not_me, strlen(s->not_me)) == 0) {
		rig_answer(s, token, -EACCES, "our key does not speak for it");
		return 0;
	}
	x->proved = true;
	rig_keep(rig_answer(s, token, 0, ""), proof,
	    prove2(s, x, x->we_began, s->subject ? s->subject : "", id, proof));
	return 0;
}

int rig_port_verify2(
    void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id, struct ike1_octets proof)
{
	struct rig_side *s = arg;
	struct rig_exchange *x = exchange_of(s, nonce);
	const char *subject = rig_other(s)->subject;
	uint8_t want[256];
	size_t n;

	if (!x || !x->told) {
		rig_answer(s, token, -ESTALE, "no such exchange");
		return 0;
	}
	n = prove2(s, x, !x->we_began, subject ? subject : "", id, want);
	if (!ike_auth_is_rsa(x->peer_auth))
		judge(s, token, n == proof.n && memcmp(want, proof.p, n) == 0);
	else
		rig_keep(rig_answer(s, token, 0, ""), want, n);
	return 0;
}
