/*
 * Each exchange has an IV of its own, as quick mode has. Some peers go on under one message id where others
 * begin anew, so one that is done takes further messages of the peer's until it is forgotten.
 */
#include "keyd/ike1/transaction.h"

#include <stdlib.h>

#include "keyd/ike1/cipher.h"
#include "keyd/ike1/hashed.h"
#include "keyd/ike1/nat.h"
#include "keyd/ike1/remote_access.h"
#include "wire/ike/v1_rules.h"

static void on_lost(struct window *w)
{
	struct transaction *t = container_of(w, struct transaction, window);
	void (*lost)(struct transaction * t) = t->lost;

	if (lost)
		lost(t);
	else
		transaction_free(t);
}

static void on_lingered(struct timer *timer, void *arg)
{
	(void)arg;
	transaction_free(container_of(timer, struct transaction, linger));
}

void transaction_free(struct transaction *t)
{
	window_fini(&t->window);
	timer_stop(&t->sa->core->timers, &t->linger);
	list_remove(&t->node);
	t->sa->ra.n_transactions--;
	free(t);
}

/* The oldest that is done gives way; whoever has so many under way gets no more. */
static bool make_room(struct isakmp *sa)
{
	if (sa->ra.n_transactions < TRANSACTIONS_MAX)
		return true;
	list_foreach_safe (t, next, &sa->ra.transactions, struct transaction, node)
		if (t->done) {
			transaction_free(t);
			return true;
		}
	return false;
}

static struct transaction *add(struct isakmp *sa, uint32_t msg_id, bool ours)
{
	struct transaction *t = make_room(sa) ? calloc(1, sizeof(*t)) : NULL;

	if (!t)
		return NULL;
	t->sa = sa;
	t->msg_id = msg_id;
	t->ours = ours;
	list_init(&t->node);
	list_append(&sa->ra.transactions, &t->node);
	sa->ra.n_transactions++;
	window_init(&t->window, sa->core, &sa->path, on_lost);
	if (ike1_begin_iv(sa, msg_id, t->iv) < 0) {
		transaction_free(t);
		return NULL;
	}
	return t;
}

static void begin(struct transaction *t, enum ike1_cfg_type type, struct ike_out *o)
{
	hashed_begin(t->sa, o, IKE1_TRANSACTION, 0, t->msg_id);
	ike1_put_config(o, type, t->id);
}

static bool send_message(struct transaction *t, struct ike_out *o, bool expect)
{
	const struct hashed h = {.rest = true};
	struct core *c = t->sa->core;
	size_t n = hashed_end(t->sa, o, &h, t->msg_id, t->iv);

	return n && window_send(&t->window, t->sa->conf->c, c->out, n, expect) == 0;
}

struct transaction *transaction_new(struct isakmp *sa, enum ike1_cfg_type type, struct ike_out *o)
{
	struct core *c = sa->core;
	struct transaction *t = add(sa, hashed_new_id(c), true);

	if (!t)
		return NULL;
	c->rng->fill(c->rng, &t->id, sizeof(t->id));
	t->type = (uint8_t)type;
	begin(t, type, o);
	return t;
}

bool transaction_send(struct transaction *t, struct ike_out *o,
    void (*answered)(struct transaction *t, const struct ike1_config *c), void (*lost)(struct transaction *t))
{
	t->answered = answered;
	t->lost = lost;
	if (send_message(t, o, true))
		return true;
	transaction_free(t);
	return false;
}

void transaction_answer(struct transaction *t, struct ike_out *o)
{
	begin(t, t->type == IKE1_CFG_REQUEST ? IKE1_CFG_REPLY : IKE1_CFG_ACK, o);
}

/* The peer may ask again for our answer, as long as it repeats its own message. False: there is no memory for
 * that, and it is freed. */
static bool linger(struct transaction *t)
{
	const struct ike_timers *timers = &t->sa->conf->c->timers;
	struct core *c = t->sa->core;

	t->done = true;
	if (timer_set(&c->timers, &t->linger,
	        core_now(c) + (uint64_t)timers->interval_ms * (timers->counter + 1), on_lingered) == 0)
		return true;
	transaction_free(t);
	return false;
}

void transaction_send_answer(struct transaction *t, struct ike_out *o)
{
	if (send_message(t, o, false))
		(void)linger(t);
	else
		transaction_free(t);
}

static struct transaction *find(struct isakmp *sa, uint32_t msg_id)
{
	list_foreach (t, &sa->ra.transactions, struct transaction, node)
		if (t->msg_id == msg_id)
			return t;
	return NULL;
}

static void ignore(struct isakmp *sa, const char *why)
{
	char name[ISAKMP_NAME_MAX];

	sa->core->counters.malformed++;
	core_note(sa->core, CORE_WARNING, "isakmp.ignored",
	    "a message of the transaction exchange is passed over: %s. %s", why, isakmp_name(sa, name));
}

/* Opened, and found to be the peer's. `iv` becomes the next message's. */
static bool open_message(
    struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d, uint8_t *iv, struct ike1_config *ret)
{
	const struct hashed h = {.rest = true};
	uint8_t next[IKE1_BLOCK_MAX], type;
	struct ike_chain c;
	const char *why;

	if (hashed_open(sa, iv, hdr, d, &c, next, &why) < 0) {
		ignore(sa, why);
		return false;
	}
	if (ike1_rules_check(IKE1_M_TRANSACTION, false, &c, &type) != IKE1_V_NONE ||
	    ike1_config_parse(ike_chain_find(&c, IKE1_P_ATTRIBUTES, 0), ret) != IKE_OK) {
		ignore(sa, "its payloads are not those of its place, or malformed");
		return false;
	}
	if (!hashed_ok(sa, &c, &h, hdr->msg_id)) {
		ignore(sa, "HASH mismatched");
		return false;
	}
	memcpy(iv, next, sizeof(next));
	sa->heard_ms = core_now(sa->core);
	nat_follow(sa);
	return true;
}

/* A request or a setting of the peer's. */
static void take(struct transaction *t, const struct ike1_config *c)
{
	struct ike1_xauth x;

	if (c->type != IKE1_CFG_REQUEST && c->type != IKE1_CFG_SET) {
		ignore(t->sa, "an answer to nothing");
		transaction_free(t);
		return;
	}
	t->type = c->type;
	t->id = c->id;
	t->done = false;
	timer_stop(&t->sa->core->timers, &t->linger);
	if (ike1_xauth_decode(c, &x) == IKE_OK && x.any)
		xauth_message(t, c);
	else
		mode_config_message(t, c);
}

static void first_message(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	uint8_t iv[IKE1_BLOCK_MAX];
	struct ike1_config c;
	struct transaction *t;

	if (seen_has(&sa->seen, hdr->msg_id)) {
		sa->core->counters.duplicates++;
		return;
	}
	if (ike1_begin_iv(sa, hdr->msg_id, iv) < 0 || !open_message(sa, hdr, d, iv, &c))
		return;
	t = isakmp_take_id(sa, hdr->msg_id) ? add(sa, hdr->msg_id, false) : NULL;
	if (!t)
		return;
	memcpy(t->iv, iv, sizeof(t->iv));
	window_got(&t->window, d, hdr->length);
	take(t, &c);
}

static void further_message(struct transaction *t, const struct ike_hdr *hdr, const uint8_t *d)
{
	struct ike1_config c;

	if (window_repeated(&t->window, d, hdr->length) || (!t->ours && !t->done))
		return;
	if (!open_message(t->sa, hdr, d, t->iv, &c))
		return;
	window_got(&t->window, d, hdr->length);
	if (t->done) {
		take(t, &c);
	} else if (c.type == (t->type == IKE1_CFG_REQUEST ? IKE1_CFG_REPLY : IKE1_CFG_ACK)) {
		if (linger(t))
			t->answered(t, &c);
	} else {
		take(t, &c);
	}
}

void transaction_message(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	struct transaction *t = find(sa, hdr->msg_id);

	if (t)
		further_message(t, hdr, d);
	else
		first_message(sa, hdr, d);
	/* There may have been a password in it. */
	wipe(sa->core->in, hdr->length);
}
