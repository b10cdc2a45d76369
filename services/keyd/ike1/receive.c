/*
 * From a datagram to the function whose turn it is. What has to be true of a message is asked here in one
 * order: header, exchange and cookies, repetition, encipherment, chain, rules; then its exchange sees it.
 */
#include "keyd/ike1/receive.h"

#include <stdio.h>

#include "keyd/core/upkeep.h"
#include "keyd/ike1/cipher.h"
#include "keyd/ike1/fragment.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/phase1.h"
#include "keyd/ike1/quick.h"
#include "keyd/ike1/trace.h"
#include "keyd/ike1/transaction.h"

/* What a stranger has done for himself: an answer that is soon written, or a key exchange to compute. */
enum { COST_MAIN = 1, COST_KEY = 20 };

/* The exchanges of phase 1, and their first messages. */
static const struct {
	uint8_t exchange;
	enum ike1_message first;
	void (*answer)(struct isakmp *sa, struct phase1_msg *m);
	void (*message)(struct isakmp *sa, struct phase1_msg *m);
} modes[IKE_MODES] = {
    [IKE_MODE_MAIN] = {IKE1_MAIN, IKE1_M_MAIN_SA, main_answer, main_message},
    [IKE_MODE_AGGRESSIVE] = {IKE1_AGGRESSIVE, IKE1_M_AGGRESSIVE_1, aggressive_answer, aggressive_message},
    [IKE_MODE_BASE] = {IKE1_BASE, IKE1_M_BASE_SA, base_answer, base_message},
};

static enum ike_mode mode_of(uint8_t exchange)
{
	for (enum ike_mode m = IKE_MODE_MAIN; m < IKE_MODES; m++)
		if (modes[m].exchange == exchange)
			return m;
	return IKE_MODE_NONE;
}

/* What each state of a negotiation waits for. */
static enum ike1_message expected(enum isakmp_state s)
{
	switch (s) {
	case ISAKMP_I_SA:
		return IKE1_M_MAIN_SA;
	case ISAKMP_I_KE:
	case ISAKMP_R_SA:
		return IKE1_M_MAIN_KE;
	case ISAKMP_R_KE:
	case ISAKMP_I_AUTH:
		return IKE1_M_MAIN_AUTH;
	case ISAKMP_I_OFFERED:
		return IKE1_M_AGGRESSIVE_2;
	case ISAKMP_R_ANSWERED:
		return IKE1_M_AGGRESSIVE_3;
	case ISAKMP_I_HELLO:
		return IKE1_M_BASE_SA;
	case ISAKMP_I_SHOWN:
	case ISAKMP_R_HELLO:
		return IKE1_M_BASE_AUTH;
	default:
		return IKE1_M_NONE;
	}
}

/* Message 5 and 6 of main mode must be enciphered, 3 of aggressive mode may be, the others cannot be. */
static bool cipher_fits(const struct isakmp *sa, bool enciphered)
{
	switch (sa->state) {
	case ISAKMP_R_KE:
	case ISAKMP_I_AUTH:
		return enciphered;
	case ISAKMP_R_ANSWERED:
		return true;
	default:
		return !enciphered;
	}
}

static bool is_zero(const uint8_t *cookie)
{
	static const uint8_t zero[IKE_COOKIE_LEN];

	return memcmp(cookie, zero, IKE_COOKIE_LEN) == 0;
}

static const char *say_violation(enum ike1_violation v, uint8_t type, char *buf, size_t room)
{
	static const char *const texts[] = {[IKE1_V_MISSING] = "is missing",
	    [IKE1_V_TOO_MANY] = "is there too often",
	    [IKE1_V_UNEXPECTED] = "does not belong there",
	    [IKE1_V_NOT_FIRST] = "does not stand in its place"};
	const char *name = ike1_payload_name(type);

	if (name)
		snprintf(buf, room, "payload '%s' %s", name, texts[v]);
	else
		snprintf(buf, room, "payload %u %s", type, texts[v]);
	return buf;
}

/* Aggressive mode's message 2 itself says which method was chosen: its proof is held against that later. */
static bool with_signature(const struct isakmp *sa, const struct ike_chain *c)
{
	return sa->terms.auth ? auth_with_signature(sa) : ike_chain_find(c, IKE1_P_SIG, 0) != NULL;
}

/* Opens and takes apart a message of phase 1. False: it is passed over. */
static bool open_message(struct isakmp *sa, const uint8_t *d, enum ike1_message kind, struct phase1_msg *m)
{
	bool enciphered = m->hdr.flags & IKE1_F_ENCRYPTED;
	const uint8_t *body = d + IKE_HDR_LEN;
	size_t n = m->n - IKE_HDR_LEN;
	enum ike1_violation v;
	enum ike_fault f;
	char text[100];
	uint8_t type;

	memcpy(m->next_iv, sa->iv, sizeof(m->next_iv));
	if (!cipher_fits(sa, enciphered)) {
		phase1_ignore(sa, enciphered ? "it is enciphered too early" : "it should be enciphered");
		return false;
	}
	if (enciphered) {
		if (ike1_open(sa, sa->iv, d, m->n, sa->core->in, m->next_iv) < 0) {
			phase1_ignore(sa, "it cannot be deciphered");
			return false;
		}
		body = sa->core->in;
	}
	f = ike_chain_parse(m->hdr.next, body, n, enciphered, &m->chain);
	if (f != IKE_OK) {
		phase1_ignore(sa, "it %s%s", ike_fault_text(f),
		    enciphered ? ": are the two pre-shared keys the same?" : "");
		return false;
	}
	trace_chain(sa->core, &m->chain);
	v = ike1_rules_check(kind, with_signature(sa, &m->chain), &m->chain, &type);
	if (v != IKE1_V_NONE) {
		phase1_ignore(sa, "%s", say_violation(v, type, text, sizeof(text)));
		return false;
	}
	return true;
}

/* The initiator's second message of main and base mode makes us compute, for somebody who has shown an
 * address and nothing else. What is refused has left no trace in the window: it may come again. */
static bool affords_key(struct isakmp *sa)
{
	struct core *c = sa->core;

	if ((sa->state != ISAKMP_R_SA && sa->state != ISAKMP_R_HELLO) ||
	    bucket_take(&c->keys, 1, core_now(c)))
		return true;
	c->counters.refused_busy++;
	return false;
}

static void phase1_message(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	struct phase1_msg m = {.hdr = *hdr, .datagram = d, .n = hdr->length};

	if (window_repeated(&sa->window, d, hdr->length))
		return;
	if (parked_is(&sa->wait) || isakmp_has_keys(sa))
		return; /* late, or too early: it will be sent again if it matters */
	if (!affords_key(sa) || !open_message(sa, d, expected(sa->state), &m))
		return;
	modes[sa->mode].message(sa, &m);
}

/* The first of the address's blocks that has this mode, until phase1_choose() knows which of them it is. */
static const struct ike_peer *with_mode(
    const struct ike_conf *c, const struct ike_peer *p, enum ike_mode mode)
{
	while (p && !ike_peer_accepts(p, mode))
		p = ike_conf_next_peer(c, p);
	return p;
}

/* Whether a stranger's first message is looked at; what is refused gets no answer that costs anything. One
 * that was refused and comes again has a budget of its own, which a flood of invented cookies does not
 * touch. */
static bool admit(struct core *c, const struct ike_path *path, const uint8_t *cookie, enum ike_mode mode)
{
	uint32_t cost = mode == IKE_MODE_MAIN ? COST_MAIN : COST_KEY;
	uint64_t now = core_now(c);
	bool often = mode != IKE_MODE_MAIN && !meter_ok(&c->guesses, &path->remote, now);

	if (!often && bucket_take(&c->strangers, cost, now))
		return true;
	if (repeat_is(&c->repeat, c->rng, cookie, &path->remote) && bucket_take(&c->again, cost, now))
		return true;
	c->counters.refused_busy++;
	core_note(c, CORE_WARNING, "isakmp.busy",
	    "more first messages than are answered: those of peers that go on asking come through");
	return false;
}

/* With nobody: `p` NULL, or a peer that is not called so. Text is made only where it is written: of a flood
 * each message comes here. */
static void stranger(
    struct core *c, const struct ike_path *path, const struct ike_peer *p, enum ike_mode mode)
{
	char b[INET_ADDR_STRLEN];

	c->counters.unknown++;
	if (!core_may_note(c))
		return;
	inet_addr_format(&path->remote, b);
	if (p && p->version == 2)
		core_log(c, CORE_ERROR, "isakmp.stranger",
		    "%s begins with version 1, and connection %s has version 2: say the same on both sides",
		    b, p->name);
	else if (p)
		core_log(c, CORE_ERROR, "isakmp.stranger",
		    "not acceptable %s, from %s: exchange_mode of remote %s does not name it",
		    phase1_mode_words(mode), b, p->name);
	else
		core_log(c, CORE_ERROR, "isakmp.stranger", "no configuration found for %s.", b);
}

static void say_begun(struct core *c, const struct ike_path *path, enum ike_mode mode)
{
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];

	if (core_may_note(c))
		core_log(c, CORE_INFO, "isakmp.respond", "respond new phase 1 negotiation: %s[%u]<=>%s[%u]",
		    inet_addr_format(&path->local, a), path->local_port, inet_addr_format(&path->remote, b),
		    path->remote_port);
	core_note(c, CORE_INFO, "isakmp.begin", "begin %s.", phase1_mode_words(mode));
}

static void first_message(
    struct core *c, const struct ike_path *path, const struct ike_hdr *hdr, const uint8_t *d)
{
	enum ike_mode mode = mode_of(hdr->exchange);
	struct phase1_msg m = {.hdr = *hdr, .datagram = d, .n = hdr->length};
	const struct ike_peer *p = ike_conf_find_peer(c->conf->c, &path->remote), *with;
	struct isakmp *sa = isakmp_find_begun(c, hdr->icookie, &path->remote);

	if (sa) {
		(void)window_repeated(&sa->window, d, hdr->length);
		return;
	}
	if (p)
		trace_remote(c, p, path);
	with = with_mode(c->conf->c, p, mode);
	if (!with) {
		stranger(c, path, p, mode);
		return;
	}
	if (upkeep_is_held(c, &path->remote) || !admit(c, path, hdr->icookie, mode))
		return;
	sa = isakmp_new(c, (uint32_t)(with - c->conf->c->peer), path, mode, hdr->icookie);
	if (!sa) {
		c->counters.refused_busy++;
		return;
	}
	say_begun(c, path, mode);
	if (open_message(sa, d, modes[mode].first, &m))
		modes[mode].answer(sa, &m);
	else
		isakmp_end(sa);
}

/* Enciphered, while the message is being judged behind which it may well come: in base mode that one has the
 * responder's public value too, so that keys are still due. */
static bool is_early(const struct isakmp *sa, const struct ike_hdr *hdr)
{
	if (!(hdr->flags & IKE1_F_ENCRYPTED) || !hdr->msg_id)
		return false;
	return sa->state == ISAKMP_I_CHECK || sa->state == ISAKMP_R_CHECK ||
	       (sa->mode == IKE_MODE_BASE && sa->state == ISAKMP_I_SKEYID);
}

/* The peer has the keys and judges our proof. */
static bool may_be_refused(const struct isakmp *sa, const struct ike_hdr *hdr)
{
	return hdr->flags & IKE1_F_ENCRYPTED && hdr->msg_id &&
	       (sa->state == ISAKMP_I_AUTH || sa->state == ISAKMP_R_ANSWERED);
}

static void known(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	switch (hdr->exchange) {
	case IKE1_MAIN:
	case IKE1_AGGRESSIVE:
	case IKE1_BASE:
		if (mode_of(hdr->exchange) == sa->mode && hdr->msg_id == 0)
			phase1_message(sa, hdr, d);
		break;
	case IKE1_INFORMATIONAL:
		if (isakmp_has_keys(sa))
			inform_message(sa, hdr, d);
		else if (is_early(sa, hdr))
			remote_access_early(sa, hdr, d);
		else if (may_be_refused(sa, hdr))
			inform_refusal(sa, hdr, d);
		else
			inform_clear(sa, hdr, d);
		break;
	case IKE1_QUICK:
		if (isakmp_is_up(sa) && hdr->msg_id)
			quick_message(sa, hdr, d);
		break;
	case IKE1_TRANSACTION:
		if (isakmp_has_keys(sa) && hdr->msg_id)
			transaction_message(sa, hdr, d);
		else if (is_early(sa, hdr))
			remote_access_early(sa, hdr, d);
		break;
	default:
		sa->core->counters.malformed++;
		break;
	}
}

static void joined(
    struct core *c, const struct ike_path *path, const struct ike_hdr *of, const uint8_t *d, size_t n)
{
	struct ike_hdr hdr;

	/* Of the same SA, and not itself a fragment. */
	if (ike_hdr_parse(d, n, &hdr) != IKE_OK || hdr.major != 1 || hdr.next == IKE1_P_FRAGMENT ||
	    memcmp(hdr.icookie, of->icookie, IKE_COOKIE_LEN) != 0 ||
	    memcmp(hdr.rcookie, of->rcookie, IKE_COOKIE_LEN) != 0)
		c->counters.malformed++;
	else
		ike1_datagram(c, path, &hdr, d);
}

/* Before anything else of it is looked at: its SA must be there, so a stranger's first message cannot be one.
 */
static void fragment(struct core *c, const struct ike_path *path, const struct ike_hdr *hdr, const uint8_t *d)
{
	struct isakmp *sa = is_zero(hdr->rcookie) ? NULL : isakmp_find(c, hdr->icookie, hdr->rcookie);
	uint8_t *message;
	size_t n = 0;

	if (!sa || !inet_addr_equal(&sa->path.remote, &path->remote)) {
		c->counters.unknown++;
		return;
	}
	fragment_take(sa, hdr, d, &message, &n);
	if (message)
		joined(c, path, hdr, message, n);
	free(message);
}

void ike1_datagram(struct core *c, const struct ike_path *path, const struct ike_hdr *hdr, const uint8_t *d)
{
	bool first = is_zero(hdr->rcookie) && hdr->msg_id == 0 && !(hdr->flags & IKE1_F_ENCRYPTED);
	struct isakmp *sa;

	if (is_zero(hdr->icookie)) {
		c->counters.malformed++;
		return;
	}
	if (hdr->next == IKE1_P_FRAGMENT) {
		fragment(c, path, hdr, d);
		return;
	}
	if (first && mode_of(hdr->exchange) != IKE_MODE_NONE) {
		first_message(c, path, hdr, d);
		return;
	}
	sa = isakmp_find(c, hdr->icookie, hdr->rcookie);
	if (!sa || !inet_addr_equal(&sa->path.remote, &path->remote)) {
		c->counters.unknown++;
		return;
	}
	/* Where it came from counts once it proves to be the peer's: anybody can forge a port. */
	if (!parked_is(&sa->wait))
		sa->heard_from = *path;
	known(sa, hdr, d);
}
