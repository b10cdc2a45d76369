/*
 * What keyd may send to certd, and root's record beside a file: the first octet chooses the message, the rest
 * is its body. What a decoder accepts is within its bounds, and goes on to an exchange that stands where
 * the question belongs: nobody who does not have the key gets a ticket.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/certd_msg.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { BEGIN, KEYS, PROVE, VERIFY, CREDENTIAL, PASSPHRASE, XAUTH_CHECK, XAUTH_PASSWORD, SWITCH, KINDS };

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
	prover.now = creds_new(1);
	must(prover.now);
	prover.now->generation = 1;
	prover.now->conf = ike_conf_new();
	must(prover.now->conf && ike_conf_add_peer(prover.now->conf));
	p = &prover.now->conf->peer[0];
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

static void begin(const struct certd_request *q, uint64_t now)
{
	uint8_t nonce[NONCE_LEN];
	const struct own_key *own;
	struct err_text e = {{0}};
	int r;

	must(q->session.addr.family);
	r = prove_begin(&prover, &q->session, q->we_began, now, nonce, &own, &e);
	must(r == 0 ? q->session.generation == 1 && q->session.peer == 0 : e.s[0] != 0);
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
	uint8_t proof[OWN_SIGNATURE_MAX];
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
	     q->hash.n <= ALG_PRF_LEN_MAX);
	r = prove_peer(&prover, an_exchange(true, now), q->id, q->hash, now, &is_ticket, word, &e);
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
