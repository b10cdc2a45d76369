/*
 * From datagram to handler. Every check that the permission table allows is made on the 12-byte header; the
 * body is looked at only by the handler of a record that this peer may send now. Each record is paid for
 * after it was handled and before the next is read, so that a full burst of one is always possible and the
 * long-term rate is the budget's.
 */
#include <errno.h>

#include "base/auto.h"
#include "ipc/conn_priv.h"
#include "ipc/hello.h"
#include "ipc/sock.h"

/* Records read from one connection before the others get their turn. */
enum { READ_BATCH = 32 };

static bool pay(struct ipc_conn *c)
{
	uint32_t burst = c->s->edge->budget_burst, cost = c->owed < burst ? c->owed : burst;
	uint64_t now = clock_now_ms(c->s->env.clock);

	if (bucket_take(&c->budget, cost, now)) {
		c->owed = 0;
		return true;
	}
	ipc_conn_throttle(c, bucket_wait_ms(&c->budget, cost, now));
	return false;
}

static void greet(struct ipc_conn *c, const struct ipc_record *rec)
{
	const struct ipc_server *s = c->s;
	const struct ipc_hello mine = {.version_min = s->edge->version_min,
	    .version_max = s->edge->version_max,
	    .edge = s->edge->name,
	    .instance = s->env.instance,
	    .epoch_ms = s->env.epoch_ms};
	struct ipc_hello_peer theirs;
	struct err_text e;

	if (ipc_hello_check(rec, &mine, &theirs, &e) < 0) {
		ipc_conn_violation(c, rec->id, EPROTO, "%s", e.s);
		return;
	}
	if (ipc_conn_send_built(c, ipc_hello_build(s->tx, IPC_RECORD_MAX, rec->id, &mine)) < 0)
		return;
	c->said_hello = true;
	uv_timer_stop(&c->timer);
	if (s->edge->on_open)
		s->edge->on_open(c);
}

static const struct ipc_rule *find_rule(const struct ipc_edge *e, uint16_t type)
{
	for (size_t i = 0; i < e->n_rules; i++)
		if (e->rules[i].type == type)
			return &e->rules[i];
	return NULL;
}

/* 0: the record may go to its handler. Otherwise the connection has been ended. */
static int permit(struct ipc_conn *c, const struct ipc_rule *rule, const struct ipc_record *rec)
{
	int code = EPROTO, r = 0;
	const char *why = NULL;

	if (!(rule->roles & c->roles)) {
		code = EPERM;
		why = rule->roles == IPC_ROLE_ROOT ? "only root may do this" : "the caller may not do this";
	} else if (rec->body_len > rule->max_body) {
		code = EMSGSIZE;
		why = "the record is too large";
	} else if (rec->flags) {
		why = "a request has no END flag";
	} else if (rule->max_in_flight) {
		if (!rec->id || rec->row)
			why = "a request has an id other than 0 and no row number";
		else if (ipc_flight_count(&c->flight, rule->type) >= rule->max_in_flight)
			why = "too many requests of this kind are not answered yet";
		else if ((r = ipc_flight_add(&c->flight, rec->id, rule->type)) < 0)
			why = r == -EEXIST ? "the id of this request is under way already" : "out of memory";
	}
	if (!why)
		return 0;
	ipc_conn_violation(c, rec->id, code, "%s (%s)", why, rule->name);
	return -code;
}

static void handle(struct ipc_conn *c, const struct ipc_record *rec, const struct ipc_rule *rule)
{
	if (!c->said_hello) {
		greet(c, rec);
		return;
	}
	if (!rule) {
		ipc_conn_violation(c, rec->id, EPROTO,
		    rec->type == IPC_HELLO ? "a second HELLO" : "unknown record type %u", rec->type);
		return;
	}
	if (c->passed >= 0 && !rule->takes_fd) {
		ipc_conn_violation(c, rec->id, EPROTO, "a descriptor where none belongs (%s)", rule->name);
		return;
	}
	if (permit(c, rule, rec) < 0)
		return;
	c->s->counters.records++;
	if (rule->handle(c, rec) < 0)
		ipc_conn_violation(c, rec->id, EBADMSG, "malformed record (%s)", rule->name);
}

/* True when there may be more to read. */
static bool read_record(struct ipc_conn *c)
{
	const struct ipc_rule *rule;
	struct ipc_record rec;
	int n;

	if (c->owed && !pay(c))
		return false;
	n = ipc_sock_recv_fd(c->fd, c->s->rx, IPC_RECORD_MAX, c->s->takes_fds ? &c->passed : NULL);
	if (n == -EAGAIN)
		return false;
	if (n == -EMSGSIZE) {
		wipe(c->s->rx, IPC_RECORD_MAX);
		ipc_conn_violation(c, 0, EMSGSIZE, "a record of more than %d bytes", IPC_RECORD_MAX);
		return false;
	}
	if (n <= 0) {
		ipc_conn_close(c);
		return false;
	}
	if (ipc_record_parse(c->s->rx, (size_t)n, &rec) < 0) {
		wipe(c->s->rx, (size_t)n);
		ipc_conn_violation(c, 0, EBADMSG, "a record with a short header or unknown flags");
		return false;
	}
	rule = find_rule(c->s->edge, rec.type);
	c->owed = rule && rule->cost ? rule->cost : 1;
	handle(c, &rec, rule);
	/* What no rule knows may be anything, keys included. */
	if (!rule || rule->secret)
		wipe(c->s->rx, (size_t)n);
	return true;
}

/* Whatever nobody took of a record's descriptor is closed. */
static bool read_one(struct ipc_conn *c)
{
	bool more = read_record(c);

	if (c->passed >= 0)
		close(take_fd(&c->passed));
	return more;
}

void ipc_conn_read(struct ipc_conn *c)
{
	int i = 0;

	while (i++ < READ_BATCH && ipc_conn_wants_input(c) && read_one(c))
		;
}
