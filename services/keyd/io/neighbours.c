/*
 * The core's ports in service: each question becomes a request to the neighbour that answers it, each answer
 * goes back to the core under the question's number. An answer that comes when nobody waits any more is about
 * something that now belongs to nobody, and is given back here.
 */
#include <errno.h>
#include <stdlib.h>

#include "ipc/client.h"
#include "keyd/core/child.h"
#include "keyd/edges/answer.h"
#include "keyd/edges/certd.h"
#include "keyd/edges/datapathd.h"
#include "keyd/edges/hooks.h"
#include "keyd/edges/policyd.h"
#include "keyd/io/sockets.h"
#include "keyd/keyd.h"
#include "wire/ike/v2.h"

/* A question under way. */
struct question {
	struct keyd *k;
	uint64_t token;
	enum answer_kind kind;
	struct inet_addr src, dst; /* of an SPI */
	enum ipsec_proto proto;
};

static struct keyd *of_client(const struct ipc_client *c)
{
	return keyd_of(service_of_client(c));
}

static struct question *question(struct keyd *k, uint64_t token, enum answer_kind kind)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q)
		*q = (struct question){.k = k, .token = token, .kind = kind};
	return q;
}

/* Nobody wants it any more. */
static void give_back(const struct question *q, uint64_t number)
{
	switch (q->kind) {
	case ANSWER_GRANT:
		policyd_drop_grant(q->k->policyd, number);
		break;
	case ANSWER_MADE:
		/* It may be one that was there already. */
		child_leave_policy(q->k->core, &(struct policy){.generated = true, .id = (uint32_t)number});
		break;
	case ANSWER_SPI:
		datapathd_release(q->k->datapathd, &q->src, &q->dst, q->proto, (uint32_t)number);
		break;
	case ANSWER_SERIAL:
		datapathd_remove(q->k->datapathd, number);
		break;
	default:
		break;
	}
}

static void on_answer(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
	struct question *q = arg;
	struct answer a;

	answer_decode(q->kind, result, rec, &a);
	if (!core_reply(q->k->core, q->token, &a.reply) && a.reply.result == 0)
		give_back(q, a.reply.number);
	answer_fini(&a);
	free(q);
}

/* Frees the question when it could not be asked. */
static int asked(struct question *q, int r)
{
	if (r < 0)
		free(q);
	return r;
}

static void port_send(void *arg, const struct ike_path *path, const uint8_t *d, size_t n)
{
	struct keyd *k = arg;

	if (path->local_port == IKE_PORT_NATT)
		datapathd_send(k->datapathd, path, d, n);
	else
		sockets_send(k->sockets, path, d, n);
}

static void port_log(void *arg, int level, const char *event, const char *text)
{
	static const enum log_level levels[] = {[CORE_ERROR] = LOG_LEVEL_ERROR,
	    [CORE_WARNING] = LOG_LEVEL_WARNING,
	    [CORE_NOTICE] = LOG_LEVEL_NOTICE,
	    [CORE_INFO] = LOG_LEVEL_INFO,
	    [CORE_DEBUG] = LOG_LEVEL_DEBUG};
	struct keyd *k = arg;

	service_log(k->service, levels[level], event, "%s", text);
}

static bool port_traces(void *arg)
{
	(void)arg;
	return log_get_level() >= LOG_LEVEL_DEBUG;
}

static int port_begin(void *arg, uint64_t token, uint64_t generation, uint32_t peer,
    const struct inet_addr *peer_addr, bool we_began)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_BEGUN);

	return q ? asked(q, certd_ask_begin(k->certd, generation, peer, peer_addr, we_began, on_answer, q))
	         : -ENOMEM;
}

static int port_keys(void *arg, uint64_t token, const struct ike1_told *t)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, t->gxy ? ANSWER_KEYS : ANSWER_TOLD);

	return q ? asked(q, certd_ask_keys(k->certd, t, on_answer, q)) : -ENOMEM;
}

static int port_switch(void *arg, uint64_t token, struct ike1_octets nonce, uint32_t peer)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_BEGUN);

	return q ? asked(q, certd_ask_switch(k->certd, nonce, peer, on_answer, q)) : -ENOMEM;
}

static int port_prove(void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_PROOF);

	return q ? asked(q, certd_ask_prove(k->certd, nonce, id, on_answer, q)) : -ENOMEM;
}

static int port_verify(
    void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id, struct ike1_octets hash)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, hash.n ? ANSWER_TICKET : ANSWER_STATEMENT);

	return q ? asked(q, certd_ask_verify(k->certd, nonce, id, hash, on_answer, q)) : -ENOMEM;
}

static int port_judge(void *arg, uint64_t token, const struct ike1_signed *s)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_TICKET);

	return q ? asked(q, certd_verify_ask(k->verify, s, on_answer, q)) : -ENOMEM;
}

static int port_tell2(void *arg, uint64_t token, const struct ike2_told *t)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_HEARD);

	return q ? asked(q, certd_ask_tell(k->certd, t, on_answer, q)) : -ENOMEM;
}

/* The method of an AUTH payload is its first octet (RFC 7296 section 3.8). */
static int port_verify2(
    void *arg, uint64_t token, struct ike1_octets nonce, struct ike1_octets id, struct ike1_octets proof)
{
	struct keyd *k = arg;
	bool shared = proof.n && *(const uint8_t *)proof.p == IKE2_AUTH_PSK;
	struct question *q = question(k, token, shared ? ANSWER_TICKET : ANSWER_STATEMENT);

	return q ? asked(q, certd_ask_verify(k->certd, nonce, id, proof, on_answer, q)) : -ENOMEM;
}

static int port_xauth_check(void *arg, uint64_t token, struct ike1_octets ticket, struct ike1_octets user,
    struct ike1_octets password)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_USER);

	return q ? asked(q, certd_ask_xauth(k->certd, ticket, user, password, on_answer, q)) : -ENOMEM;
}

static int port_xauth_password(void *arg, uint64_t token, struct ike1_octets ticket)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_PASSWORD);

	return q ? asked(q, certd_ask_password(k->certd, ticket, on_answer, q)) : -ENOMEM;
}

static int port_policy_make(void *arg, uint64_t token, const uint8_t *ticket, size_t n,
    const struct policy *out, const struct ike_path *path)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_MADE);

	return q ? asked(q, policyd_ask_make(k->policyd, ticket, n, out, path, on_answer, q)) : -ENOMEM;
}

static void port_policy_drop(void *arg, uint32_t policy_id)
{
	struct keyd *k = arg;

	policyd_drop_policy(k->policyd, policy_id);
}

static int port_match(
    void *arg, uint64_t token, const struct selector *out, const struct ike_path *path, bool within)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_POLICIES);

	return q ? asked(q, policyd_ask_match(k->policyd, out, path, within, on_answer, q)) : -ENOMEM;
}

static int port_grant(void *arg, uint64_t token, const struct core_grant *g)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_GRANT);

	return q ? asked(q, policyd_ask_grant(k->policyd, g, on_answer, q)) : -ENOMEM;
}

static void port_grant_drop(void *arg, uint64_t grant)
{
	struct keyd *k = arg;

	policyd_drop_grant(k->policyd, grant);
}

static void port_acquire_done(void *arg, uint64_t seq, bool ok)
{
	struct keyd *k = arg;

	policyd_acquire_done(k->policyd, seq, ok);
}

static int port_reserve(void *arg, uint64_t token, uint64_t grant, const struct inet_addr *src,
    const struct inet_addr *dst, enum ipsec_proto proto)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_SPI);

	if (!q)
		return -ENOMEM;
	q->src = *src;
	q->dst = *dst;
	q->proto = proto;
	return asked(q, datapathd_ask_spi(k->datapathd, grant, src, dst, proto, on_answer, q));
}

static void port_release(
    void *arg, const struct inet_addr *src, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	struct keyd *k = arg;

	datapathd_release(k->datapathd, src, dst, proto, spi);
}

static int port_install(void *arg, uint64_t token, uint64_t grant, const struct sa_desc *sa, uint64_t partner)
{
	struct keyd *k = arg;
	struct question *q = question(k, token, ANSWER_SERIAL);

	return q ? asked(q, datapathd_install(k->datapathd, grant, sa, partner, on_answer, q)) : -ENOMEM;
}

static void port_remove(void *arg, uint64_t serial)
{
	struct keyd *k = arg;

	datapathd_remove(k->datapathd, serial);
}

static void port_moved(void *arg, const uint64_t *serial, size_t n, uint16_t port)
{
	struct keyd *k = arg;

	datapathd_moved(k->datapathd, serial, n, port);
}

static void port_hook(void *arg, const struct core_hook *h)
{
	struct keyd *k = arg;
	char a[INET_ADDR_STRLEN];
	int r = hooks_tell(k->hooks, &k->hooks_late, h);

	if (r < 0)
		log_warning("hook.lost", "the script %s for %s is not run: hooks cannot be told: %s",
		    ike_hook_name(h->hook), inet_addr_format(&h->path->remote, a), err_name(r));
}

struct core_ports keyd_ports(struct keyd *k)
{
	return (struct core_ports){.arg = k,
	    .send = port_send,
	    .log = port_log,
	    .traces = port_traces,
	    .ike1_begin = port_begin,
	    .ike1_keys = port_keys,
	    .ike1_switch = port_switch,
	    .ike1_prove = port_prove,
	    .ike1_verify = port_verify,
	    .ike1_judge = port_judge,
	    .ike2_begin = port_begin,
	    .ike2_tell = port_tell2,
	    .ike2_prove = port_prove,
	    .ike2_verify = port_verify2,
	    .ike2_judge = port_judge,
	    .xauth_check = port_xauth_check,
	    .xauth_password = port_xauth_password,
	    .policy_make = port_policy_make,
	    .policy_drop = port_policy_drop,
	    .match = port_match,
	    .grant = port_grant,
	    .grant_drop = port_grant_drop,
	    .acquire_done = port_acquire_done,
	    .reserve = port_reserve,
	    .release = port_release,
	    .install = port_install,
	    .remove = port_remove,
	    .moved = port_moved,
	    .hook = port_hook};
}

static void on_subscribed(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
	if (result < 0 || rec->type != IPC_OK)
		log_warning("policyd.subscribe", "policyd does not tell which packets need keys: %s",
		    result < 0 ? err_name(result) : "refused");
}

static void on_policyd_up(struct ipc_client *c, uint64_t server_epoch_ms)
{
	int r = policyd_subscribe(c, on_subscribed, NULL);

	if (r < 0)
		log_warning("policyd.subscribe", "policyd cannot be asked: %s", err_name(r));
}

static void on_datapathd_up(struct ipc_client *c, uint64_t server_epoch_ms)
{
	(void)server_epoch_ms;
	keyd_recall(of_client(c));
}

static void on_hooks_up(struct ipc_client *c, uint64_t server_epoch_ms)
{
	(void)server_epoch_ms;
	hooks_late_tell(&of_client(c)->hooks_late, c);
}

static int on_policyd_event(struct ipc_client *c, const struct ipc_record *rec)
{
	struct core_acquire a;
	struct policy p;

	if (rec->type != IPC_ACQUIRE_EVENT || policyd_acquire_decode(rec, &a, &p) < 0)
		return -EBADMSG;
	core_acquire(of_client(c)->core, &a);
	return 0;
}

static void on_datagram(void *arg, const struct ike_path *path, const uint8_t *d, size_t n)
{
	core_datagram(arg, path, d, n);
}

static int on_expired(struct core *core, const struct ipc_record *rec)
{
	uint64_t serial;
	bool hard;
	int r = datapathd_expired_decode(rec, &serial, &hard);

	if (r == 0)
		core_expired(core, serial, hard);
	return r;
}

static int on_unknown(struct core *core, const struct ipc_record *rec)
{
	struct inet_addr local, remote;
	enum ipsec_proto proto;
	uint32_t spi;
	int r = datapathd_unknown_decode(rec, &local, &remote, &proto, &spi);

	if (r == 0)
		core_unknown_spi(core, &local, &remote, proto, spi);
	return r;
}

static int on_moved(struct core *core, const struct ipc_record *rec)
{
	uint64_t serial;
	uint16_t port;
	int r = datapathd_moved_decode(rec, &serial, &port);

	if (r == 0)
		core_moved(core, serial, port);
	return r;
}

static int on_datapathd_event(struct ipc_client *c, const struct ipc_record *rec)
{
	struct core *core = of_client(c)->core;

	switch (rec->type) {
	case IPC_SA_EXPIRED:
		return on_expired(core, rec);
	case IPC_SPI_UNKNOWN:
		return on_unknown(core, rec);
	case IPC_PEER_MOVED:
		return on_moved(core, rec);
	case IPC_IKE_DATAGRAM:
		return datapathd_datagram_decode(rec, on_datagram, core);
	default:
		return -EBADMSG;
	}
}

static const struct {
	struct ipc_client_def def;
	const char *peer;
	size_t at; /* of the pointer in struct keyd */
} neighbours[] = {
    {{.edge = "certd.keyd", .version_min = 1, .version_max = 1, .backoff_min_ms = 20, .backoff_max_ms = 1000},
        "certd", offsetof(struct keyd, certd)},
    {{.edge = "certd-verify.keyd",
         .version_min = 1,
         .version_max = 1,
         .backoff_min_ms = 20,
         .backoff_max_ms = 1000},
        "certd-verify", offsetof(struct keyd, verify)},
    {{.edge = "policyd.keyd",
         .version_min = 1,
         .version_max = 1,
         .backoff_min_ms = 20,
         .backoff_max_ms = 1000,
         .on_up = on_policyd_up,
         .on_event = on_policyd_event},
        "policyd", offsetof(struct keyd, policyd)},
    {{.edge = "datapathd.keyd",
         .version_min = 1,
         .version_max = 1,
         .backoff_min_ms = 20,
         .backoff_max_ms = 1000,
         .on_up = on_datapathd_up,
         .on_event = on_datapathd_event},
        "datapathd", offsetof(struct keyd, datapathd)},
    {{.edge = "hooks.keyd",
         .version_min = 1,
         .version_max = 1,
         .backoff_min_ms = 20,
         .backoff_max_ms = 1000,
         .on_up = on_hooks_up},
        "hooks", offsetof(struct keyd, hooks)},
};

int keyd_connect(struct keyd *k, struct err_text *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(neighbours); i++)
		r = service_connect(k->service, &neighbours[i].def, neighbours[i].peer,
		    (struct ipc_client **)(void *)((char *)k + neighbours[i].at), e);
	return r;
}
