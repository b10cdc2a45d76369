/*
 * Requests and time. One timer serves the next attempt to connect, the HELLO deadline, request deadlines and
 * the end of a throttle; it is set to the earliest and looks at all of them when it fires. Callbacks may do
 * anything, freeing the client included: whoever calls one holds a reference and looks at `freed` afterwards.
 */
#include "ipc/client.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/client_link.h"

enum {
	PENDING_MAX = 1024,
	QUEUED_MAX = 4 * IPC_RECORD_MAX,
	BUDGET_RATE = 10000, /* records a second that a server may send us */
	BUDGET_BURST = 10000,
	LOG_PER_SECOND = 1,
	LOG_BURST = 10,
};

void ipc_client_ref_(struct ipc_client *c)
{
	c->refs++;
}

void ipc_client_unref_(struct ipc_client *c)
{
	if (--c->refs)
		return;
	free(c->rx);
	free(c->tx);
	free(c->path);
	free(c);
}

void ipc_client_fail_pending(struct ipc_client *c, int result)
{
	struct ipc_filed f;

	while (ipc_book_take_first(&c->book, &f))
		f.fn(c, result, NULL, f.arg);
}

static void expire_requests(struct ipc_client *c)
{
	struct ipc_filed f;

	while (!c->freed && ipc_book_take_expired(&c->book, clock_now_ms(c->env.clock), &f)) {
		c->counters.timeouts++;
		f.fn(c, -ETIME, NULL, f.arg);
	}
}

static void on_timer(uv_timer_t *h)
{
	struct ipc_client *c = h->data;
	uint64_t now = clock_now_ms(c->env.clock);

	ipc_client_ref_(c);
	if (c->broken)
		ipc_link_down(c, "the connection was lost");
	else if (c->state == CLIENT_GREETING && now >= c->greet_by_ms)
		ipc_link_down(c, "the other side does not answer HELLO");
	else if (c->state == CLIENT_DOWN && now >= c->retry_ms)
		ipc_link_connect(c);
	if (!c->freed && c->throttled && now >= c->resume_ms) {
		c->throttled = false;
		ipc_link_update_poll(c);
	}
	expire_requests(c);
	ipc_client_rearm(c);
	ipc_client_unref_(c);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void ipc_client_rearm(struct ipc_client *c)
{
	uint64_t now = clock_now_ms(c->env.clock), at = ipc_book_next_deadline(&c->book);

	if (c->freed)
		return;
	if (c->broken)
		at = now;
	if (c->state == CLIENT_DOWN)
		at = earlier(at, c->retry_ms);
	if (c->state == CLIENT_GREETING)
		at = earlier(at, c->greet_by_ms);
	if (c->throttled)
		at = earlier(at, c->resume_ms);
	if (at == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_timer, at > now ? at - now : 0, 0);
}

static void client_freep(struct ipc_client **c)
{
	if (*c) {
		(*c)->refs = 1;
		ipc_client_unref_(*c);
	}
}

int ipc_client_new(const struct ipc_client_env *env, const struct ipc_client_def *def, const char *path,
    struct ipc_client **ret)
{
	AUTO(client_freep) struct ipc_client *c = calloc(1, sizeof(*c));
	uint64_t now = clock_now_ms(env->clock);

	if (!c)
		return -ENOMEM;
	c->env = *env;
	c->def = *def;
	c->path = strdup(path);
	c->rx = malloc(IPC_RECORD_MAX);
	c->tx = malloc(IPC_RECORD_MAX);
	if (!c->path || !c->rx || !c->tx)
		return -ENOMEM;
	c->backoff_ms = def->backoff_min_ms;
	c->retry_ms = now;
	ipc_book_init(&c->book);
	ipc_outq_init(&c->out);
	bucket_init(&c->budget, BUDGET_RATE, BUDGET_BURST, now);
	bucket_init(&c->log_budget, LOG_PER_SECOND, LOG_BURST, now);
	uv_timer_init(env->loop, &c->timer);
	c->timer.data = c;
	c->refs = 2;
	ipc_client_rearm(c);
	*ret = take_ptr(c);
	return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
	ipc_client_unref_(h->data);
}

struct ipc_client *ipc_client_free(struct ipc_client *c)
{
	if (!c || c->freed)
		return NULL;
	c->freed = true;
	ipc_link_drop(c);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
	ipc_client_fail_pending(c, -ECONNRESET);
	ipc_client_unref_(c);
	return NULL;
}

void *ipc_client_owner(const struct ipc_client *c)
{
	return c->env.owner;
}

bool ipc_client_is_up(const struct ipc_client *c)
{
	return c->state == CLIENT_UP && !c->broken && !c->freed;
}

const struct ipc_client_counters *ipc_client_counters(const struct ipc_client *c)
{
	return &c->counters;
}

static int client_put(struct ipc_client *c, const struct ipc_record *head, const ProtobufCMessage *body)
{
	int n, r;

	if (!ipc_client_is_up(c))
		return -ENOTCONN;
	n = ipc_record_build(c->tx, IPC_RECORD_MAX, head, body);
	if (n < 0)
		return n;
	r = ipc_outq_put(&c->out, c->link->fd, c->tx, (size_t)n, QUEUED_MAX);
	wipe(c->tx, (size_t)n);
	if (r == -ENOBUFS) {
		c->want_writable = true;
		return r;
	}
	if (r < 0) {
		c->broken = true;
		ipc_client_rearm(c);
		return -ENOTCONN;
	}
	ipc_link_update_poll(c);
	return 0;
}

int ipc_client_request(struct ipc_client *c, enum ipc_type type, const ProtobufCMessage *body,
    uint32_t deadline_ms, ipc_reply_fn fn, void *arg)
{
	const struct ipc_filed f = {.fn = fn, .arg = arg};
	struct ipc_record head = {.type = (uint16_t)type};
	struct ipc_filed unused;
	int r;

	if (!ipc_client_is_up(c))
		return -ENOTCONN;
	if (c->book.n >= PENDING_MAX)
		return -ENOBUFS;
	if (!++c->next_id)
		c->next_id = 1;
	head.id = c->next_id;
	/* Filed first: once it is sent nothing may fail. */
	r = ipc_book_file(&c->book, head.id, clock_now_ms(c->env.clock) + deadline_ms, &f);
	if (r < 0)
		return r;
	r = client_put(c, &head, body);
	if (r < 0)
		(void)ipc_book_take(&c->book, head.id, &unused);
	else
		ipc_client_rearm(c);
	return r;
}

int ipc_client_send_row(struct ipc_client *c, enum ipc_type type, uint32_t row, const ProtobufCMessage *body)
{
	const struct ipc_record head = {.type = (uint16_t)type, .row = row};

	return client_put(c, &head, body);
}

void ipc_client_on_writable(struct ipc_client *c, void (*fn)(struct ipc_client *c))
{
	c->on_writable = fn;
}
