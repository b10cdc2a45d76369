/*
 * keyd speaks to strangers and may be theirs: it can ask, and everything it asks is held against the SPD, the
 * configuration and a ticket here. It learns of a grant only when datapathd has it, so that no install is
 * refused for having been fast.
 */
#include "policyd/io/keyd.h"

#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "ipc/client.h"
#include "ipc/server.h"
#include "policyd/grant_rules.h"
#include "policyd/io/acquire.h"
#include "policyd/io/datapath.h"
#include "policyd/io/generate.h"
#include "policyd/keyd_msg.h"
#include "policyd/match.h"
#include "policyd/policyd.h"
#include "service/log.h"
#include "service/service.h"

#define EDGE_NAME "policyd.keyd"

enum { PUT_DEADLINE_MS = 5000, REFUSALS_BURST = 20, REFUSALS_EVERY_S = 1 };

struct keyd {
	struct ipc_server *server;
	uint64_t spd_version; /* that the grants were held against */
	bool met_datapathd;   /* since this process began */
	struct log_limit refusals;
};

/* Of a connection that has subscribed. */
struct subscriber {
	uint64_t told; /* the last acquire it has heard of */
};

/* Who asked for a grant, kept until datapathd has answered. */
struct waiter {
	struct ipc_conn *c;
	uint32_t rec_id;
	uint64_t grant;
	bool renewed;
};

static struct policyd *of(const struct ipc_conn *c)
{
	return policyd_of(service_of_conn(c));
}

static int answer_error(struct ipc_conn *c, uint32_t rec_id, int r, const struct err_text *e)
{
	ipc_conn_send_error(c, rec_id, -r, "%s", e->s[0] ? e->s : err_name(r));
	return 0;
}

static int on_subscribe(struct ipc_conn *c, const struct ipc_record *rec)
{
	/* Asked twice it is still one: what was told is not told again. */
	struct subscriber *s = ipc_conn_data(c);
	static const struct err_text none = {{0}};

	if (!s)
		s = calloc(1, sizeof(*s));
	if (!s)
		return answer_error(c, rec->id, -ENOMEM, &none);
	ipc_conn_set_data(c, s);
	ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static void tell_subscriber(struct ipc_conn *c, void *arg)
{
	const struct policyd *p = arg;
	struct subscriber *s = ipc_conn_data(c);
	const struct acquire *a;

	while (s && ipc_conn_has_room(c) && (a = acquires_after(&p->acquires, s->told))) {
		const struct spd_entry *x = spd_find_id(policyd_newest(p)->spd, a->ask.policy_id);

		s->told = a->id;
		if (x)
			msg_send_acquire_event(c, a, &x->policy);
	}
}

static int on_acquire_done(struct ipc_conn *c, const struct ipc_record *rec)
{
	uint64_t id;
	bool ok;
	int r = msg_acquire_done_decode(rec, &id, &ok);

	if (r == 0)
		acquire_done(of(c), id, ok);
	return r;
}

static int on_match(struct ipc_conn *c, const struct ipc_record *rec)
{
	const struct spd *spd = policyd_newest(of(c))->spd;
	const struct policy *out, *in;
	struct err_text e = {{0}};
	struct selector mirror;
	struct msg_match m;
	int r = msg_match_decode(rec, &m, &e);

	if (r == -EBADMSG)
		return r;
	if (r < 0)
		return answer_error(c, rec->id, r, &e);
	mirror = match_mirror(&m.out);
	out = match_policy(spd, POLICY_OUT, &m.out, &m.local, &m.remote);
	if (!out && m.within)
		out = match_within(spd, &m.out, &m.local, &m.remote);
	if (out && m.within)
		mirror = match_mirror(&out->sel);
	in = match_policy(spd, POLICY_IN, &mirror, &m.remote, &m.local);
	msg_send_match_reply(c, rec->id, out, in);
	return 0;
}

static void publish(struct policyd *p, const char *event, const struct grant *g)
{
	char local[INET_ADDR_STRLEN], remote[INET_ADDR_STRLEN];

	if (service_has_monitors(p->service))
		service_publish(p->service, event, "grant=%llu policy=%u local=%s remote=%s",
		    (unsigned long long)g->id, g->t.out_id, inet_addr_format(&g->t.local, local),
		    inet_addr_format(&g->t.remote, remote));
}

static void refused(struct policyd *p, uint32_t policy_id, const char *why)
{
	uint64_t held;

	p->grants.n_refused++;
	if (log_limit_ok(&p->keyd->refusals, &held))
		log_warning(
		    "grant.refused", "policy=%u %s held=%llu", policy_id, why, (unsigned long long)held);
}

/* datapathd has it, or not. */
static void on_known(struct ipc_client *client, int result, const struct ipc_record *rec, void *arg)
{
	struct policyd *p = policyd_of(service_of_client(client));
	struct waiter *w = arg;
	struct grant *g = grants_find(&p->grants, w->grant);
	struct err_text e = {{0}};
	int r = result < 0 ? err_set(&e, result, "datapathd does not answer: %s", err_name(result))
	                   : msg_ok_decode(rec, &e);

	if (r == 0 && !g)
		r = err_set(&e, -ESTALE, "policy or peer went away while the grant was made");
	if (r < 0) {
		/* A late answer may still be a yes. */
		if (g && w->renewed)
			(void)grants_leave(&p->grants, g);
		else if (g)
			grants_drop(&p->grants, g, result == -ETIME);
		answer_error(w->c, w->rec_id, r, &e);
	} else {
		p->grants.n_made += !w->renewed;
		publish(p, w->renewed ? "grant.renewed" : "grant.made", g);
		msg_send_grant_reply(w->c, w->rec_id, g);
	}
	ipc_conn_unref(w->c);
	free(w);
}

/* Takes `more` of the terms over, whatever comes of it. */
static int give(struct ipc_conn *c, uint32_t rec_id, struct grant_terms *terms, struct err_text *e)
{
	struct policyd *p = of(c);
	AUTO_FREE struct waiter *w = calloc(1, sizeof(*w));
	AUTO_FREE struct grant_more *more = terms->more;
	struct grant *g;
	int how, r;

	if (!w)
		return err_set(e, -ENOMEM, "out of memory");
	if (!datapath_is_up(p->datapath))
		return err_set(
		    e, -ENOTCONN, "datapathd is not there: it has to know a grant first; ask again");
	how = grants_put(&p->grants, terms, clock_now_ms(p->clock), &g, e);
	if (how < 0)
		return how;
	(void)take_ptr(more);
	*w = (struct waiter){.c = c, .rec_id = rec_id, .grant = g->id, .renewed = how == GRANT_RENEWED};
	r = msg_request_grant(datapath_client(p->datapath), g, PUT_DEADLINE_MS, on_known, w);
	if (r < 0) {
		if (how == GRANT_RENEWED)
			(void)grants_leave(&p->grants, g);
		else
			grants_drop(&p->grants, g, false);
		return err_set(e, r, "datapathd cannot be told now (%s): ask again", err_name(r));
	}
	ipc_conn_ref(c);
	(void)take_ptr(w);
	return 0;
}

static int on_grant_ask(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = of(c);
	const struct grant_world world = {.key = &p->ticket_key,
	    .gens = &p->ike,
	    .spd = policyd_newest(p)->spd,
	    .now_ms = clock_now_ms(p->clock)};
	struct err_text e = {{0}};
	struct grant_terms terms;
	struct msg_grant_ask m = {.ticket_len = 0};
	struct grant_ask ask;
	int r = msg_grant_ask_decode(rec, &m, &e);

	if (r == -EBADMSG)
		return r;
	ask = (struct grant_ask){.ticket = m.ticket,
	    .ticket_len = m.ticket_len,
	    .policy_id = m.policy_id,
	    .more_ids = m.more,
	    .n_more = m.n_more,
	    .local = m.local,
	    .remote = m.remote};
	if (r == 0 && p->ticket_why.s[0])
		r = err_set(&e, -EIO, "policyd cannot check tickets: %.400s", p->ticket_why.s);
	if (r == 0)
		r = grant_judge(&world, &ask, &terms, &e);
	if (r == 0)
		r = give(c, rec->id, &terms, &e);
	if (r == 0) {
		generated_used(&p->generated, m.policy_id, world.now_ms);
		return 0;
	}
	refused(p, m.policy_id, e.s);
	return answer_error(c, rec->id, r, &e);
}

static int on_grant_drop(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct policyd *p = of(c);
	struct grant *g;
	uint64_t id;
	int r = msg_grant_drop_decode(rec, &id);

	if (r < 0)
		return r;
	g = grants_find(&p->grants, id);
	if (!g)
		return 0;
	if (g->users == 1)
		publish(p, "grant.dropped", g);
	(void)grants_leave(&p->grants, g);
	return 0;
}

static void on_told(struct ipc_client *client, int result, const struct ipc_record *rec, void *arg)
{
	struct err_text e = {{0}};

	if (result == 0 && msg_ok_decode(rec, &e) < 0)
		log_warning("grant.untold", "datapathd did not take a grant over again: %s", e.s);
}

/* As much as datapathd takes now; the next turn goes on. Policies come first. */
static void tell_datapathd(struct policyd *p)
{
	struct ipc_client *c = datapath_client(p->datapath);
	struct grant *g;
	int r = 0;

	while (r == 0 && p->commit.acked && ipc_client_is_up(c) && (g = grants_next_to_tell(&p->grants))) {
		if (g->gone)
			r = msg_send_grant_gone(c, g->id);
		else
			r = msg_request_grant(c, g, PUT_DEADLINE_MS, on_told, NULL);
		if (r == 0)
			grants_told(&p->grants, g);
	}
}

void keyd_on_datapath_up(struct policyd *p)
{
	if (!p->keyd)
		return;
	/* An earlier policyd's grants are nobody's: keyd has lost its connection too and asks again. */
	if (!p->keyd->met_datapathd)
		p->keyd->met_datapathd = msg_send_grant_gone(datapath_client(p->datapath), 0) == 0;
	grants_tell_all(&p->grants);
}

void keyd_turn(struct policyd *p, uint64_t now_ms)
{
	const struct book *newest = policyd_newest(p);
	unsigned n;

	ike_gens_expire(&p->ike, now_ms);
	grants_expire(&p->grants, now_ms);
	if (!p->keyd)
		return;
	if (p->keyd->spd_version != newest->version) {
		p->keyd->spd_version = newest->version;
		n = grants_follow_spd(&p->grants, newest->spd);
		if (n)
			log_info("grant.withdrawn", "%u grants went with their policies", n);
	}
	tell_datapathd(p);
	ipc_server_each(p->keyd->server, tell_subscriber, p);
}

static void on_close(struct ipc_conn *c)
{
	free(ipc_conn_data(c));
	ipc_conn_set_data(c, NULL);
}

static const struct ipc_rule rules[] = {
    {IPC_ACQUIRE_SUBSCRIBE, "acquire.subscribe", IPC_ROLE_KEYD, 64, 1, .cost = 50, .handle = on_subscribe},
    {IPC_ACQUIRE_DONE, "acquire.done", IPC_ROLE_KEYD, 64, 0, .handle = on_acquire_done},
    /* The second comparison walks the whole list. */
    {IPC_POLICY_MATCH, "policy.match", IPC_ROLE_KEYD, 512, 64, .cost = 20, .handle = on_match},
    {IPC_GRANT_ASK, "grant.ask", IPC_ROLE_KEYD, MSG_TICKET_MAX + 2048, 64, .cost = 20,
        .handle = on_grant_ask},
    {IPC_GRANT_DROP, "grant.drop", IPC_ROLE_KEYD, 64, 0, .handle = on_grant_drop},
    {IPC_POLICY_MAKE, "policy.make", IPC_ROLE_KEYD, MSG_TICKET_MAX + 1024, 64, .cost = 50,
        .handle = generate_on_make},
    {IPC_POLICY_DROP, "policy.drop", IPC_ROLE_KEYD, 64, 0, .handle = generate_on_drop},
};

static const struct ipc_edge edge = {
    .name = EDGE_NAME,
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 2000, /* a hundred peers a second */
    .budget_burst = 4000,
    .max_conns = 2, /* a restarting keyd's old connection may linger */
    .max_queued = 512 << 10,
    .on_close = on_close,
};

bool keyd_has_socket(const struct service *s)
{
	return service_next_fd_name(s, EDGE_NAME, NULL);
}

int keyd_serve(struct policyd *p, struct err_text *e)
{
	struct keyd *k;
	int r;

	if (!keyd_has_socket(p->service)) {
		log_notice("keyd.absent", "the launcher passed no socket named %s: keys are not negotiated",
		    EDGE_NAME);
		return 0;
	}
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, -ENOMEM, "out of memory");
	log_limit_init(&k->refusals, REFUSALS_BURST, REFUSALS_EVERY_S);
	r = service_serve(p->service, &edge, &k->server, e);
	if (r < 0)
		free(k);
	else
		p->keyd = k;
	return r;
}
