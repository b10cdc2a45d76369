/*
 * keyd names a peer by its place in a configuration; what may be done for it is looked up here, in the same
 * configuration as root loaded it, and not taken from keyd. Why what is answered here is of no use to a keyd
 * that was taken over: proof.c and proof2.c.
 */
#include "certd/prove.h"

#include <errno.h>
#include <string.h>

#include "certd/proof.h"
#include "certd/proof2.h"
#include "certd/prove2.h"

void prover_init(struct prover *p, struct rng *rng)
{
	memset(p, 0, sizeof(*p));
	meter_init(&p->meter, PROVE_RATE, PROVE_BURST);
	meter_init(&p->logins, LOGIN_RATE, LOGIN_BURST);
	exchanges_init(&p->exchanges, rng);
}

void prover_fini(struct prover *p)
{
	exchanges_fini(&p->exchanges);
	p->now = creds_free(p->now);
	p->before = creds_free(p->before);
	wipe(&p->ticket_key, sizeof(p->ticket_key));
}

/* The peer's block, and the credentials it is in. */
static int look_up(struct prover *p, uint64_t generation, uint32_t peer, struct creds **ret_c,
    const struct ike_peer **ret_p, struct err_text *e)
{
	struct creds *c = NULL;

	if (p->now && p->now->generation == generation)
		c = p->now;
	else if (p->before && p->before->generation == generation)
		c = p->before;

	if (!c)
		return err_set(e, -ESTALE,
		    "certd has no configuration of generation %llu: load it again (ipsecctl racoon)",
		    (unsigned long long)generation);
	if (peer >= c->conf->n_peers)
		return err_set(e, -EINVAL, "there is no peer %u in the configuration", peer);
	*ret_c = c;
	*ret_p = &c->conf->peer[peer];
	return 0;
}

/* The block must be one for this address, whatever keyd says. */
static int check_address(
    const struct creds *c, const struct ike_peer *p, const struct inet_addr *addr, struct err_text *e)
{
	char a[INET_ADDR_STRLEN];

	if (ike_conf_peer_fits(c->conf, p, addr))
		return 0;
	return err_set(e, -EACCES, "remote %s is not configured for %s", p->name, inet_addr_format(addr, a));
}

int prove_begin(struct prover *p, const struct session *s, bool we_began, uint64_t now_ms,
    uint8_t ret_nonce[NONCE_LEN], const struct own_key **ret_own, struct err_text *e)
{
	const struct ike_peer *peer = NULL;
	struct exchange *x = NULL;
	char a[INET_ADDR_STRLEN];
	struct creds *c = NULL;
	int r = look_up(p, s->generation, s->peer, &c, &peer, e);

	if (r == 0)
		r = check_address(c, peer, &s->addr, e);
	if (r < 0)
		return r;
	if (!meter_ok(&p->meter, &s->addr, now_ms))
		return err_set(e, -EBUSY, "%s asks for more than is computed for one address",
		    inet_addr_format(&s->addr, a));
	r = exchange_begin(&p->exchanges, s, we_began, now_ms, &x);
	if (r < 0)
		return err_set(e, r, "no exchange can be begun: %s", err_name(r));
	x->s.block = peer->block;
	memcpy(ret_nonce, x->nonce, NONCE_LEN);
	*ret_own = c->own[s->peer];
	return 0;
}

/* The exchange, and its peer's block. */
static int look_on(struct prover *p, struct ike1_octets nonce, uint64_t now_ms, struct exchange **ret,
    struct creds **ret_c, const struct ike_peer **ret_p, struct err_text *e)
{
	struct exchange *x = exchange_find(&p->exchanges, nonce, now_ms);

	if (!x)
		return err_set(e, -ESTALE,
		    "certd does not know this exchange: certd has been restarted, or the exchange has taken "
		    "longer than %d seconds or made room for newer ones. The next packet begins another",
		    EXCHANGE_MS / 1000);
	*ret = x;
	return look_up(p, x->s.generation, x->s.peer, ret_c, ret_p, e);
}

/* What is agreed on is one of the block's proposals, so what it does not propose was never agreed on. */
static int check_proposed(const struct ike_peer *peer, enum ike_auth_method auth, enum alg_prf prf,
    enum alg_group group, struct err_text *e)
{
	for (uint8_t i = 0; i < peer->n_offers; i++) {
		const struct ike_offer *o = &peer->offer[i];

		if (o->auth == auth && o->hash == prf && o->group == group)
			return 0;
	}
	return err_set(e, -EACCES, "remote %s proposes no %s with this hash and group", peer->name,
	    ike_auth_method_name(auth));
}

/* Main mode knows the address when the key is needed, the others the identity (section 5.4). A block that
 * does not have the one kind of modes does not have that way to its key either; and without base mode it does
 * not have base mode's hashes, nor with base mode alone those of the others. */
static int check_mode(const struct ike_peer *peer, const struct exchange_facts *f, struct err_text *e)
{
	bool main = ike_peer_accepts(peer, IKE_MODE_MAIN),
	     aggressive = ike_peer_accepts(peer, IKE_MODE_AGGRESSIVE);

	if (f->idi.n && !ike_peer_accepts(peer, IKE_MODE_BASE))
		return err_set(e, -EACCES, "exchange_mode of remote %s does not name base", peer->name);
	if (f->idi.n)
		return f->peer_id ? 0 : err_set(e, -EINVAL, "base mode without the peer's identity");
	if (proof_with_signature(f->auth) ? main || aggressive : f->peer_id ? aggressive : main)
		return 0;
	return err_set(e, -EACCES, "exchange_mode of remote %s has none in which the key is looked up by %s",
	    peer->name, f->peer_id ? "identity" : "address");
}

/* One version's facts are nothing to the other's proofs. */
static int check_version(const struct ike_peer *peer, uint8_t version, struct err_text *e)
{
	if (peer->version == version)
		return 0;
	return err_set(
	    e, -EACCES, "remote %s is one for version %u of IKE, not %u", peer->name, peer->version, version);
}

/* Without SKEYID its hashes would be under no key at all: nothing more may be asked of it. */
static int end_broken(struct prover *p, struct exchange *x, int r, struct err_text *e)
{
	exchange_end(&p->exchanges, x);
	return err_set(e, r, "the keys cannot be made: %s", err_name(r));
}

/* The facts, and with a pre-shared key SKEYID: all that our own proof needs in base mode. */
static int hear(struct prover *p, struct exchange *x, const struct creds *c, const struct ike_peer *peer,
    const struct exchange_facts *f, struct err_text *e)
{
	AUTO_SECRET struct secret *psk = NULL;
	bool by_id = false;
	int r = 0;

	if (!proof_with_signature(f->auth))
		r = creds_psk(c, peer, f->peer_id, &x->s.addr, &psk, &by_id, e);
	if (r < 0)
		return r;
	r = exchange_keep(&p->exchanges, x, f);
	if (r < 0)
		return err_set(e, r, "the exchange cannot be kept: %s", err_name(r));
	if (psk)
		r = proof_skeyid_psk(x, psk);
	return r < 0 ? end_broken(p, x, r, e) : 0;
}

/* And all that the session's keys need. */
static int complete(struct prover *p, struct exchange *x, struct ike1_octets gxr, const struct secret *gxy,
    struct ike1_keys *ret, struct err_text *e)
{
	int r = 0;

	exchange_complete(x, gxr);
	if (proof_with_signature(x->auth))
		r = proof_skeyid_sig(x, gxy);
	if (r == 0)
		r = proof_keys(x, gxy, ret);
	return r < 0 ? end_broken(p, x, r, e) : 0;
}

/* Whether who began proves itself first, and hears the peer's value only then. */
static bool is_half(const struct exchange *x, const struct exchange_facts *f)
{
	return x->we_began && f->idi.n && !f->gxr.n && !x->told;
}

int prove_keys(struct prover *p, struct ike1_octets nonce, const struct exchange_facts *f,
    const struct secret *gxy, uint64_t now_ms, struct ike1_keys *ret, struct err_text *e)
{
	const struct ike_peer *peer = NULL;
	struct exchange *x = NULL;
	struct creds *c = NULL;
	int r = look_on(p, nonce, now_ms, &x, &c, &peer, e);
	bool half, first;

	*ret = (struct ike1_keys){0};
	if (r == 0 && x->keyed)
		r = err_set(e, -EPROTO, "this exchange has its keys already");
	if (r == 0)
		r = check_version(peer, 1, e);
	if (r < 0)
		return r;
	first = !x->told;
	half = is_half(x, f);
	if (first)
		r = check_proposed(peer, f->auth, f->prf, f->group, e);
	if (r == 0 && first)
		r = check_mode(peer, f, e);
	if (r == 0 && first)
		r = proof_check_facts(&p->exchanges, f, e);
	if (r == 0 && !half)
		r = proof_check_values(first ? f->group : x->group, first ? f->gxi : x->gxi, f->gxr, gxy, e);
	if (r == 0 && first)
		r = hear(p, x, c, peer, f, e);
	if (r < 0 || half)
		return r;
	return complete(p, x, f->gxr, gxy, ret, e);
}

/* Nothing has come of the block that the exchange was begun with but keys, and a key by the address is the
 * same whichever block it is. In other modes the identity was known when they were made. */
static int check_open(const struct exchange *x, struct err_text *e)
{
	if (x->we_began || !x->keyed || x->peer_id || exchange_in_base_mode(x))
		return err_set(e, -EPROTO, "only who answers main mode may change the block");
	if (x->proved || x->verified)
		return err_set(e, -EPROTO, "a proof was made or judged under the block of before");
	return 0;
}

static int check_main_mode(const struct ike_peer *peer, struct err_text *e)
{
	return ike_peer_accepts(peer, IKE_MODE_MAIN)
	           ? 0
	           : err_set(e, -EACCES, "exchange_mode of remote %s does not name main", peer->name);
}

int prove_switch(struct prover *p, struct ike1_octets nonce, uint32_t to, uint64_t now_ms,
    const struct own_key **ret_own, struct err_text *e)
{
	const struct ike_peer *peer = NULL;
	struct exchange *x = NULL;
	struct creds *c = NULL;
	int r = look_on(p, nonce, now_ms, &x, &c, &peer, e);

	if (r == 0)
		r = check_version(peer, 1, e);
	if (r == 0)
		r = check_open(x, e);
	if (r == 0)
		r = look_up(p, x->s.generation, to, &c, &peer, e);
	if (r == 0)
		r = check_address(c, peer, &x->s.addr, e);
	if (r == 0)
		r = check_version(peer, 1, e);
	if (r == 0)
		r = check_main_mode(peer, e);
	if (r == 0)
		r = check_proposed(peer, x->auth, x->prf, x->group, e);
	if (r < 0)
		return r;
	x->s.peer = to;
	x->s.block = peer->block;
	*ret_own = c->own[to];
	return 0;
}

static bool has_prf(const struct ike_peer *peer, enum alg_prf prf)
{
	for (uint8_t i = 0; i < peer->n_offers; i++)
		if (peer->offer[i].hash == prf)
			return true;
	return false;
}

int prove_tell(struct prover *p, struct ike1_octets nonce, const struct exchange_facts2 *f, uint64_t now_ms,
    struct err_text *e)
{
	const struct ike_peer *peer = NULL;
	struct exchange *x = NULL;
	struct creds *c = NULL;
	int r = look_on(p, nonce, now_ms, &x, &c, &peer, e);

	if (r == 0 && x->told)
		r = err_set(e, -EPROTO, "this exchange has been told of already");
	if (r == 0)
		r = check_version(peer, 2, e);
	if (r == 0 && !has_prf(peer, f->prf))
		r = err_set(e, -EACCES, "remote %s proposes nothing with this function", peer->name);
	if (r == 0)
		r = proof2_check_facts(&p->exchanges, x, f, e);
	if (r < 0)
		return r;
	/* How we prove ourselves to the block's peers is the same in all its proposals. */
	r = exchange_keep2(&p->exchanges, x, f, peer->offer[0].auth);
	return r < 0 ? err_set(e, r, "the exchange cannot be kept: %s", err_name(r)) : 0;
}

/* Root has written it down as what this block says of itself, or the certificate bears it. */
static bool may_say(const struct own_key *k, const struct ike_peer *peer, const struct ike_id *id)
{
	const struct ike_id *mine = &peer->my_id;

	if ((k && own_key_speaks_for(k, id)) || ike_id_fits(mine, id))
		return true;
	/* Without an address of its own it says the one in use, which is keyd's to know. */
	return mine->kind == IKE_ID_ADDRESS && !mine->len && id->kind == IKE_ID_ADDRESS;
}

/* In base mode the initiator's identity was told once, and both sides' hashes are over it: proof.c. */
static bool is_idi(const struct exchange *x, struct ike1_octets body)
{
	return !exchange_in_base_mode(x) || (body.n == x->idi.n && memcmp(body.p, x->idi.p, body.n) == 0);
}

/* What may be proved of us: 0, or -errno. */
static int check_own(const struct exchange *x, const struct own_key *k, const struct ike_peer *peer,
    struct ike1_octets body, struct err_text *e)
{
	struct ike_id id;
	char name[200];

	if (!x->told)
		return err_set(e, -EPROTO, "this exchange has no keys yet");
	if (x->proved)
		return err_set(e, -EPROTO, "this exchange has our proof already");
	if (x->we_began && !is_idi(x, body))
		return err_set(e, -EACCES, "our identity is not the one that the exchange was begun with");
	if (proof_with_signature(x->auth) && !k)
		return err_set(
		    e, -ENOENT, "remote %s has no private key: certificate_type names none", peer->name);
	if (!session_id_of(body, &id))
		return err_set(
		    e, -EINVAL, "our ID payload for remote %s holds no identity of a peer", peer->name);
	if (!may_say(k, peer, &id))
		return err_set(e, -EACCES, "our key for remote %s does not speak for %s", peer->name,
		    ike_id_format(&id, name, sizeof(name)));
	return 0;
}

/* With a pre-shared key nothing is left to ask of it once both sides are proved. */
static void end_if_done(struct prover *p, struct exchange *x)
{
	if (x->proved && x->verified)
		exchange_end(&p->exchanges, x);
}

/* Our hash of version 1, or a signature over it. */
static int prove_hash(const struct exchange *x, const struct own_key *k, struct ike1_octets id, uint8_t *ret)
{
	uint8_t hash[ALG_PRF_LEN_MAX];
	int r = proof_hash(x, true, id, hash);

	if (r > 0 && proof_with_signature(x->auth))
		return own_key_sign1(k, hash, (size_t)r, ret);
	if (r > 0)
		memcpy(ret, hash, (size_t)r);
	return r;
}

int prove_us(struct prover *p, struct ike1_octets nonce, struct ike1_octets id, uint64_t now_ms,
    uint8_t ret[PROVE_PROOF_MAX], struct err_text *e)
{
	const struct ike_peer *peer = NULL;
	struct exchange *x = NULL;
	struct creds *c = NULL;
	int r = look_on(p, nonce, now_ms, &x, &c, &peer, e);

	if (r == 0)
		r = check_own(x, c->own[x->s.peer], peer, id, e);
	if (r < 0)
		return r;
	x->proved = true; /* whatever comes of it */
	if (x->v2)
		r = prove2_us(c, peer, x, id, ret, e);
	else
		r = prove_hash(x, c->own[x->s.peer], id, ret);
	end_if_done(p, x);
	return r < 0 && !e->s[0] ? err_set(e, r, "no proof can be made: %s", err_name(r)) : r;
}

/* racoon's rule: an identity that nobody asked for is let in, with a word about it in *e, unless
 * verify_identifier is on. */
static int check_expected(const struct ike_peer *peer, const struct ike_id *id, struct err_text *e)
{
	char name[200];

	if (!peer->n_peer_ids || ike_peer_expects(peer, id))
		return 0;
	(void)ike_id_format(id, name, sizeof(name));
	if (!peer->verify_identifier)
		return err_set(e, 0,
		    "No ID match. %s is none of remote %s's peers_identifier, and is let in: "
		    "verify_identifier is "
		    "off",
		    name, peer->name);
	return err_set(
	    e, -EACCES, "No ID match: %s is none of remote %s's peers_identifier", name, peer->name);
}

/* The pre-shared key was one identity's, and proves no other. */
static int check_keyed_for(const struct exchange *x, const struct ike_id *id, struct err_text *e)
{
	if (!x->peer_id || ike_id_equal(x->peer_id, id))
		return 0;
	return err_set(e, -EACCES, "the identity is not the one that the key was looked up by");
}

static int judge_hash(struct prover *p, struct exchange *x, const struct ike_peer *peer,
    const struct ike_id *id, struct ike1_octets body, struct ike1_octets hash, uint64_t now_ms,
    uint8_t ret[PROVE_WORD_MAX], struct err_text *e)
{
	uint8_t want[ALG_PRF_LEN_MAX];
	int n = proof_hash(x, false, body, want), r;

	if (n < 0)
		return err_set(e, n, "the peer's hash cannot be judged: %s", err_name(n));
	if ((size_t)n != hash.n || !secret_equal_bytes(want, hash.p, (size_t)n))
		return err_set(e, -EBADMSG, "HASH mismatched: the peer's key is another one than ours");
	r = check_keyed_for(x, id, e);
	if (r == 0)
		r = check_expected(peer, id, e);
	if (r == 0)
		r = session_ticket(&x->s, id, &p->ticket_key, now_ms, ret);
	return r;
}

int prove_state(const struct prover *p, const struct exchange *x, struct ike1_octets id,
    struct ike1_octets over, uint64_t now_ms, uint8_t ret[PROVE_WORD_MAX])
{
	struct statement s = {.generation = x->s.generation,
	    .peer = x->s.peer,
	    .addr = x->s.addr,
	    .version = x->v2 ? 2 : 1,
	    .n_id = (uint16_t)id.n,
	    .over = over.p,
	    .n_over = (uint16_t)over.n,
	    .expires_ms = now_ms + PROVE_STATEMENT_MS};

	memcpy(s.id, id.p, id.n);
	memcpy(s.icookie, x->s.icookie, sizeof(s.icookie));
	memcpy(s.rcookie, x->s.rcookie, sizeof(s.rcookie));
	return statement_seal(&p->ticket_key, &s, ret, PROVE_WORD_MAX);
}

/* What the peer's signature has to be over. */
static int state_hash(const struct prover *p, const struct exchange *x, struct ike1_octets body,
    uint64_t now_ms, uint8_t ret[PROVE_WORD_MAX], struct err_text *e)
{
	uint8_t hash[ALG_PRF_LEN_MAX];
	int n = proof_hash(x, false, body, hash);

	if (n < 0)
		return err_set(e, n, "the peer's hash cannot be made: %s", err_name(n));
	return prove_state(p, x, body, (struct ike1_octets){hash, (size_t)n}, now_ms, ret);
}

/* A peer's proof has been looked at: r < 0, it was not good, or octets of the word that it is. */
static int count_try(struct prover *p, struct exchange *x, int r, bool is_ticket)
{
	x->tries--;
	if (r > 0 && is_ticket) {
		exchange_verified(&p->exchanges, x);
		end_if_done(p, x);
	} else if (!x->tries) {
		exchange_end(&p->exchanges, x);
	}
	return r;
}

int prove_peer(struct prover *p, struct ike1_octets nonce, struct ike1_octets id, struct ike1_octets proof,
    uint64_t now_ms, bool *ret_is_ticket, uint8_t ret[PROVE_WORD_MAX], struct err_text *e)
{
	const struct ike_peer *peer = NULL;
	struct exchange *x = NULL;
	struct creds *c = NULL;
	struct ike_id who;
	int r = look_on(p, nonce, now_ms, &x, &c, &peer, e);

	if (r < 0)
		return r;
	*ret_is_ticket = !proof_with_signature(x->v2 ? ike_peer_auth(peer) : x->auth);
	if (x->verified || !x->keyed)
		return err_set(e, -EPROTO, "%s",
		    x->keyed ? "this exchange has the peer's proof already"
		             : "this exchange has no keys yet");
	if (!x->we_began && !is_idi(x, id))
		r = err_set(e, -EACCES, "the identity is not the one that the exchange was begun with");
	else if (id.n > SESSION_ID_MAX || !session_id_of(id, &who))
		r = err_set(e, -EBADMSG, "the peer's ID payload holds no identity of a peer");
	else if (x->v2)
		r = prove2_peer(p, c, peer, x, &(struct prove2_claim){who, id, proof}, now_ms, ret, e);
	else if (*ret_is_ticket)
		r = judge_hash(p, x, peer, &who, id, proof, now_ms, ret, e);
	else
		r = state_hash(p, x, id, now_ms, ret, e);
	return count_try(p, x, r, *ret_is_ticket);
}
