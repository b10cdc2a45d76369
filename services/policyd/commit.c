/*
 * The order. A packet is judged twice: by the kernel (clear, or to datapathd) and by datapathd (protect, or
 * drop what it finds no policy for). Let A be the version in force and B the next one.
 *
 *   B has something A has not: datapathd first. While the kernel still has A, a packet that both protect is
 * protected, by B; one that only A matches is dropped by datapathd for some milliseconds, which is allowed;
 * nothing the kernel passes in clear is something A protects. Then the kernel gets B. B is A with entries
 * taken out: the kernel first. Nothing new is sent to datapathd, which still knows A and so handles all that
 * the kernel sends it; no packet is dropped for want of a policy.
 *
 * A union of A and B in between would spare the few dropped packets of the first case at the price of another
 * snapshot; it would not make anything safer. Inbound clear packets are refused by the kernel alone, in one
 * transaction, so that order does not matter to them.
 *
 * Without datapathd the kernel gets additions after a bounded wait: packets then queue at the device or find
 * no route, which is closed. Holding them back would be open.
 */
#include "policyd/commit.h"

#include <errno.h>
#include <inttypes.h>

struct barrier {
	struct list in_barriers;
	uint64_t version, due_ms;
	commit_done_fn done;
	void *arg;
};

void commit_init(
    struct commit *c, const struct commit_ports *ports, const struct clock *clock, const struct book *book)
{
	*c = (struct commit){.ports = *ports, .clock = clock, .book = book};
	list_init(&c->barriers);
}

uint64_t commit_kernel_version(const struct commit *c)
{
	return c->in_kernel ? c->in_kernel->book.version : 0;
}

/* Patience: a large SPD takes its time on the way to datapathd and to the kernel. */
static uint64_t until(const struct commit *c, uint64_t ms)
{
	return clock_now_ms(c->clock) + ms + spd_count(c->book->spd, POLICY_DIR_NONE) / COMMIT_PER_MS;
}

static void finish(struct commit *c, struct barrier *b, int result, const char *why)
{
	list_remove(&b->in_barriers);
	c->n_barriers--;
	b->done(b->arg, result, b->version, why);
	free(b);
}

/* The first of these that lacks the version names the reason. */
static int judge(const struct commit *c, const struct barrier *b, uint64_t now, struct err_text *e)
{
	bool frozen = c->newest && c->newest->book.version >= b->version;

	if (c->held_why.s[0])
		return err_set(e, -EIO, "%s", c->held_why.s);
	if (commit_kernel_version(c) < b->version) {
		if (frozen && c->kernel_why.s[0])
			return err_set(e, -EIO, "not enforced: %s", c->kernel_why.s);
		return now < b->due_ms ? 1 : err_set(e, -EIO, "not enforced yet: policyd is busy; try again");
	}
	if (c->acked < b->version) {
		if (now < b->due_ms)
			return 1;
		return err_set(e, -EIO,
		    "enforced by the kernel, but datapathd has not taken it over: packets that need "
		    "protection wait "
		    "or are dropped until it does; see `ipsecctl status`");
	}
	if (c->saved < b->version && frozen && c->save_why.s[0])
		return err_set(e, -EIO, "in force, but not saved for the next start: %s", c->save_why.s);
	return c->saved < b->version;
}

static void answer_barriers(struct commit *c)
{
	uint64_t now = clock_now_ms(c->clock);

	list_foreach_safe (b, tmp, &c->barriers, struct barrier, in_barriers) {
		struct err_text e = {{0}};
		int r = judge(c, b, now, &e);

		if (r <= 0)
			finish(c, b, r, e.s);
	}
}

void commit_fini(struct commit *c)
{
	list_foreach_safe (b, tmp, &c->barriers, struct barrier, in_barriers)
		finish(c, b, -EIO, "policyd is stopping");
	c->newest = frozen_unref(c->newest);
	c->in_kernel = frozen_unref(c->in_kernel);
}

static void be_due(struct commit *c, uint64_t at)
{
	if (!c->due_ms || at < c->due_ms)
		c->due_ms = at;
}

void commit_hold(struct commit *c, const char *why)
{
	c->due_ms = 0;
	(void)err_set(&c->held_why, 0, "%s", why);
}

const char *commit_held(const struct commit *c)
{
	return c->held_why.s[0] ? c->held_why.s : NULL;
}

void commit_changed(struct commit *c)
{
	c->held_why.s[0] = '\0';
	be_due(c, clock_now_ms(c->clock) + COMMIT_COALESCE_MS);
}

/* A commit costs what the whole SPD costs. While statements come one by one, each waiting for its answer, a
 * commit after each would make a file of n policies cost n times n; so it rests, unless a barrier waits. */
static uint64_t next_begin(const struct commit *c)
{
	uint64_t rest = c->work_ms * COMMIT_REST_TIMES;

	if (!c->due_ms)
		return UINT64_MAX;
	if (rest > COMMIT_REST_MAX_MS)
		rest = COMMIT_REST_MAX_MS;
	if (!list_is_empty(&c->barriers) || c->due_ms > c->worked_until_ms + rest)
		return c->due_ms;
	return c->worked_until_ms + rest;
}

/* Adds what was done since `from_ms` to the cost of the present commit. */
static void count_work(struct commit *c, uint64_t from_ms)
{
	c->worked_until_ms = clock_now_ms(c->clock);
	c->work_ms += c->worked_until_ms - from_ms;
}

int commit_wait(struct commit *c, uint64_t version, commit_done_fn done, void *arg)
{
	struct barrier *b;

	if (c->n_barriers >= COMMIT_BARRIERS_MAX)
		return -EBUSY;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	/* A version from the future would wait for changes nobody has made. */
	b->version = version && version < c->book->version ? version : c->book->version;
	b->due_ms = until(c, COMMIT_BARRIER_MS);
	b->done = done;
	b->arg = arg;
	list_append(&c->barriers, &b->in_barriers);
	c->n_barriers++;
	answer_barriers(c);
	return 0;
}

static void enforce(struct commit *c)
{
	uint64_t from = clock_now_ms(c->clock);
	struct err_text e = {{0}};
	int r = c->ports.enforce(c->ports.arg, c->newest, &e);

	count_work(c, from);
	c->waiting = false;
	if (r < 0) {
		c->kernel_why = e;
		be_due(c, clock_now_ms(c->clock) + COMMIT_RETRY_MS);
		return;
	}
	c->kernel_why.s[0] = '\0';
	if (c->in_kernel == c->newest)
		return;
	frozen_unref(c->in_kernel);
	c->in_kernel = frozen_ref(c->newest);
}

static void save(struct commit *c)
{
	struct err_text e = {{0}};

	if (c->saved >= c->newest->book.version)
		return;
	if (c->ports.save(c->ports.arg, c->newest, &e) < 0) {
		c->save_why = e;
		be_due(c, clock_now_ms(c->clock) + COMMIT_RETRY_MS);
		return;
	}
	c->save_why.s[0] = '\0';
	c->saved = c->newest->book.version;
}

/* Additions: datapathd, then, once it has answered or time is up, the kernel. */
static void tell_then_enforce(struct commit *c)
{
	if (c->ports.tell(c->ports.arg, c->newest) < 0) {
		enforce(c);
		return;
	}
	c->waiting = true;
	c->ack_due_ms = until(c, COMMIT_ACK_WAIT_MS);
}

/* Takes the book's newest version, if there is a newer one. */
static bool freeze(struct commit *c)
{
	struct frozen *f;

	if (c->newest && c->newest->book.version == c->book->version)
		return true;
	if (frozen_new(c->book, &f) < 0) {
		be_due(c, clock_now_ms(c->clock) + COMMIT_RETRY_MS);
		return false;
	}
	frozen_unref(c->newest);
	c->newest = f;
	return true;
}

static void begin(struct commit *c)
{
	uint64_t from = clock_now_ms(c->clock);

	c->due_ms = 0;
	c->work_ms = 0;
	if (!freeze(c))
		return;
	save(c);
	count_work(c, from);
	if (c->in_kernel == c->newest)
		return;
	if (c->acked >= c->newest->book.version) {
		enforce(c);
	} else if (frozen_only_removes(c->in_kernel, c->newest)) {
		enforce(c);
		c->ports.tell(c->ports.arg, c->newest);
	} else {
		tell_then_enforce(c);
	}
}

/* A service is ready once its policies hold: until then whoever waits for it has no network yet. */
void commit_at_once(struct commit *c)
{
	c->due_ms = 0;
	if (!freeze(c))
		return;
	save(c);
	enforce(c);
}

void commit_step(struct commit *c)
{
	uint64_t now = clock_now_ms(c->clock);

	if (c->waiting && now >= c->ack_due_ms)
		enforce(c);
	if (!c->waiting && now >= next_begin(c))
		begin(c);
	answer_barriers(c);
}

void commit_on_ack(struct commit *c, uint64_t version)
{
	/* A version it was never told is no answer to anything. */
	if (version > c->acked && c->newest && version <= c->newest->book.version)
		c->acked = version;
	if (c->waiting && c->acked >= c->newest->book.version)
		enforce(c);
	commit_step(c);
}

void commit_on_up(struct commit *c)
{
	c->acked = 0;
	if (c->newest)
		c->ports.tell(c->ports.arg, c->newest);
}

void commit_on_down(struct commit *c)
{
	c->acked = 0;
	if (c->waiting)
		enforce(c);
	commit_step(c);
}

uint64_t commit_next_ms(const struct commit *c)
{
	uint64_t next = UINT64_MAX;

	if (c->waiting)
		next = c->ack_due_ms;
	else
		next = next_begin(c);
	list_foreach (b, &c->barriers, struct barrier, in_barriers)
		if (b->due_ms < next)
			next = b->due_ms;
	return next;
}
