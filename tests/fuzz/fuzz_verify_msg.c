/*
 * What keyd may send to certd-verify, which is what strangers said to keyd: an odd first octet is root's
 * record beside a file, an even one a peer's proof. What the decoder accepts is within its bounds and goes on
 * to be judged, and nobody is believed: no authority is trusted here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/verify/verify_msg.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct anchors *anchors;

static void must(bool true_)
{
	if (!true_)
		abort();
}

static void prepare(void)
{
	struct err_text e;

	must(secret_init(64 << 10, &e) == 0 && crypto_init(&e) == 0);
	anchors = anchors_new(1);
	must(anchors);
	anchors->conf = ike_conf_new();
	must(anchors->conf && ike_conf_add_peer(anchors->conf));
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

static void check(const struct verify_request *q)
{
	size_t all = 0;

	must(crypto_prf_len(q->session.prf) && q->claim.n_certs <= JUDGE_CERTS_MAX);
	for (uint32_t i = 0; i < q->claim.n_certs; i++) {
		must(q->claim.cert[i].n);
		all += q->claim.cert[i].n;
	}
	must(all <= 32768 && q->claim.signature.n && q->claim.signature.n <= 1024);
	must(secret_len(q->skeyid) && secret_len(q->skeyid) <= ALG_PRF_LEN_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(verify_request_fini) struct verify_request q = {0};
	struct err_text e = {{0}};
	struct ipc_record rec;

	if (!anchors)
		prepare();
	if (!n)
		return 0;
	rec = (struct ipc_record){.body = data + 1, .body_len = n - 1};
	if (data[0] & 1)
		credential(&rec);
	else if (verify_request_decode(&rec, &q) == 0) {
		check(&q);
		q.session.peer = 0;
		must(judge(anchors, &q.session, q.skeyid, &q.claim, &e) != VERIFY_NONE);
	}
	return 0;
}
