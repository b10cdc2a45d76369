/*
 * What keyd may send to certd, and root's record beside a file: the first octet chooses the message, the rest
 * is its body. What a decoder accepts is within its bounds, and goes on to an exchange that stands where
 * the question belongs: nobody who does not have the key gets a ticket.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include "certd/certd_msg.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Append only: the corpus names them by their place. */
enum {
	BEGIN,
	KEYS,
	PROVE,
	VERIFY,
	CREDENTIAL,
	PASSPHRASE,
	XAUTH_CHECK,
	XAUTH_PASSWORD,
	TELL,
	PROVE2,
	VERIFY2,
	SWITCH,
	KINDS
};

enum { PEERS = 3, ADDR2 = 0x0a000200 };

static struct prover prover;
static struct rng_seeded rng;

static void must(bool true_)
{
	if (!true_)
		abort();
}

/* Peers at any address, with signatures and with pre-shared keys, and no file of keys. */
static void prepare(void)
{
	struct ike_peer *p;
	struct err_text e;

	must(secret_init(64 << 10, &e) == 0 && crypto_init(&e) == 0 && ticket_init(&e) == 0);
	rng_seeded_init(&rng, 1);
	prover_init(&prover, &rng.rng);
	prover.now = creds_new(PEERS);
	must(prover.now);
	prover.now->generation = 1;
	prover.now->conf = ike_conf_new();
	for (uint32_t i = 0; i < PEERS; i++) {
		must(prover.now->conf && ike_conf_add_peer(prover.now->conf));
		p = &prover.now->conf->peer[i];
		p->name = strdup("anonymous");
		p->mode[p->n_modes++] = IKE_MODE_AGGRESSIVE;
		p->mode[p->n_modes++] = IKE_MODE_BASE;
		p->offer = calloc(2, sizeof(*p->offer));
		must(p->offer);
		for (; p->n_offers < 2; p->n_offers++)
			p->offer[p->n_offers] = (struct ike_offer){.hash = ALG_PRF_HMAC_SHA1,
			    .group = ALG_GROUP_MODP1024,
			    .auth = p->n_offers ? IKE_AUTH_PSK : IKE_AUTH_RSA};
	}
	/* Two of version 2 at addresses of their own: with signatures, with pre-shared keys. */
	for (uint32_t i = 1; i < PEERS; i++) {
		p = &prover.now->conf->peer[i];
		p->version = 2;
		p->addr = inet_addr_v4(ADDR2 + i);
		p->offer[0].auth = i == 1 ? IKE_AUTH_RSA : IKE_AUTH_PSK;
	}
}

/* The one exchange that all questions are about, whatever nonce they have; `keyed`: with signatures. */
static struct ike1_octets an_exchange(bool keyed, uint64_t now)
{
	static uint8_t nonce[NONCE_LEN], value[2][128] = {{1}, {2}}, sa[52];
	AUTO_SECRET struct secret *gxy = secret_dup_bytes(value[0], sizeof(value[0]));
	const struct session s = {.generation = 1, .addr = inet_addr_v4(0x0a00006e)};
	const struct exchange_facts f = {.peer_nonce = {value[0], 16},
	    .auth = IKE_AUTH_RSA,
	    .prf = ALG_PRF_HMAC_SHA1,
	    .group = ALG_GROUP_MODP1024,
	    .gxi = {value[0], 128},
	    .gxr = {value[1], 128},
	    .sa = {sa, sizeof(sa)}};
	AUTO(ike1_keys_fini) struct ike1_keys keys = {0};
	const struct ike1_octets name = {nonce, sizeof(nonce)};
	const struct own_key *own;
	struct err_text e;

	must(prove_begin(&prover, &s, true, now, nonce, &own, &e) == 0 && !own);
	if (keyed)
		must(prove_keys(&prover, name, &f, gxy, now, &keys, &e) == 0);
	return name;
}

/* RFC 7296 sections 3.1 and 3.2: one of IKE_SA_INIT's two with nothing in it but a nonce. */
static struct ike1_octets a_message(bool initiators, const uint8_t *nonce, uint8_t to[64])
{
	const uint8_t head[] = {40, 0x20, 34, initiators ? 0x08 : 0x20, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 36};

	memset(to, 'i', 8);
	memset(to + 8, initiators ? 0 : 'r', 8);
	memcpy(to + 16, head, sizeof(head));
	memcpy(to + 32, nonce, NONCE_LEN);
	return (struct ike1_octets){to, 64};
}

/* The same in version 2; `signs`: with signatures. */
static struct ike1_octets an_exchange2(bool told, bool signs, uint64_t now)
{
	static uint8_t nonce[NONCE_LEN], peer_nonce[NONCE_LEN] = {1}, sk[20], i[64], r[64];
	AUTO_SECRET struct secret *key = secret_dup_bytes(sk, sizeof(sk));
	const uint32_t peer = signs ? 1 : 2;
	const struct session s = {.generation = 1, .peer = peer, .addr = inet_addr_v4(ADDR2 + peer)};
	const struct ike1_octets name = {nonce, sizeof(nonce)};
	struct exchange_facts2 f = {
	    .peer_nonce = {peer_nonce, NONCE_LEN}, .prf = ALG_PRF_HMAC_SHA1, .pi = key, .pr = key};
	const struct own_key *own;
	struct err_text e;

	memset(f.spi_i, 'i', 8);
	memset(f.spi_r, 'r', 8);
	must(prove_begin(&prover, &s, true, now, nonce, &own, &e) == 0 && !own);
	f.message_i = a_message(true, nonce, i);
	f.message_r = a_message(false, peer_nonce, r);
	if (told)
		must(prove_tell(&prover, name, &f, now, &e) == 0);
	return name;
}

/* Nobody can say our nonce but us: it is put where a message has 32 times 'N'. */
static void tell(struct certd_request *q, uint64_t now)
{
	static const char mark[] = "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN";
	struct exchange_facts2 *f = &q->facts2;
	const struct ike1_octets name = an_exchange2(false, true, now);
	struct err_text e = {{0}};
	uint8_t copy[8192], *at;
	int r;

	must(q->nonce.n == NONCE_LEN && crypto_prf_len(f->prf) && f->pi && f->pr);
	must(f->peer_nonce.n >= 16 && f->peer_nonce.n <= IKE_NONCE_MAX);
	must(f->message_i.n && f->message_i.n <= 8192 && f->message_r.n && f->message_r.n <= 8192);
	memcpy(copy, f->message_i.p, f->message_i.n);
	at = memmem(copy, f->message_i.n, mark, NONCE_LEN);
	if (at)
		memcpy(at, name.p, NONCE_LEN);
	f->message_i.p = copy;
	r = prove_tell(&prover, name, f, now, &e);
	must(r < 0 ? e.s[0] != 0 : at && f->prf == ALG_PRF_HMAC_SHA1 && secret_len(f->pi) == 20);
	must(r < 0 || prove_tell(&prover, name, f, now, &e) == -EPROTO);
}

/* No key is there, neither shared nor private. */
static void prove2(const struct certd_request *q, uint64_t now)
{
	uint8_t proof[PROVE_PROOF_MAX];

	for (int signs = 0; signs < 2; signs++) {
		struct err_text e = {{0}};

		must(prove_us(&prover, an_exchange2(true, signs, now), q->id, now, proof, &e) < 0 && e.s[0]);
	}
}

/* A statement where the block has signatures, of all that has to be signed; and never a ticket. */
static void verify2(const struct certd_request *q, uint64_t now)
{
	uint8_t word[PROVE_WORD_MAX];
	struct err_text e = {{0}};
	struct statement s;
	bool is_ticket;
	int r =
	    prove_peer(&prover, an_exchange2(true, false, now), q->id, q->proof, now, &is_ticket, word, &e);

	must(r < 0 && is_ticket && e.s[0]);
	e = (struct err_text){{0}};
	r = prove_peer(&prover, an_exchange2(true, true, now), q->id, q->proof, now, &is_ticket, word, &e);
	must(!is_ticket);
	if (r < 0) {
		must(e.s[0]);
		return;
	}
	must(statement_open(&prover.ticket_key, word, (size_t)r, now, &s, &e) == 0);
	must(s.version == 2 && s.n_over == 64 + NONCE_LEN + 20 && s.n_id == q->id.n);
}

static void begin(const struct certd_request *q, uint64_t now)
{
	uint8_t nonce[NONCE_LEN];
	const struct own_key *own;
	struct err_text e = {{0}};
	int r;

	must(q->session.addr.family);
	r = prove_begin(&prover, &q->session, q->we_began, now, nonce, &own, &e);
	must(r == 0 ? q->session.generation == 1 && q->session.peer < PEERS : e.s[0] != 0);
}

/* Only what the configuration proposes gets keys, and only from values that have their group's length. */
static void keys(struct certd_request *q, uint64_t now)
{
	AUTO(ike1_keys_fini) struct ike1_keys k = {0};
	const struct exchange_facts *f = &q->facts;
	bool half = f->idi.n && !f->gxr.n && !q->gxy;
	struct err_text e = {{0}};
	int r;

	must(q->nonce.n == NONCE_LEN && crypto_prf_len(f->prf));
	must(f->peer_nonce.n >= IKE_NONCE_MIN && f->peer_nonce.n <= IKE_NONCE_MAX);
	must(f->gxi.n && f->sa.n >= 40 && f->sa.n <= 16384 && f->idi.n != 4 && f->idi.n <= SESSION_ID_MAX);
	must(half || (f->gxr.n && secret_len(q->gxy)));
	must(!f->peer_id || f->peer_id->len <= IKE_ID_DATA_MAX);
	r = prove_keys(&prover, an_exchange(false, now), f, q->gxy, now, &k, &e);
	must(!k.skeyid && (r == 0 && !half) == (k.d && k.a && k.e));
	if (r == 0 && half)
		must(f->gxi.n == 128);
	else if (r == 0)
		must(f->auth == IKE_AUTH_RSA && f->prf == ALG_PRF_HMAC_SHA1 && f->gxi.n == 128 &&
		     f->gxr.n == 128 && secret_len(q->gxy) == 128 && memcmp(f->gxi.p, f->gxr.p, 128) != 0);
	else
		must(e.s[0]);
}

/* The exchange is our own beginning, which stays under its block. */
static void turn(const struct certd_request *q, uint64_t now)
{
	const struct own_key *own = NULL;
	struct err_text e = {{0}};

	must(q->nonce.n == NONCE_LEN);
	must(prove_switch(&prover, an_exchange(true, now), q->session.peer, now, &own, &e) == -EPROTO &&
	     e.s[0]);
}

static void prove(const struct certd_request *q, uint64_t now)
{
	uint8_t proof[PROVE_PROOF_MAX];
	struct err_text e = {{0}};
	struct ike_id id;

	must(q->nonce.n == NONCE_LEN && q->id.n > 4 && q->id.n <= SESSION_ID_MAX);
	if (session_id_of(q->id, &id))
		must(id.kind != IKE_ID_NONE && id.kind <= IKE_ID_DN_DER && id.len <= IKE_ID_DATA_MAX);
	must(prove_us(&prover, an_exchange(true, now), q->id, now, proof, &e) < 0 && e.s[0]);
}

/* A statement, which is no ticket. */
static void verify(const struct certd_request *q, uint64_t now)
{
	uint8_t word[PROVE_WORD_MAX];
	struct err_text e = {{0}};
	struct statement s;
	bool is_ticket;
	int r;

	must(q->nonce.n == NONCE_LEN && q->id.n > 4 && q->id.n <= SESSION_ID_MAX &&
	     q->proof.n <= PROVE_PROOF_MAX);
	r = prove_peer(&prover, an_exchange(true, now), q->id, q->proof, now, &is_ticket, word, &e);
	must(!is_ticket);
	if (r < 0) {
		must(e.s[0]);
		return;
	}
	must(statement_open(&prover.ticket_key, word, (size_t)r, now, &s, &e) == 0);
	must(s.n_id == q->id.n && memcmp(s.id, q->id.p, s.n_id) == 0);
}

static void credential(const struct ipc_record *rec)
{
	struct certd_file f;

	if (certd_credential_decode(rec, &f) == 0)
		must(f.kind != CREDENTIAL_NONE && f.kind < CREDENTIAL_KINDS &&
		     strnlen(f.name, sizeof(f.name)) < sizeof(f.name) &&
		     strnlen(f.missing, sizeof(f.missing)) < sizeof(f.missing));
}

/* No key is there that it could open. */
static void passphrase(const struct ipc_record *rec)
{
	AUTO_SECRET struct secret *s = NULL;
	struct err_text e = {{0}};
	uint32_t peer;

	if (certd_passphrase_decode(rec, &peer, &s) < 0)
		return;
	must(secret_len(s) && secret_len(s) <= OWN_PASSPHRASE_MAX);
	must(!memchr(secret_bytes(s), 0, secret_len(s)));
	must(creds_unlock(prover.now, peer, s, &e) < 0 && e.s[0]);
}

/* Without a ticket that certd made, no password is even looked at. */
static void login(const struct certd_request *q, uint64_t now)
{
	char groups[USERS_GROUPS_MAX];
	uint8_t ticket[TICKET_MAX];
	struct err_text e = {{0}};

	must(q->login.user.n && q->login.user.n <= TICKET_USER_MAX);
	must(secret_len(q->login.password) && secret_len(q->login.password) <= USERS_PASSWORD_MAX);
	must(prove_user(&prover, &q->login, now, ticket, groups, &e) < 0 && e.s[0]);
}

static void password(const struct certd_request *q, uint64_t now)
{
	struct err_text e = {{0}};
	struct secret *s = NULL;

	must(prove_password(&prover, q->login.ticket, now, &s, &e) < 0 && e.s[0] && !s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	struct ipc_record rec;
	static uint64_t now;

	if (!prover.now)
		prepare();
	if (!n)
		return 0;
	now += 1000; /* so that the meter lets everything through */
	rec = (struct ipc_record){.body = data + 1, .body_len = n - 1};
	switch (data[0] % KINDS) {
	case BEGIN:
		if (certd_begin_decode(&rec, &q) == 0)
			begin(&q, now);
		break;
	case KEYS:
		if (certd_keys_decode(&rec, &q) == 0)
			keys(&q, now);
		break;
	case PROVE:
		if (certd_prove_decode(&rec, &q) == 0)
			prove(&q, now);
		break;
	case VERIFY:
		if (certd_verify_decode(&rec, &q) == 0)
			verify(&q, now);
		break;
	case TELL:
		if (certd_tell_decode(&rec, &q) == 0)
			tell(&q, now);
		break;
	case PROVE2:
		if (certd_prove_decode(&rec, &q) == 0)
			prove2(&q, now);
		break;
	case VERIFY2:
		if (certd_verify_decode(&rec, &q) == 0)
			verify2(&q, now);
		break;
	case PASSPHRASE:
		passphrase(&rec);
		break;
	case XAUTH_CHECK:
		if (certd_xauth_check_decode(&rec, &q) == 0)
			login(&q, now);
		break;
	case XAUTH_PASSWORD:
		if (certd_xauth_password_decode(&rec, &q) == 0)
			password(&q, now);
		break;
	case SWITCH:
		if (certd_switch_decode(&rec, &q) == 0)
			turn(&q, now);
		break;
	default:
		credential(&rec);
	}
	return 0;
}
