/*
 * keyd names a peer by its place in a configuration; what may be done for it is looked up here, in the same
 * configuration as root loaded it, and not taken from keyd.
 */
#include "certd/prove.h"

#include <errno.h>
#include <string.h>

void prover_init(struct prover *p)
{
	memset(p, 0, sizeof(*p));
	meter_init(&p->meter, PROVE_RATE, PROVE_BURST);
	meter_init(&p->logins, LOGIN_RATE, LOGIN_BURST);
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

/* The block must be the one for this address, whatever keyd says. */
static int check_address(
    const struct creds *c, const struct ike_peer *p, const struct inet_addr *addr, struct err_text *e)
{
	char a[INET_ADDR_STRLEN];

	if (ike_conf_find_peer(c->conf, addr) == p)
		return 0;
	return err_set(
	    e, -EACCES, "remote %s is not the one configured for %s", p->name, inet_addr_format(addr, a));
}

static int begin(struct prover *p, const struct session *s, uint64_t now_ms, struct creds **ret_c,
    const struct ike_peer **ret_p, struct err_text *e)
{
	char a[INET_ADDR_STRLEN];
	int r = look_up(p, s->generation, s->peer, ret_c, ret_p, e);

	if (r == 0)
		r = check_address(*ret_c, *ret_p, &s->addr, e);
	if (r == 0 && !meter_ok(&p->meter, &s->addr, now_ms))
		r = err_set(e, -EBUSY, "%s asks for more than is computed for one address",
		    inet_addr_format(&s->addr, a));
	return r;
}

int prove_skeyid(struct prover *p, const struct session *s, const struct ike_id *id, uint64_t now_ms,
    struct secret **ret, struct err_text *e)
{
	AUTO_SECRET struct secret *psk = NULL;
	const struct ike_peer *peer = NULL;
	struct creds *c = NULL;
	bool by_id;
	int r = begin(p, s, now_ms, &c, &peer, e);

	if (r == 0)
		r = creds_psk(c, peer, id, &s->addr, &psk, &by_id, e);
	if (r < 0)
		return r;
	r = ike1_skeyid_psk(s->prf, psk, s->ni, s->nr, ret);
	return r < 0 ? err_set(e, r, "SKEYID cannot be computed: %s", err_name(r)) : 0;
}

/* racoon's rule: an identity that nobody asked for is let in, unless verify_identifier is on. */
static int check_expected(const struct ike_peer *peer, const struct ike_id *id, struct err_text *e)
{
	char name[200];

	if (!peer->verify_identifier || !peer->n_peer_ids)
		return 0;
	for (uint8_t i = 0; i < peer->n_peer_ids; i++) {
		const struct ike_id *want = &peer->peer_id[i];

		if (ike_id_equal(want, id) || (want->kind == id->kind && !want->len) ||
		    (want->kind == IKE_ID_DN && !want->len && id->kind == IKE_ID_DN_DER))
			return 0;
	}
	return err_set(e, -EACCES, "No ID match: %s is none of remote %s's peers_identifier",
	    ike_id_format(id, name, sizeof(name)), peer->name);
}

int prove_verify(struct prover *p, const struct session *s, const struct prove_claim *c, uint64_t now_ms,
    uint8_t ret[TICKET_MAX], struct err_text *e)
{
	AUTO_SECRET struct secret *psk = NULL, *skeyid = NULL;
	uint8_t hash[ALG_PRF_LEN_MAX];
	const struct ike_peer *peer = NULL;
	struct creds *creds = NULL;
	bool by_id;
	int r = begin(p, s, now_ms, &creds, &peer, e), n;

	if (r == 0 && !session_id_is(c->facts.id, &c->id))
		r = err_set(e, -EINVAL, "the identity is not the one of the ID payload");
	if (r == 0)
		r = creds_psk(creds, peer, c->by_id ? &c->id : NULL, &s->addr, &psk, &by_id, e);
	if (r < 0)
		return r;
	r = ike1_skeyid_psk(s->prf, psk, s->ni, s->nr, &skeyid);
	if (r < 0)
		return err_set(e, r, "SKEYID cannot be computed: %s", err_name(r));
	n = session_hash(s, &c->facts, skeyid, hash);
	if (n < 0 || (size_t)n != c->hash.n || !secret_equal_bytes(hash, c->hash.p, (size_t)n))
		return err_set(e, -EBADMSG, "HASH mismatched: the peer's key is another one than ours");
	r = check_expected(peer, &c->id, e);
	return r < 0 ? r : session_ticket(s, &c->id, &p->ticket_key, now_ms, ret);
}

int prove_local_id(
    struct prover *p, uint64_t generation, uint32_t peer, const struct own_key **ret, struct err_text *e)
{
	const struct ike_peer *block = NULL;
	struct creds *c = NULL;
	int r = look_up(p, generation, peer, &c, &block, e);

	if (r < 0)
		return r;
	*ret = c->own[peer];
	return *ret ? 0
	            : err_set(e, -ENOENT, "remote %s has no certificate: certificate_type names none",
	                  block->name);
}

/* The certificate bears it, or root has written it down as what this block says of itself. */
static bool may_say(const struct own_key *k, const struct ike_peer *peer, const struct ike_id *id)
{
	const struct ike_id *mine = &peer->my_id;

	if (own_key_speaks_for(k, id) || ike_id_equal(mine, id))
		return true;
	/* Without an address of its own it says the one in use, which is keyd's to know. */
	return mine->kind == IKE_ID_ADDRESS && !mine->len && id->kind == IKE_ID_ADDRESS;
}

int prove_sign(struct prover *p, const struct session *s, const struct secret *skeyid, const struct facts *f,
    uint64_t now_ms, uint8_t ret[OWN_SIGNATURE_MAX], struct err_text *e)
{
	uint8_t hash[ALG_PRF_LEN_MAX];
	const struct ike_peer *peer = NULL;
	struct ike_id id;
	char name[200];
	struct creds *c = NULL;
	int r = begin(p, s, now_ms, &c, &peer, e), n;

	if (r < 0)
		return r;
	if (!c->own[s->peer])
		return err_set(
		    e, -ENOENT, "remote %s has no private key: certificate_type names none", peer->name);
	if (!session_id_of(f->id, &id))
		return err_set(
		    e, -EINVAL, "our ID payload for remote %s holds no identity of a peer", peer->name);
	if (!may_say(c->own[s->peer], peer, &id))
		return err_set(e, -EACCES, "our key for remote %s does not speak for %s", peer->name,
		    ike_id_format(&id, name, sizeof(name)));
	n = session_hash(s, f, skeyid, hash);
	r = n < 0 ? n : own_key_sign1(c->own[s->peer], hash, (size_t)n, ret);
	return r < 0 ? err_set(e, r, "no signature can be made: %s", err_name(r)) : r;
}
