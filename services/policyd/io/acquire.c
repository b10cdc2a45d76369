/*
 * datapathd is the process most exposed to strangers' packets, so what it says here is a hint under a budget:
 * the policy must exist, and one acquire of it at a time is kept.
 */
#include "policyd/io/acquire.h"

#include <errno.h>

#include "ipc/server.h"
#include "policyd/policyd.h"
#include "policyd/policyd_msg.h"
#include "service/log.h"
#include "service/service.h"

static bool has_policy(const struct policyd *p, uint32_t id)
{
	const struct spd_entry *x = spd_find_id(policyd_newest(p)->spd, id);

	return x && x->policy.dir == POLICY_OUT;
}

static void publish(struct policyd *p, const struct msg_acquire *a)
{
	char src[INET_ADDR_STRLEN], dst[INET_ADDR_STRLEN];

	if (service_has_monitors(p->service))
		service_publish(p->service, "acquire", "policy=%u request=%u src=%s dst=%s", a->policy_id,
		    a->request, inet_addr_format(&a->src, src), inet_addr_format(&a->dst, dst));
}

static int on_acquire(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = policyd_of(service_of_conn(c));
	struct msg_acquire a;
	struct err_text e;
	int r = msg_acquire_decode(rec, &a, &e);

	if (r == -EBADMSG)
		return r;
	if (r == 0 && !has_policy(p, a.policy_id)) {
		r = err_set(&e, -ENOENT, "there is no outbound policy %u", a.policy_id);
		p->acquires.n_received++;
		p->acquires.n_refused++;
	} else if (r == 0) {
		const struct acquire_ask ask = {.seq = a.seq,
		    .policy_id = a.policy_id,
		    .packet = a.packet,
		    .src = a.src,
		    .dst = a.dst,
		    .who = c};

		r = acquires_file(&p->acquires, &ask, clock_now_ms(p->clock), &e);
	}
	if (r < 0) {
		ipc_conn_send_error(c, rec->id, -r, "%s", e.s);
		return 0;
	}
	ipc_conn_ref(c);
	publish(p, &a);
	ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

/* A hint like the others: at worst, dumps show wrong times and a policy lives as long as its lifetime. */
static int on_used(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = policyd_of(service_of_conn(c));
	struct msg_used u;
	int r = msg_used_decode(rec, &u);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < u.n; i++)
		book_used(&p->book, u.id[i], u.age_ms[i]);
	return 0;
}

/* Nothing came of it: a later packet may ask again. */
static void tell_over(struct policyd *p, const struct acquire_ask *a, bool ok)
{
	if (ipc_conn_is_open(a->who))
		msg_send_acquire_expired(a->who, a->seq, a->policy_id);
	ipc_conn_unref(a->who);
	service_publish(p->service, ok ? "acquire.done" : "acquire.expired", "policy=%u seq=%llu",
	    a->policy_id, (unsigned long long)a->seq);
}

void acquire_expire(struct policyd *p, uint64_t now_ms)
{
	struct acquire a;

	while (acquires_take_expired(&p->acquires, now_ms, &a))
		tell_over(p, &a.ask, false);
}

void acquire_done(struct policyd *p, uint64_t id, bool ok)
{
	struct acquire a;

	if (!acquires_take_done(&p->acquires, id, ok, &a))
		return;
	/* Ended well or badly: the policy may ask again when it finds itself without an association. */
	tell_over(p, &a.ask, ok);
}

static void on_close(struct ipc_conn *c)
{
	struct policyd *p = policyd_of(service_of_conn(c));
	struct acquire a;

	while (acquires_take_of(&p->acquires, c, &a))
		ipc_conn_unref(a.ask.who);
}

static const struct ipc_rule rules[] = {
    {.type = IPC_ACQUIRE,
        .name = "acquire",
        .roles = IPC_ROLE_DATAPATHD,
        .max_body = 512,
        .max_in_flight = 64,
        .handle = on_acquire},
    {.type = IPC_SPD_USED,
        .name = "spd.used",
        .roles = IPC_ROLE_DATAPATHD,
        .max_body = 12 << 10,
        .cost = 20,
        .handle = on_used},
};

static const struct ipc_edge edge = {
    .name = "policyd.acquire",
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 200, /* half of it for hints of use */
    .budget_burst = 400,
    .max_conns = 2, /* a restarting datapathd's old connection may linger */
    .max_queued = 256 << 10,
    .on_close = on_close,
};

int acquire_serve(struct policyd *p, struct err_text *e)
{
	return service_serve(p->service, &edge, NULL, e);
}
