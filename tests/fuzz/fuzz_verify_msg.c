/*
 * What keyd may send to certd-verify, which is what strangers said to keyd: an odd first octet is root's
 * record beside a file, an even one a peer's proof. What the decoder accepts is within its bounds. Its
 * statement is nobody's, and so never heard; certificates and signature are judged all the same under one
 * that is certd's, and nobody is believed: no authority is trusted here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/verify/hearing.h"
#include "certd/verify/verify_msg.h"
#include "crypto/crypto.h"
#include "ticket/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct hearing hearing;
/* Statements of either version. */
static uint8_t word[2][STATEMENT_MAX];
static size_t n_word[2];

static void must(bool true_)
{
	if (!true_)
		abort();
}

static void prepare(void)
{
	struct statement st = {.addr = inet_addr_v4(0x0a00006e),
	    .n_id = 8,
	    .id = {1, 0, 0, 0, 10, 0, 0, 110},
	    .version = 1,
	    .over = (const uint8_t *)"twenty octets of it",
	    .n_over = 20,
	    .expires_ms = UINT64_MAX};
	struct err_text e;
	int n = 0;

	must(secret_init(64 << 10, &e) == 0 && crypto_init(&e) == 0 && ticket_init(&e) == 0);
	hearing.now = anchors_new(1);
	must(hearing.now);
	hearing.now->conf = ike_conf_new();
	must(hearing.now->conf && ike_conf_add_peer(hearing.now->conf));
	hearing.ticket_key = (struct ticket_key){{7}};
	for (; n < 2; n++) {
		int r;

		st.version = (uint8_t)(n + 1);
		r = statement_seal(&hearing.ticket_key, &st, word[n], sizeof(word[n]));
		must(r > 0);
		n_word[n] = (size_t)r;
	}
}

static void credential(const struct ipc_record *rec)
{
	char name[VERIFY_NAME_MAX];
	enum credential_kind kind;
	uint32_t peer;

	if (verify_credential_decode(rec, &kind, &peer, name) == 0)
		must(kind != CREDENTIAL_NONE && kind < CREDENTIAL_KINDS &&
		     strnlen(name, sizeof(name)) < sizeof(name));
}

static void check(struct verify_request *q)
{
	enum verify_reason why = VERIFY_NONE;
	uint8_t ticket[TICKET_MAX];
	struct err_text e = {{0}};
	struct inet_addr from;
	size_t all = 0;

	must(q->statement.n && q->statement.n <= STATEMENT_MAX && q->claim.n_certs <= JUDGE_CERTS_MAX);
	for (uint32_t i = 0; i < q->claim.n_certs; i++) {
		must(q->claim.cert[i].n);
		all += q->claim.cert[i].n;
	}
	must(all <= 32768 && q->claim.signature.n && q->claim.signature.n <= 1284);
	must(hearing_hold(&hearing, q->statement, &q->claim, 1, &why, &from, ticket, &e) < 0 && e.s[0] &&
	     from.family == INET_NONE);
	for (size_t i = 0; i < 2; i++)
		must(hearing_hold(&hearing, (struct ike1_octets){word[i], n_word[i]}, &q->claim, 1, &why,
		         &from, ticket, &e) < 0 &&
		     why != VERIFY_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(verify_request_fini) struct verify_request q = {0};
	struct ipc_record rec;

	if (!hearing.now)
		prepare();
	if (!n)
		return 0;
	rec = (struct ipc_record){.body = data + 1, .body_len = n - 1};
	if (data[0] & 1)
		credential(&rec);
	else if (verify_request_decode(&rec, &q) == 0)
		check(&q);
	return 0;
}
