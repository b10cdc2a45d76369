/*
 * A request is repeated with growing patience (section 2.4): half a second, one, two, four, eight, and after
 * about half a minute the peer is taken for dead, for whoever has an IKE SA answers.
 */
#include "keyd/ike2/exchange.h"

#include <errno.h>
#include <stdlib.h>

#include "keyd/ike2/create.h"
#include "keyd/ike2/inform.h"

enum {
	FIRST_MS = 500,
	TRIES = 6, /* 0.5 + 1 + 2 + 4 + 8 + 16 seconds */
	TRIES_KEPT =
	    4, /* to a peer that is to be there all the time, until it is: it is begun anew instead */
	REPEAT_MS = 200, /* an answer is said again no more often: repetitions prove nothing */
	TASKS_MAX = 20000,
};

static void lost(struct ikesa *sa)
{
	char name[IKE2_NAME_MAX];

	if (ike2_is_up(sa))
		core_log(sa->core, CORE_WARNING, "ike.dead", "the peer is dead: no answer to %u messages. %s",
		    TRIES, ike2_name(sa, name));
	ike2_sa_end(sa, sa->state == IKE2_S_LEAVING ? "deleted, which the peer did not answer" : "no answer");
}

static uint32_t tries_of(const struct ikesa *sa)
{
	return ike2_peer(sa)->keep_up && sa->state < IKE2_S_UP ? TRIES_KEPT : TRIES;
}

static void on_timer(struct timer *t, void *arg)
{
	struct ike2_question *q = container_of(t, struct ike2_question, timer);
	struct ikesa *sa = container_of(q, struct ikesa, own);
	struct core *c = arg;

	if (++q->tries >= tries_of(sa)) {
		lost(sa);
		return;
	}
	c->counters.retransmits++;
	ike2_train_send(&q->train, c, &sa->path);
	/* Cannot fail: its place in the heap has just become free. */
	(void)!timer_set(&c->timers, t, core_now(c) + ((uint64_t)FIRST_MS << q->tries), on_timer);
}

static int sent(struct ikesa *sa, uint8_t exchange, const struct ike2_task *t)
{
	struct core *c = sa->core;
	struct ike2_question *q = &sa->own;

	q->out = true;
	q->exchange = exchange;
	q->task = *t;
	q->tries = 0;
	ike2_train_send(&q->train, c, &sa->path);
	return timer_set(&c->timers, &q->timer, core_now(c) + FIRST_MS, on_timer);
}

int ike2_send_request(struct ikesa *sa, struct ike2_out *m, uint8_t exchange, const struct ike2_task *t)
{
	int r = ike2_out_train(sa, m, exchange, false, sa->next_own, &sa->own.train);

	return r < 0 ? r : sent(sa, exchange, t);
}

int ike2_send_first(struct ikesa *sa, size_t n)
{
	int r;

	ike2_train_fini(&sa->own.train);
	r = ike2_train_add(&sa->own.train, sa->core->out, (uint32_t)n);
	return r < 0 ? r : sent(sa, IKE2_SA_INIT, &(struct ike2_task){.kind = IKE2_TASK_NONE});
}

void ike2_answered(struct ikesa *sa, struct ike2_task *ret_task)
{
	struct ike2_question *q = &sa->own;

	*ret_task = q->task;
	timer_stop(&sa->core->timers, &q->timer);
	ike2_train_fini(&q->train);
	*q = (struct ike2_question){0};
	sa->next_own++;
}

void ike2_send_answer(struct ikesa *sa, struct ike2_out *m, uint8_t exchange)
{
	int r = ike2_out_train(sa, m, exchange, true, sa->next_peer, &sa->answer);

	sa->answering = false;
	sa->answered_ms = core_now(sa->core);
	sa->next_peer++;
	if (r < 0)
		ike2_sa_end(sa, "a message could not be made");
	else
		ike2_train_send(&sa->answer, sa->core, &sa->path);
}

void ike2_send_refusal(struct ikesa *sa, uint8_t exchange, uint16_t notify, const void *data, size_t n)
{
	struct ike2_out m;

	ike2_out_begin(sa, &m);
	ike2_put_note(&m.o, notify, data, n);
	ike2_send_answer(sa, &m, exchange);
}

void ike2_repeat_answer(struct ikesa *sa)
{
	sa->core->counters.duplicates++;
	if (!sa->answer.n || core_now(sa->core) < sa->answered_ms + REPEAT_MS)
		return;
	sa->answered_ms = core_now(sa->core);
	ike2_train_send(&sa->answer, sa->core, &sa->path);
}

static bool same_task(const struct ike2_task *a, const struct ike2_task *b)
{
	return a->kind == b->kind && a->pair == b->pair && a->proto == b->proto && a->spi == b->spi;
}

int ike2_ask(struct ikesa *sa, const struct ike2_task *t)
{
	struct ike2_task *x;
	uint32_t n = 0;

	list_foreach (other, &sa->tasks, struct ike2_task, node) {
		if (same_task(other, t))
			return 0;
		n++;
	}
	x = n < TASKS_MAX ? malloc(sizeof(*x)) : NULL;
	if (!x)
		return -ENOMEM;
	*x = *t;
	list_init(&x->node);
	list_append(&sa->tasks, &x->node);
	ike2_pump(sa);
	return 0;
}

void ike2_unask(struct ikesa *sa, const struct ike2_pair *p)
{
	if (sa->own.task.pair == p)
		sa->own.task.pair = NULL;
	list_foreach_safe (t, next, &sa->tasks, struct ike2_task, node)
		if (t->pair == p) {
			list_remove(&t->node);
			free(t);
		}
}

static void begin(struct ikesa *sa, const struct ike2_task *t)
{
	switch (t->kind) {
	case IKE2_TASK_PAIR:
		create_ask_pair(sa, t);
		break;
	case IKE2_TASK_REKEY:
		create_ask_rekey(sa, t);
		break;
	default:
		inform_ask(sa, t);
		break;
	}
}

/* Under one that has been replaced nothing begins but its end. */
static bool is_askable(const struct ikesa *sa, const struct ike2_task *t)
{
	switch (sa->state) {
	case IKE2_S_UP:
		return true;
	case IKE2_S_REPLACED:
	case IKE2_S_LEAVING:
		return t->kind == IKE2_TASK_DROP_SA;
	default:
		return false;
	}
}

void ike2_pump(struct ikesa *sa)
{
	while (!sa->own.out && !list_is_empty(&sa->tasks)) {
		struct ike2_task *t = list_entry(sa->tasks.next, struct ike2_task, node);
		struct ike2_task task = *t;

		if (sa->state == IKE2_S_GONE || sa->state < IKE2_S_UP)
			return;
		list_remove(&t->node);
		free(t);
		if (is_askable(sa, &task))
			begin(sa, &task);
	}
}

void ike2_exchange_fini(struct ikesa *sa)
{
	timer_stop(&sa->core->timers, &sa->own.timer);
	ike2_train_fini(&sa->own.train);
	sa->own = (struct ike2_question){0};
	ike2_train_fini(&sa->answer);
	list_foreach_safe (t, next, &sa->tasks, struct ike2_task, node) {
		list_remove(&t->node);
		free(t);
	}
	ike2_parts_drop(sa);
}
