/*
 * A responder knows who asks before it needs a pre-shared key, an initiator only whom it is configured to
 * meet: so the one looks its key up by the identity that was said and the other by those that were written
 * down, and both by the address if there is no such line (RFC 7296 section 2.15 leaves it to us).
 *
 * Each side may prove itself in a way of its own (section 2.15 too). A responder that judges a signature
 * looks its own shared key up as an initiator does.
 */
#include "certd/prove2.h"

#include <errno.h>
#include <string.h>

#include "certd/proof.h"
#include "certd/proof2.h"
#include "wire/ike/v2_payload.h"
#include "wire/ike/v2_sig.h"

enum { AUTH_HEAD = 4 }; /* octets in front of an AUTH payload's data (section 3.8) */

_Static_assert((int)STATEMENT_OVER_MAX == (int)PROOF2_OCTETS_MAX, "a statement takes what is signed");

/* `who`: the peer's identity, as it said it; NULL: it has not. */
static int find_psk(const struct creds *c, const struct ike_peer *peer, const struct exchange *x,
    const struct ike_id *who, struct secret **ret, struct err_text *e)
{
	bool by_who = !x->we_began && who;

	return creds_psk_of(
	    c, by_who ? who : peer->peer_id, by_who ? 1 : peer->n_peer_ids, &x->s.addr, ret, e);
}

static int prove_psk(const struct creds *c, const struct ike_peer *peer, const struct exchange *x,
    struct ike1_octets id, uint8_t ret[PROVE_PROOF_MAX], struct err_text *e)
{
	AUTO_SECRET struct secret *psk = NULL;
	int r = find_psk(c, peer, x, x->peer_id, &psk, e);

	if (r < 0)
		return r;
	memcpy(ret, (const uint8_t[AUTH_HEAD]){IKE2_AUTH_PSK}, AUTH_HEAD);
	r = proof2_psk(x, psk, true, id, ret + AUTH_HEAD);
	return r < 0 ? r : AUTH_HEAD + r;
}

/* One behind the other, as they are signed. Octets, or -errno. */
static int join(const struct exchange *x, bool ours, struct ike1_octets id, uint8_t ret[PROOF2_OCTETS_MAX])
{
	struct iovec v[IKE2_SIGNED_PIECES];
	struct proof2 p;
	size_t n = 0;
	int r = proof2_over(x, ours, id, &p);

	ike2_signed_pieces(&p.over, v);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(v); i++) {
		if (v[i].iov_len > PROOF2_OCTETS_MAX - n)
			return -EMSGSIZE;
		memcpy(ret + n, v[i].iov_base, v[i].iov_len);
		n += v[i].iov_len;
	}
	return r < 0 ? r : (int)n;
}

/* How one kind of key signs: what it likes best of what the peer takes, and what there was before peers said
 * what they take. */
static const struct manner {
	enum own_kind kind;
	enum ike2_sig_kind sig;
	uint8_t liked[3];      /* enum ike2_hash, the best first; 0: no more */
	uint8_t old, old_hash; /* enum ike2_auth and ike2_hash; 0: there was none */
} manners[] = {
    {OWN_RSA, IKE2_SIG_RSA_PSS, {IKE2_HASH_SHA256, IKE2_HASH_SHA384, IKE2_HASH_SHA512}, IKE2_AUTH_RSA,
        IKE2_HASH_SHA1},
    {OWN_RSA_PSS, IKE2_SIG_RSA_PSS, {IKE2_HASH_SHA256, IKE2_HASH_SHA384, IKE2_HASH_SHA512}, 0, 0},
    {OWN_P256, IKE2_SIG_ECDSA, {IKE2_HASH_SHA256, IKE2_HASH_SHA384, IKE2_HASH_SHA512}, IKE2_AUTH_ECDSA_256,
        IKE2_HASH_SHA256},
    {OWN_P384, IKE2_SIG_ECDSA, {IKE2_HASH_SHA384, IKE2_HASH_SHA512, IKE2_HASH_SHA256}, IKE2_AUTH_ECDSA_384,
        IKE2_HASH_SHA384},
    {OWN_P521, IKE2_SIG_ECDSA, {IKE2_HASH_SHA512, IKE2_HASH_SHA384, IKE2_HASH_SHA256}, IKE2_AUTH_ECDSA_521,
        IKE2_HASH_SHA512},
    {OWN_ED25519, IKE2_SIG_ED25519, {IKE2_HASH_IDENTITY}, 0, 0},
    {OWN_ED448, IKE2_SIG_ED448, {IKE2_HASH_IDENTITY}, 0, 0},
};

static const struct manner *manner_of(enum own_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(manners); i++)
		if (manners[i].kind == kind)
			return &manners[i];
	return NULL;
}

/* 0: none that the peer takes. `only`: the one of the key; 0: any. */
static uint8_t choose_hash(const struct manner *m, uint8_t only, unsigned peer_hashes)
{
	if (only)
		return peer_hashes & (1U << only) ? only : 0;

	for (size_t i = 0; i < ARRAY_SIZE(m->liked) && m->liked[i]; i++)
		if (peer_hashes & (1U << m->liked[i]))
			return m->liked[i];
	return 0;
}

static int prove_signed(const struct own_key *k, const struct ike_peer *peer, const struct exchange *x,
    struct ike1_octets id, uint8_t ret[PROVE_PROOF_MAX], struct err_text *e)
{
	const struct manner *m = manner_of(own_key_type(k));
	uint8_t hash = choose_hash(m, own_key_only_hash(k), x->peer_hashes), over[PROOF2_OCTETS_MAX];
	struct own_manner how = {.hash = hash, .pss = hash && m->sig == IKE2_SIG_RSA_PSS};
	uint8_t n_alg = 0, method = hash ? IKE2_AUTH_SIGNATURE : m->old;
	const uint8_t *alg = hash ? ike2_sig_der(m->sig, hash, &n_alg) : NULL;
	char kind[OWN_KIND_MAX];
	int n = join(x, true, id, over), head, r;

	if (!method)
		return err_set(e, -EOPNOTSUPP,
		    "our key for remote %s is %s, and the peer does not say that it takes such signatures "
		    "(RFC "
		    "7427 and 8420): take an ECDSA or RSA key for this peer",
		    peer->name, own_key_kind(k, kind));
	if (!hash) {
		how.hash = m->old_hash;
		how.bare = m->sig == IKE2_SIG_ECDSA;
	}
	memcpy(ret, (const uint8_t[AUTH_HEAD]){method}, AUTH_HEAD);
	head = AUTH_HEAD;
	if (alg) {
		ret[head++] = n_alg;
		memcpy(ret + head, alg, n_alg);
		head += n_alg;
	}
	r = n < 0 ? n : own_key_sign2(k, &how, (struct ike1_octets){over, (size_t)n}, ret + head);
	return r < 0 ? r : head + r;
}

int prove2_us(const struct creds *c, const struct ike_peer *peer, const struct exchange *x,
    struct ike1_octets id, uint8_t ret[PROVE_PROOF_MAX], struct err_text *e)
{
	if (proof_with_signature(x->auth))
		return prove_signed(c->own[x->s.peer], peer, x, id, ret, e);
	return prove_psk(c, peer, x, id, ret, e);
}

/* With a pre-shared key nobody else says what the peer is called, so the configuration has to: by its
 * identities, or by its address (postern.conf(5), remote-id). */
static int check_expected(
    const struct ike_peer *peer, const struct ike_id *id, const struct inet_addr *addr, struct err_text *e)
{
	char name[200], a[INET_ADDR_STRLEN];

	if (ike_peer_is_called(peer, id, addr))
		return 0;
	(void)ike_id_format(id, name, sizeof(name));
	if (peer->n_peer_ids)
		return err_set(
		    e, -EACCES, "the peer says it is %s, which is no remote-id of %s", name, peer->name);
	return err_set(e, -EACCES,
	    "the peer says it is %s, and its address is %s: where it is called otherwise, say so with "
	    "remote-id in %s",
	    name, inet_addr_format(addr, a), peer->name);
}

/* Our own proof is made with the key that the peer's was judged by. */
static int remember(struct exchange *x, const struct ike_id *who)
{
	free(x->peer_id);
	x->peer_id = malloc(sizeof(*x->peer_id));
	if (!x->peer_id)
		return -ENOMEM;
	*x->peer_id = *who;
	return 0;
}

static int judge_psk(const struct prover *p, const struct creds *c, const struct ike_peer *peer,
    struct exchange *x, const struct prove2_claim *claim, const struct ike2_authentication *a,
    uint64_t now_ms, uint8_t ret[PROVE_WORD_MAX], struct err_text *e)
{
	AUTO_SECRET struct secret *psk = NULL;
	uint8_t want[ALG_PRF_LEN_MAX];
	int n = find_psk(c, peer, x, &claim->who, &psk, e), r;

	if (n < 0)
		return n;
	n = proof2_psk(x, psk, false, claim->id, want);
	if (n < 0)
		return err_set(e, n, "the peer's proof cannot be judged: %s", err_name(n));
	if ((size_t)n != a->len || !secret_equal_bytes(want, a->data, (size_t)n))
		return err_set(
		    e, -EBADMSG, "the peer's proof is wrong: its pre-shared key is another one than ours");
	r = check_expected(peer, &claim->who, &x->s.addr, e);
	if (r < 0)
		return r;
	r = remember(x, &claim->who);
	return r < 0 ? err_set(e, r, "out of memory")
	             : session_ticket(&x->s, &claim->who, &p->ticket_key, now_ms, ret);
}

static int state_octets(const struct prover *p, const struct exchange *x, struct ike1_octets id,
    uint64_t now_ms, uint8_t ret[PROVE_WORD_MAX], struct err_text *e)
{
	uint8_t over[PROOF2_OCTETS_MAX];
	int n = join(x, false, id, over);

	if (n < 0)
		return err_set(e, n, "what the peer has to sign cannot be made: %s", err_name(n));
	return prove_state(p, x, id, (struct ike1_octets){over, (size_t)n}, now_ms, ret);
}

static bool is_signature(uint8_t method)
{
	return method == IKE2_AUTH_RSA || method == IKE2_AUTH_SIGNATURE || method == IKE2_AUTH_ECDSA_256 ||
	       method == IKE2_AUTH_ECDSA_384 || method == IKE2_AUTH_ECDSA_521;
}

/* The configuration says how the peer proves itself, whatever it prefers. */
static int check_method(const struct ike_peer *peer, uint8_t method, struct err_text *e)
{
	bool sig = proof_with_signature(ike_peer_auth(peer));

	if (sig ? is_signature(method) : method == IKE2_AUTH_PSK)
		return 0;
	return err_set(e, -EACCES, "the peer proves itself by method %u, and %s wants a %s", method,
	    peer->name, sig ? "certificate's signature" : "pre-shared key");
}

int prove2_peer(const struct prover *p, const struct creds *c, const struct ike_peer *peer,
    struct exchange *x, const struct prove2_claim *claim, uint64_t now_ms, uint8_t ret[PROVE_WORD_MAX],
    struct err_text *e)
{
	const struct ike_payload body = {
	    .type = IKE2_P_AUTH, .body = claim->proof.p, .len = (uint32_t)claim->proof.n};
	struct ike2_authentication a;
	int r = 0;

	if (ike2_auth_parse(&body, &a) != IKE_OK)
		return err_set(e, -EBADMSG, "the peer's AUTH payload cannot be read");
	r = check_method(peer, a.method, e);
	if (r < 0)
		return r;
	if (proof_with_signature(ike_peer_auth(peer)))
		return state_octets(p, x, claim->id, now_ms, ret, e);
	return judge_psk(p, c, peer, x, claim, &a, now_ms, ret, e);
}
