#include "support/prove_stage2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PEER_NONCE_LEN = 24, SA = 33, KE = 34, NONCE = 40, NOTIFY = 41 };

void stage2_set(struct stage *x, bool signs)
{
	struct ike_conf *c;

	stage_set(x);
	c = x->p.now->conf;
	for (uint32_t i = 0; i < c->n_peers; i++) {
		c->peer[i].version = 2;
		c->peer[i].n_modes = 0;
		for (uint8_t k = 0; k < c->peer[i].n_offers; k++)
			c->peer[i].offer[k].auth = signs ? IKE_AUTH_RSA : IKE_AUTH_PSK;
	}
}

/* RFC 7296 section 3.2. Where the next one begins. */
static uint8_t *put(uint8_t *at, uint8_t next, const void *body, size_t n)
{
	const uint8_t head[4] = {next, 0, (uint8_t)((n + 4) >> 8), (uint8_t)(n + 4)};

	memcpy(at, head, sizeof(head));
	if (n)
		memcpy(at + sizeof(head), body, n);
	return at + sizeof(head) + n;
}

/* Section 3.1. */
static size_t make(const struct stage2_exchange *q, bool initiators, size_t n_more, uint8_t *to)
{
	static const uint8_t zeros[PROOF2_MESSAGE_MAX];
	bool ours = initiators == q->we_began;
	const uint8_t head[12] = {SA, 0x20, 34, initiators ? 0x08 : 0x20};
	uint8_t *at = to + 28, sa[44] = {1}, ke[36] = {0, 31};

	memcpy(to, q->spi_i, 8);
	memcpy(to + 8, initiators ? zeros : q->spi_r, 8);
	memcpy(to + 16, head, sizeof(head));
	at = put(at, KE, sa, sizeof(sa));
	at = put(at, NONCE, ke, sizeof(ke));
	at =
	    put(at, n_more ? NOTIFY : 0, ours ? q->nonce : q->peer_nonce, ours ? NONCE_LEN : q->n_peer_nonce);
	if (n_more)
		at = put(at, 0, zeros, n_more);
	to[26] = (uint8_t)((at - to) >> 8);
	to[27] = (uint8_t)(at - to);
	return (size_t)(at - to);
}

void stage2_messages(struct stage2_exchange *q, size_t n_more)
{
	q->n_message_i = make(q, true, n_more, q->message_i);
	q->n_message_r = make(q, false, n_more, q->message_r);
}

int stage2_begin(struct stage *x, struct stage2_exchange *q, bool we_began, const char *psk)
{
	int r;

	*q = (struct stage2_exchange){.we_began = we_began,
	    .n_peer_nonce = PEER_NONCE_LEN,
	    .spi_i = "IIIIIIII",
	    .spi_r = "RRRRRRRR",
	    .pi = {1},
	    .pr = {2},
	    .prf = ALG_PRF_HMAC_SHA1,
	    .psk = psk};
	memset(q->peer_nonce, 'n', PEER_NONCE_LEN);
	x->e = (struct err_text){{0}};
	r = prove_begin(&x->p, &x->s, we_began, x->now, q->nonce, &q->own, &x->e);
	stage2_messages(q, 0);
	return r;
}

static struct ike1_octets nonce_of(const struct stage2_exchange *q)
{
	return (struct ike1_octets){q->nonce, sizeof(q->nonce)};
}

int stage2_tell(struct stage *x, const struct stage2_exchange *q)
{
	AUTO_SECRET struct secret *pi = secret_dup_bytes(q->pi, sizeof(q->pi)),
	                          *pr = secret_dup_bytes(q->pr, sizeof(q->pr));
	struct exchange_facts2 f = {.peer_nonce = {q->peer_nonce, q->n_peer_nonce},
	    .message_i = {q->message_i, q->n_message_i},
	    .message_r = {q->message_r, q->n_message_r},
	    .prf = q->prf,
	    .pi = pi,
	    .pr = pr,
	    .peer_hashes = q->peer_hashes};

	memcpy(f.spi_i, q->spi_i, 8);
	memcpy(f.spi_r, q->spi_r, 8);
	x->e = (struct err_text){{0}};
	return prove_tell(&x->p, nonce_of(q), &f, x->now, &x->e);
}

void stage2_told(struct stage *x, struct stage2_exchange *q, bool we_began, const char *psk)
{
	if (stage2_begin(x, q, we_began, psk) != 0 || stage2_tell(x, q) != 0)
		fail_msg("%s", x->e.s);
}

void stage2_meet(
    struct stage *x, struct stage2_exchange *q, struct stage *y, struct stage2_exchange *p, unsigned hashes)
{
	y->p.exchanges.key.octets[0] ^= 1; /* of another process */
	if (stage2_begin(x, q, true, NULL) != 0 || stage2_begin(y, p, false, NULL) != 0)
		fail_msg("%s%s", x->e.s, y->e.s);
	memcpy(q->peer_nonce, p->nonce, NONCE_LEN);
	memcpy(p->peer_nonce, q->nonce, NONCE_LEN);
	q->n_peer_nonce = p->n_peer_nonce = NONCE_LEN;
	q->peer_hashes = p->peer_hashes = hashes;
	stage2_messages(q, 0);
	stage2_messages(p, 0);
	if (stage2_tell(x, q) != 0 || stage2_tell(y, p) != 0)
		fail_msg("%s%s", x->e.s, y->e.s);
	y->p.exchanges.key.octets[0] ^= 1;
}

struct ike1_octets stage2_id(struct stage2_exchange *q, struct ike_id id)
{
	static const uint8_t types[] = {[IKE_ID_ADDRESS] = 1,
	    [IKE_ID_FQDN] = 2,
	    [IKE_ID_USER_FQDN] = 3,
	    [IKE_ID_KEYID] = 11,
	    [IKE_ID_DN_DER] = 9};
	uint8_t type = id.kind == IKE_ID_ADDRESS && id.len == 16 ? 5 : types[id.kind];

	return (struct ike1_octets){q->body, kit_id_body(type, id.data, id.len, q->body)};
}

size_t stage2_octets(
    const struct stage2_exchange *q, bool ours, struct ike1_octets id, uint8_t ret[PROOF2_OCTETS_MAX])
{
	bool initiators = ours == q->we_began;
	size_t n = initiators ? q->n_message_i : q->n_message_r, n_nonce = ours ? q->n_peer_nonce : NONCE_LEN;

	memcpy(ret, initiators ? q->message_i : q->message_r, n);
	memcpy(ret + n, ours ? q->peer_nonce : q->nonce, n_nonce);
	kit_hmac(initiators ? q->pi : q->pr, STAGE2_KEY, &id, 1, ret + n + n_nonce);
	return n + n_nonce + STAGE2_KEY;
}

void stage2_auth(
    const struct stage2_exchange *q, bool ours, struct ike1_octets id, uint8_t ret[STAGE2_AUTH_PSK])
{
	const struct ike1_octets pad = {"Key Pad for IKEv2", 17};
	uint8_t octets[PROOF2_OCTETS_MAX], key[STAGE2_KEY];
	const struct ike1_octets all = {octets, stage2_octets(q, ours, id, octets)};

	kit_hmac(q->psk, strlen(q->psk), &pad, 1, key);
	memcpy(ret, (const uint8_t[4]){2}, 4);
	kit_hmac(key, sizeof(key), &all, 1, ret + 4);
}

int stage2_prove(struct stage *x, struct stage2_exchange *q, struct ike_id id, uint8_t ret[PROVE_PROOF_MAX])
{
	x->e = (struct err_text){{0}};
	return prove_us(&x->p, nonce_of(q), stage2_id(q, id), x->now, ret, &x->e);
}

int stage2_peer_says(struct stage *x, struct stage2_exchange *q, struct ike_id id, const void *auth, size_t n,
    bool *ret_is_ticket, uint8_t word[PROVE_WORD_MAX])
{
	x->e = (struct err_text){{0}};
	return prove_peer(&x->p, nonce_of(q), stage2_id(q, id), (struct ike1_octets){auth, n}, x->now,
	    ret_is_ticket, word, &x->e);
}

int stage2_peer_proves(
    struct stage *x, struct stage2_exchange *q, struct ike_id id, uint8_t word[PROVE_WORD_MAX])
{
	uint8_t auth[STAGE2_AUTH_PSK];
	bool is_ticket = false;
	int r;

	stage2_auth(q, false, stage2_id(q, id), auth);
	r = stage2_peer_says(x, q, id, auth, sizeof(auth), &is_ticket, word);
	assert_true(r < 0 || is_ticket);
	return r;
}
