/*
 * The edge policyd <- datapathd: acquires. At most one per policy is out, a token bucket bounds all of them,
 * and nothing waits for an answer: a policy whose question was lost, refused or forgotten may ask again
 * later.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/bucket.h"
#include "datapathd/datapathd.h"
#include "datapathd/datapathd_msg.h"

enum {
	OUT_MAX = 512, /* acquires out at a time */
	RATE = 50,
	BURST = 100,      /* acquires a second */
	ANSWER_MS = 5000, /* policyd's time to say that it filed one */
	OUT_MS = 60000,   /* policyd's own expiry comes well before */
	AGAIN_MS = 1000,  /* after a question that did not get through, or was answered at once */
};

struct out {
	uint64_t seq; /* 0: free */
	uint32_t policy_id;
	uint64_t filed_ms, until_ms;
};

struct acquirer {
	struct datapathd *d;
	struct ipc_client *client; /* the skeleton's */
	struct bucket bucket;
	uint64_t last_seq, n_sent, n_expired;
	uint32_t n_out;
	bool overflowed; /* a mark was set that `out` does not know */
	struct out out[OUT_MAX];
};

static uint64_t now_of(const struct acquirer *a)
{
	return clock_now_ms(service_clock(a->d->service));
}

static struct out *find_seq(struct acquirer *a, uint64_t seq)
{
	for (size_t i = 0; i < OUT_MAX; i++)
		if (seq && a->out[i].seq == seq)
			return &a->out[i];
	return NULL;
}

static bool is_out(const struct acquirer *a, uint32_t policy_id)
{
	for (size_t i = 0; i < OUT_MAX; i++)
		if (a->out[i].seq && a->out[i].policy_id == policy_id)
			return true;
	return false;
}

static void unmark(struct acquirer *a, uint32_t policy_id)
{
	struct spd_view *v = atomic_load(&a->d->view);
	struct spd_rule *r = v ? spd_view_find(v, policy_id) : NULL;

	if (r)
		atomic_store_explicit(&r->acquiring, false, memory_order_relaxed);
}

static void release(struct acquirer *a, struct out *o)
{
	uint32_t policy_id = o->policy_id;

	*o = (struct out){0};
	a->n_out--;
	unmark(a, policy_id);
}

/* Filed or not: the mark stays until the acquire expires, a question that failed is free again soon. */
static void on_reply(struct ipc_client *c, int result, const struct ipc_record *rec, void *arg)
{
	struct acquirer *a =
	    ipc_client_owner(c) ? ((struct datapathd *)service_data(service_of_client(c)))->acquirer : NULL;
	struct out *o = a ? find_seq(a, (uint64_t)(uintptr_t)arg) : NULL;

	if (o && (result < 0 || rec->type != IPC_OK))
		o->until_ms = now_of(a) + AGAIN_MS;
}

static void ask(struct acquirer *a, struct out *o, const struct acquire_hint *h)
{
	const struct msg_acquire m = {
	    .seq = o->seq,
	    .policy_id = h->policy_id,
	    .request = h->request,
	    .packet = h->packet,
	    .src = h->src,
	    .dst = h->dst,
	};

	if (!bucket_take(&a->bucket, 1, now_of(a)) ||
	    msg_acquire_send(a->client, &m, ANSWER_MS, on_reply, (void *)(uintptr_t)o->seq) < 0) {
		o->until_ms = now_of(a) + AGAIN_MS;
		return;
	}
	a->n_sent++;
	service_publish(a->d->service, "acquire", "policy=%u request=%u seq=%llu", h->policy_id, h->request,
	    (unsigned long long)o->seq);
}

static struct out *file(struct acquirer *a, uint32_t policy_id)
{
	for (size_t i = 0; i < OUT_MAX; i++) {
		if (a->out[i].seq)
			continue;
		a->out[i] = (struct out){.seq = ++a->last_seq,
		    .policy_id = policy_id,
		    .filed_ms = now_of(a),
		    .until_ms = now_of(a) + OUT_MS};
		a->n_out++;
		return &a->out[i];
	}
	a->overflowed = true;
	return NULL;
}

void acquirer_collect(struct acquirer *a)
{
	struct acquire_hint h;

	while (acquire_ring_pop(&a->d->worker->acquires, &h)) {
		struct out *o = is_out(a, h.policy_id) ? NULL : file(a, h.policy_id);

		if (o)
			ask(a, o, &h);
	}
}

void acquirer_age(struct acquirer *a)
{
	uint64_t now = now_of(a);
	struct spd_view *v = atomic_load(&a->d->view);

	for (size_t i = 0; i < OUT_MAX; i++)
		if (a->out[i].seq && a->out[i].until_ms <= now)
			release(a, &a->out[i]);
	if (!a->overflowed || a->n_out == OUT_MAX)
		return;
	a->overflowed = false;
	for (uint32_t i = 0; v && i < v->n[SPD_OUT]; i++)
		if (!is_out(a, v->list[SPD_OUT][i]->p.id))
			atomic_store_explicit(&v->list[SPD_OUT][i]->acquiring, false, memory_order_relaxed);
}

void acquirer_mark(struct acquirer *a, struct spd_view *v)
{
	for (size_t i = 0; i < OUT_MAX; i++) {
		struct spd_rule *r = a->out[i].seq ? spd_view_find(v, a->out[i].policy_id) : NULL;

		if (r)
			atomic_store_explicit(&r->acquiring, true, memory_order_relaxed);
	}
}

uint32_t acquirer_outstanding(const struct acquirer *a)
{
	return a->n_out;
}

struct ipc_client *acquirer_client(const struct acquirer *a)
{
	return a->client;
}

static int on_event(struct ipc_client *c, const struct ipc_record *rec)
{
	struct acquirer *a = ((struct datapathd *)service_data(service_of_client(c)))->acquirer;
	uint32_t policy_id;
	uint64_t seq;
	struct out *o;

	if (rec->type != IPC_ACQUIRE_EXPIRED || msg_acquire_expired_decode(rec, &seq, &policy_id) < 0)
		return -EBADMSG;
	o = find_seq(a, seq);
	if (!o || o->policy_id != policy_id)
		return 0;
	a->n_expired++;
	service_publish(
	    a->d->service, "acquire.expired", "policy=%u seq=%llu", policy_id, (unsigned long long)seq);
	/* Answered at once, and perhaps in vain: not more than about one question a second for a policy. */
	if (now_of(a) < o->filed_ms + AGAIN_MS)
		o->until_ms = o->filed_ms + AGAIN_MS;
	else
		release(a, o);
	return 0;
}

/* policyd remembers nothing of what it was asked or told before it was restarted. */
static void on_down(struct ipc_client *c)
{
	struct datapathd *d = service_data(service_of_client(c));
	struct acquirer *a = d->acquirer;

	used_forget_told(atomic_load(&d->view));
	for (size_t i = 0; a && i < OUT_MAX; i++)
		if (a->out[i].seq)
			release(a, &a->out[i]);
}

static void on_up(struct ipc_client *c, uint64_t server_epoch_ms)
{
	(void)c;
	(void)server_epoch_ms;
}

int acquirer_new(struct datapathd *d, struct acquirer **ret, struct err_text *e)
{
	static const struct ipc_client_def def = {
	    .edge = "policyd.acquire",
	    .version_min = 1,
	    .version_max = 1,
	    .backoff_min_ms = 100,
	    .backoff_max_ms = 5000,
	    .on_up = on_up,
	    .on_down = on_down,
	    .on_event = on_event,
	};
	struct acquirer *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_set(e, -ENOMEM, "out of memory");
	a->d = d;
	bucket_init(&a->bucket, RATE, BURST, now_of(a));
	r = service_connect(d->service, &def, "policyd", &a->client, e);
	if (r < 0) {
		free(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct acquirer *acquirer_free(struct acquirer *a)
{
	free(a);
	return NULL;
}
