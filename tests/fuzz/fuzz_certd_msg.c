/*
 * What keyd may send to certd, and root's record beside a file: the first octet chooses the message, the rest
 * is its body. What a decoder accepts is within its bounds, and goes on to be proved: nobody who does not
 * have the key gets a ticket.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/certd_msg.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SKEYID, VERIFY, SIGN, LOCAL_ID, CREDENTIAL, XAUTH_CHECK, XAUTH_PASSWORD, KINDS };

static struct prover prover;

static void must(bool true_)
{
	if (!true_)
		abort();
}

/* A peer at any address, and no file of keys. */
static void prepare(void)
{
	struct err_text e;

	must(secret_init(64 << 10, &e) == 0 && crypto_init(&e) == 0 && ticket_init(&e) == 0);
	prover_init(&prover);
	prover.now = creds_new(1);
	must(prover.now);
	prover.now->generation = 1;
	prover.now->conf = ike_conf_new();
	must(prover.now->conf && ike_conf_add_peer(prover.now->conf));
	prover.now->conf->peer[0].name = strdup("anonymous");
}

static void check_session(const struct session *s)
{
	must(crypto_prf_len(s->prf) && s->addr.family);
	must(s->ni.n >= IKE_NONCE_MIN && s->ni.n <= IKE_NONCE_MAX);
	must(s->nr.n >= IKE_NONCE_MIN && s->nr.n <= IKE_NONCE_MAX);
}

static void check_facts(const struct facts *f)
{
	must(f->gx_prover.n && f->gx_prover.n <= ALG_GROUP_PUBLIC_MAX);
	must(f->gx_other.n && f->gx_other.n <= ALG_GROUP_PUBLIC_MAX);
	must(f->sa.n && f->sa.n <= 16384 && f->id.n > 4 && f->id.n <= 4 + IKE_ID_DATA_MAX);
}

/* The hash under a key that is there, as prove_verify() makes it where it finds one. */
static void hash(const struct session *s, const struct facts *f)
{
	AUTO_SECRET struct secret *psk = secret_dup_bytes("key", 3), *skeyid = NULL;
	uint8_t h[ALG_PRF_LEN_MAX];
	int r = ike1_skeyid_psk(s->prf, psk, s->ni, s->nr, &skeyid);

	if (r == 0)
		must(session_hash(s, f, skeyid, h) == (int)crypto_prf_len(s->prf));
}

static void verify(struct certd_request *q, uint64_t now)
{
	uint8_t ticket[TICKET_MAX];
	struct err_text e = {{0}};

	check_session(&q->session);
	check_facts(&q->claim.facts);
	must(q->claim.hash.n && q->claim.hash.n <= ALG_PRF_LEN_MAX && q->claim.id.len <= IKE_ID_DATA_MAX);
	hash(&q->session, &q->claim.facts);
	must(prove_verify(&prover, &q->session, &q->claim, now, ticket, &e) < 0 && e.s[0]);
}

static void sign(struct certd_request *q, uint64_t now)
{
	uint8_t sig[OWN_SIGNATURE_MAX];
	struct err_text e = {{0}};
	struct ike_id id;

	check_session(&q->session);
	check_facts(&q->facts);
	must(secret_len(q->skeyid) && secret_len(q->skeyid) <= ALG_PRF_LEN_MAX);
	if (session_id_of(q->facts.id, &id))
		must(id.kind != IKE_ID_NONE && id.kind <= IKE_ID_DN_DER && id.len <= IKE_ID_DATA_MAX);
	must(prove_sign(&prover, &q->session, q->skeyid, &q->facts, now, sig, &e) < 0 && e.s[0]);
}

static void credential(const struct ipc_record *rec)
{
	char name[CREDS_NAME_MAX];
	enum credential_kind kind;
	uint32_t peer;

	if (certd_credential_decode(rec, &kind, &peer, name) == 0)
		must(kind != CREDENTIAL_NONE && kind < CREDENTIAL_KINDS &&
		     strnlen(name, sizeof(name)) < sizeof(name));
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	AUTO_SECRET struct secret *skeyid = NULL;
	const struct own_key *k;
	struct err_text e = {{0}};
	struct ipc_record rec;
	static uint64_t now;

	if (!prover.now)
		prepare();
	if (!n)
		return 0;
	now += 1000; /* so that the meter lets everything through */
	rec = (struct ipc_record){.body = data + 1, .body_len = n - 1};
	switch (data[0] % KINDS) {
	case SKEYID:
		if (certd_skeyid_decode(&rec, &q) < 0)
			break;
		check_session(&q.session);
		must(prove_skeyid(&prover, &q.session, q.has_id ? &q.id : NULL, now, &skeyid, &e) < 0 &&
		     e.s[0]);
		break;
	case VERIFY:
		if (certd_verify_decode(&rec, &q) == 0)
			verify(&q, now);
		break;
	case SIGN:
		if (certd_sign_decode(&rec, &q) == 0)
			sign(&q, now);
		break;
	case LOCAL_ID:
		if (certd_local_id_decode(&rec, &q) == 0)
			must(prove_local_id(&prover, q.generation, q.peer, &k, &e) < 0 && e.s[0]);
		break;
	case XAUTH_CHECK:
		if (certd_xauth_check_decode(&rec, &q) == 0)
			login(&q, now);
		break;
	case XAUTH_PASSWORD:
		if (certd_xauth_password_decode(&rec, &q) == 0)
			must(prove_password(&prover, q.login.ticket, now, &skeyid, &e) < 0 && e.s[0]);
		break;
	default:
		credential(&rec);
	}
	return 0;
}
