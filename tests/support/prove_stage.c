#include "support/prove_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GROUP_LEN = 128, SA_LEN = 52, PEER_NONCE_LEN = 20 };

static const char psk_file[] = "10.0.0.110 mekmitasdigoat\n"
                               "10.0.0.120 of one who signs\n"
                               "gw.example by the name\n"
                               "me@gw.example by the user\n"
                               "tag by the key id\n";

static void add_peer(struct ike_conf *c, const char *name, bool psk)
{
	struct ike_peer *p = ike_conf_add_peer(c);

	assert_non_null(p);
	p->name = strdup(name);
	if (strcmp(name, "anonymous") != 0)
		assert_int_equal(inet_addr_parse(name, &p->addr), 0);
	p->mode[p->n_modes++] = IKE_MODE_MAIN;
	p->mode[p->n_modes++] = IKE_MODE_AGGRESSIVE;
	p->mode[p->n_modes++] = IKE_MODE_BASE;
	p->offer = calloc(2, sizeof(*p->offer));
	p->offer[p->n_offers++] =
	    (struct ike_offer){.hash = ALG_PRF_HMAC_SHA1, .group = ALG_GROUP_MODP1024, .auth = IKE_AUTH_RSA};
	if (psk)
		p->offer[p->n_offers++] = (struct ike_offer){
		    .hash = ALG_PRF_HMAC_SHA1, .group = ALG_GROUP_MODP1024, .auth = IKE_AUTH_PSK};
}

struct creds *stage_configuration(uint64_t generation)
{
	struct creds *c = creds_new(STAGE_PEERS);
	struct err_text e;

	assert_non_null(c);
	c->generation = generation;
	c->conf = ike_conf_new();
	add_peer(c->conf, "10.0.0.110", true);
	add_peer(c->conf, "anonymous", true);
	add_peer(c->conf, "10.0.0.120", false);
	assert_int_equal(
	    creds_add(c, CREDENTIAL_PSK, 0, "psk.txt", kit_fd(psk_file, strlen(psk_file), 0600), &e), 0);
	return c;
}

void stage_set(struct stage *x)
{
	memset(x, 0, sizeof(*x));
	rng_seeded_init(&x->rng, 11);
	prover_init(&x->p, &x->rng.rng);
	x->p.now = stage_configuration(STAGE_GENERATION);
	x->p.ticket_key = (struct ticket_key){{9}};
	x->now = STAGE_NOW;
	x->s.generation = STAGE_GENERATION;
	stage_with(x, STAGE_NAMED, "10.0.0.110");
}

void stage_strike(struct stage *x)
{
	prover_fini(&x->p);
}

struct ike_peer *stage_peer(struct stage *x)
{
	return &x->p.now->conf->peer[x->s.peer];
}

void stage_with(struct stage *x, uint32_t peer, const char *addr)
{
	x->s.peer = peer;
	assert_int_equal(inet_addr_parse(addr, &x->s.addr), 0);
}

void stage_give_key(struct stage *x, EVP_PKEY *key, X509 *cert)
{
	struct file c = kit_pem(&cert, 1), k = kit_pem_key(key, NULL);

	assert_int_equal(own_key_new(&c, &k, NULL, &x->p.now->own[x->s.peer], &x->e), 0);
	file_fini(&c);
	file_fini(&k);
}

void stage_fill(struct stage_exchange *q, bool we_began, const char *psk)
{
	memset(q, 0, sizeof(*q));
	q->we_began = we_began;
	q->psk = psk;
	q->gxi[0] = 1;
	q->gxr[0] = 2;
	q->gxy[0] = 3;
	q->sa[0] = 4;
	q->n_gxy = GROUP_LEN;
	memset(q->peer_nonce, 'n', sizeof(q->peer_nonce));
	q->f = (struct exchange_facts){.peer_nonce = {q->peer_nonce, PEER_NONCE_LEN},
	    .icookie = "iiiiiii",
	    .rcookie = "rrrrrrr",
	    .auth = psk ? IKE_AUTH_PSK : IKE_AUTH_RSA,
	    .prf = ALG_PRF_HMAC_SHA1,
	    .group = ALG_GROUP_MODP1024,
	    .gxi = {q->gxi, GROUP_LEN},
	    .gxr = {q->gxr, GROUP_LEN},
	    .sa = {q->sa, SA_LEN}};
}

int stage_begin(struct stage *x, struct stage_exchange *q, bool we_began, const char *psk)
{
	stage_fill(q, we_began, psk);
	x->e = (struct err_text){{0}};
	return prove_begin(&x->p, &x->s, we_began, x->now, q->nonce, &q->own, &x->e);
}

static struct ike1_octets nonce_of(const struct stage_exchange *q)
{
	return (struct ike1_octets){q->nonce, sizeof(q->nonce)};
}

int stage_keys(struct stage *x, struct stage_exchange *q, struct ike1_keys *ret)
{
	AUTO_SECRET struct secret *gxy = secret_dup_bytes(q->gxy, q->n_gxy);

	x->e = (struct err_text){{0}};
	return prove_keys(&x->p, nonce_of(q), &q->f, gxy, x->now, ret, &x->e);
}

int stage_tell(struct stage *x, struct stage_exchange *q, struct ike1_keys *ret)
{
	struct exchange_facts half = q->f;

	half.gxr = (struct ike1_octets){NULL, 0};
	x->e = (struct err_text){{0}};
	return prove_keys(&x->p, nonce_of(q), &half, NULL, x->now, ret, &x->e);
}

void stage_base(struct stage_exchange *q, struct ike_id idi, const struct ike_id *peer)
{
	const struct ike1_octets body = stage_id(q, idi);

	memcpy(q->idi, body.p, body.n);
	q->f.idi = (struct ike1_octets){q->idi, body.n};
	q->f.peer_id = peer;
}

void stage_keyed(struct stage *x, struct stage_exchange *q, bool we_began, const char *psk)
{
	AUTO(ike1_keys_fini) struct ike1_keys keys = {0};

	if (stage_begin(x, q, we_began, psk) != 0 || stage_keys(x, q, &keys) != 0)
		fail_msg("%s", x->e.s);
}

static struct kit_exchange as_kit(const struct stage_exchange *q)
{
	const struct exchange_facts *f = &q->f;

	return (struct kit_exchange){.ni = q->we_began ? nonce_of(q) : f->peer_nonce,
	    .nr = q->we_began ? f->peer_nonce : nonce_of(q),
	    .icookie = {f->icookie, 8},
	    .rcookie = {f->rcookie, 8},
	    .gxi = f->gxi,
	    .gxr = f->gxr,
	    .gxy = {q->gxy, q->n_gxy},
	    .sa = f->sa};
}

void stage_skeyid(const struct stage_exchange *q, uint8_t ret[20])
{
	const struct kit_exchange k = as_kit(q);

	kit_skeyid(q->psk, &k, ret);
}

void stage_hash(const struct stage_exchange *q, bool ours, struct ike1_octets id, uint8_t ret[20])
{
	const struct kit_exchange k = as_kit(q);
	bool initiators = ours == q->we_began;
	uint8_t skeyid[20];

	if (q->f.idi.n && (initiators || !q->psk)) {
		kit_base_hash(q->psk, &k, initiators, q->f.idi, ret);
		return;
	}
	stage_skeyid(q, skeyid);
	kit_hash(skeyid, &k, initiators, id, ret);
}

struct ike1_octets stage_id(struct stage_exchange *q, struct ike_id id)
{
	static const uint8_t types[] = {[IKE_ID_ADDRESS] = 1,
	    [IKE_ID_FQDN] = 2,
	    [IKE_ID_USER_FQDN] = 3,
	    [IKE_ID_KEYID] = 11,
	    [IKE_ID_DN_DER] = 9};

	return (struct ike1_octets){q->body, kit_id_body(types[id.kind], id.data, id.len, q->body)};
}

int stage_peer_says(struct stage *x, struct stage_exchange *q, struct ike_id id, const uint8_t *hash,
    bool *ret_is_ticket, uint8_t word[PROVE_WORD_MAX])
{
	x->e = (struct err_text){{0}};
	return prove_peer(&x->p, nonce_of(q), stage_id(q, id), (struct ike1_octets){hash, hash ? 20 : 0},
	    x->now, ret_is_ticket, word, &x->e);
}

int stage_peer_proves(
    struct stage *x, struct stage_exchange *q, struct ike_id id, uint8_t word[PROVE_WORD_MAX])
{
	bool is_ticket = false;
	uint8_t hash[20];
	int r;

	stage_hash(q, false, stage_id(q, id), hash);
	r = stage_peer_says(x, q, id, hash, &is_ticket, word);
	assert_true(r < 0 || is_ticket == (q->psk != NULL));
	return r;
}
