/*
 * What its neighbours may send to keyd: answers of certd, policyd and datapathd, what these say by
 * themselves, and the rows of a configuration. The first octet chooses the decoder, the rest is a body. What
 * is accepted is fit to be used without another look; a configuration that was accepted is encoded again and
 * must come back as the same octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/model_ike.h"
#include "ipc/types.h"
#include "keyd/edges/answer.h"
#include "keyd/edges/datapathd.h"
#include "keyd/edges/policyd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Append only, here and to enum answer_kind, which is below ACQUIRE: the corpus names them by their place. */
enum { ACQUIRE = 64, EXPIRED, UNKNOWN, DATAGRAM, BEGIN, PEER, CHILD, REFUSAL, ASKED, KINDS };
enum { CAP = 256 << 10, ROOM = 1 << 18, MEMORY = 1 << 20, DATAGRAM_MAX = 60000 };

static const enum ipc_type answers[ANSWER_KINDS] = {
    [ANSWER_NONE] = IPC_ERROR,
    [ANSWER_KEYS] = IPC_IKE1_KEYS_REPLY,
    [ANSWER_TICKET] = IPC_TICKET,
    [ANSWER_PROOF] = IPC_IKE_PROOF,
    [ANSWER_BEGUN] = IPC_IKE_BEGUN,
    [ANSWER_STATEMENT] = IPC_STATEMENT,
    [ANSWER_POLICIES] = IPC_POLICY_MATCH_REPLY,
    [ANSWER_GRANT] = IPC_GRANT_REPLY,
    [ANSWER_SPI] = IPC_SPI_REPLY,
    [ANSWER_SERIAL] = IPC_SA_MADE,
    [ANSWER_MADE] = IPC_POLICY_MATCH_REPLY,
    [ANSWER_USER] = IPC_XAUTH_CHECK_REPLY,
    [ANSWER_PASSWORD] = IPC_XAUTH_PASSWORD_REPLY,
    [ANSWER_HEARD] = IPC_OK,
};

static void must(bool true_)
{
	if (!true_)
		abort();
}

static void good_policy(const struct policy *p)
{
	const char *why;

	must(!p || policy_check(p, &why) == 0);
}

/* Whether the slice lies in what was received is the sanitizer's to say. */
static unsigned sum(const uint8_t *p, size_t n)
{
	unsigned s = 0;

	for (size_t i = 0; i < n; i++)
		s += p[i];
	return s;
}

static void answer(enum answer_kind kind, enum ipc_type type, const uint8_t *body, size_t n)
{
	const struct ipc_record rec = {.type = type, .body = body, .body_len = n};
	struct answer a;
	volatile unsigned s = 0;

	answer_decode(kind, 0, &rec, &a);
	must(a.reply.why != NULL && a.reply.result <= 0);
	if (a.reply.result < 0) {
		must(a.reply.why[0] && !a.reply.number && !a.reply.d && !a.reply.a && !a.reply.e &&
		     !a.reply.secret && !a.reply.n_octets && !a.reply.n_certs && !a.reply.out && !a.reply.in);
	} else {
		must(kind != ANSWER_NONE && type == answers[kind]);
		must((kind == ANSWER_KEYS) == (a.reply.d && a.reply.a && a.reply.e));
		must((kind == ANSWER_PASSWORD) == (a.reply.secret != NULL));
		must(kind == ANSWER_MADE || (kind == ANSWER_GRANT || kind == ANSWER_SPI ||
		                                kind == ANSWER_SERIAL) == (a.reply.number != 0));
		must((kind == ANSWER_TICKET || kind == ANSWER_PROOF || kind == ANSWER_BEGUN ||
		         kind == ANSWER_STATEMENT || kind == ANSWER_USER) == (a.reply.n_octets != 0));
		must((kind == ANSWER_USER) == (a.reply.groups != NULL));
		must(kind != ANSWER_MADE || (a.reply.out && a.reply.in));
		good_policy(a.reply.out);
		good_policy(a.reply.in);
		s += sum(a.reply.octets, a.reply.n_octets) + sum(a.reply.issuer.p, a.reply.issuer.n) +
		     sum(a.reply.subject.p, a.reply.subject.n) +
		     sum(a.reply.public_key.p, a.reply.public_key.n);
		for (uint32_t i = 0; i < a.reply.n_certs; i++)
			s += sum(a.reply.certs[i].p, a.reply.certs[i].n);
	}
	answer_fini(&a);
}

static void acquire(const struct ipc_record *rec)
{
	struct core_acquire a;
	struct policy p;
	const char *why;

	if (policyd_acquire_decode(rec, &a, &p) < 0)
		return;
	must(a.policy == &p && selector_check(&a.packet, &why) == 0 && a.src.family && a.dst.family);
	good_policy(&p);
}

static void on_datagram(void *arg, const struct ike_path *path, const uint8_t *d, size_t n)
{
	volatile unsigned s = sum(d, n);

	(void)s;
	must(path->local.family && path->remote.family && path->local_port == IKE_PORT_NATT &&
	     n <= DATAGRAM_MAX);
}

static void unknown(const struct ipc_record *rec)
{
	enum ipsec_proto proto;
	struct inet_addr a;
	uint64_t moved;
	uint32_t spi;
	uint16_t port;

	if (datapathd_moved_decode(rec, &moved, &port) == 0)
		must(moved && port);
	if (datapathd_unknown_decode(rec, &a, &a, &proto, &spi) == 0)
		must(a.family && ipsec_proto_name(proto));
}

/* --- rows of a configuration --- */

static uint8_t packed[2][ROOM];

/* Packs what was encoded. */
static size_t pack(const ProtobufCMessage *m, uint8_t *to)
{
	must(protobuf_c_message_get_packed_size(m) <= ROOM);
	return protobuf_c_message_pack(m, to);
}

/* Decodes one row; its encoding in packed[turn], 0: refused. */
static size_t row(unsigned kind, const struct ipc_record *rec, unsigned turn)
{
	static const ProtobufCMessageDescriptor *const d[] = {&postern__ike_load_begin__descriptor,
	    &postern__ike_peer__descriptor, &postern__ike_child__descriptor};
	static struct model_ike_begin_pb begin;
	static struct model_ike_peer_pb peer;
	static struct model_ike_child_pb child;
	AUTO(ipc_unpack_freep_) ProtobufCMessage *m = ipc_unpack(d[kind - BEGIN], rec, CAP);
	AUTO_IKE_CONF struct ike_conf *c = ike_conf_new();
	struct err_text e = {{0}};
	int r;

	if (!m)
		return 0;
	if (kind == BEGIN) {
		r = model_ike_begin_decode((const Postern__IkeLoadBegin *)m, c, &e);
		if (r == 0)
			model_ike_begin_encode(c, &begin);
	} else if (kind == PEER) {
		r = model_ike_peer_decode((const Postern__IkePeer *)m, c, &e);
		if (r == 0)
			model_ike_peer_encode(&c->peer[0], &peer);
	} else {
		r = model_ike_child_decode((const Postern__IkeChild *)m, c, &e);
		if (r == 0)
			model_ike_child_encode(&c->child[0], &child);
	}
	must((r == 0) == !e.s[0]);
	if (r < 0)
		return 0;
	return pack(kind == BEGIN  ? &begin.m.base
	            : kind == PEER ? &peer.m.base
	                           : &child.m.base,
	    packed[turn]);
}

static void load(unsigned kind, const struct ipc_record *rec)
{
	size_t n = row(kind, rec, 0);
	const struct ipc_record again = {.type = IPC_ERROR, .body = packed[0], .body_len = n};

	if (n)
		must(row(kind, &again, 1) == n && memcmp(packed[0], packed[1], n) == 0);
}

static void on_one(void *arg, uint64_t serial, bool hard)
{
	(void)serial;
	(void)hard;
	++*(unsigned *)arg;
}

static void asked(const struct ipc_record *rec)
{
	const struct ipc_record answer = {.type = IPC_SA_ASKED, .body = rec->body, .body_len = rec->body_len};
	unsigned n = 0;

	must(datapathd_sas_decode(rec, on_one, &n) < 0 && n == 0); /* it is another record */
	if (datapathd_sas_decode(&answer, on_one, &n) < 0)
		must(n == 0);
	must(n <= 2 * DATAPATHD_ASK_MAX);
}

static void event(unsigned kind, const struct ipc_record *rec)
{
	uint64_t serial = 0;
	bool hard;

	switch (kind) {
	case ACQUIRE:
		acquire(rec);
		break;
	case EXPIRED:
		must(datapathd_expired_decode(rec, &serial, &hard) < 0 || serial);
		break;
	case UNKNOWN:
		unknown(rec);
		break;
	case DATAGRAM:
		(void)!datapathd_datagram_decode(rec, on_datagram, NULL);
		break;
	case ASKED:
		asked(rec);
		break;
	default:
		load(kind, rec);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ipc_record rec;
	struct err_text e;
	unsigned kind;

	if (!n || secret_init(MEMORY, &e) < 0)
		return 0;
	kind = data[0] % KINDS;
	rec = (struct ipc_record){.type = IPC_ERROR, .body = data + 1, .body_len = n - 1};
	if (kind >= ANSWER_KINDS && kind < ACQUIRE)
		return 0;
	if (kind < ANSWER_KINDS)
		answer((enum answer_kind)kind, answers[kind], rec.body, rec.body_len);
	else if (kind == REFUSAL) /* in place of any answer */
		for (unsigned k = ANSWER_KEYS; k < ANSWER_KINDS; k++)
			answer((enum answer_kind)k, IPC_ERROR, rec.body, rec.body_len);
	else
		event(kind, &rec);
	return 0;
}
