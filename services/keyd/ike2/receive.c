/*
 * From a datagram to the function whose turn it is. What has to be true of a message is asked here in one
 * order: header, SPIs, message id, proof, chain, rules; then its exchange sees it.
 */
#include "keyd/ike2/receive.h"

#include "keyd/ike2/auth.h"
#include "keyd/ike2/create.h"
#include "keyd/ike2/exchange.h"
#include "keyd/ike2/inform.h"
#include "keyd/ike2/init.h"
#include "wire/ike/v2_rules.h"

static bool is_zero(const uint8_t *spi)
{
	static const uint8_t zero[IKE_COOKIE_LEN];

	return memcmp(spi, zero, IKE_COOKIE_LEN) == 0;
}

/* NULL: nobody's, or it comes from elsewhere. */
static struct ikesa *find(struct core *c, const struct ike_path *path, const struct ike_hdr *h)
{
	bool we_began = !(h->flags & IKE2_F_INITIATOR);
	struct ikesa *sa = ike2_find(c, we_began ? h->icookie : h->rcookie, we_began);
	const uint8_t *peer;

	if (!sa || !inet_addr_equal(&sa->path.remote, &path->remote))
		return NULL;
	peer = we_began ? sa->spi_r : sa->spi_i;
	if (is_zero(peer))
		return h->exchange == IKE2_SA_INIT && we_began ? sa : NULL;
	return memcmp(peer, we_began ? h->rcookie : h->icookie, IKE_COOKIE_LEN) == 0 ? sa : NULL;
}

void ike2_moved(struct party *who, uint16_t port)
{
	list_foreach (sa, &who->core->ike2.sas, struct ikesa, all)
		if (sa->party == who)
			(void)ike_path_turn(&sa->path, port);
}

/* A message that proved to be the peer's came from here: that is where it is now. */
static void follow(struct ikesa *sa, const struct ike_path *path)
{
	bool translated = sa->nat_here || sa->nat_there;

	/* From port 4500 nobody goes back (section 2.23). */
	if (translated && sa->path.local_port == IKE_PORT_NATT && path->local_port != IKE_PORT_NATT)
		return;
	if (sa->path.local_port == path->local_port && sa->path.remote_port == path->remote_port)
		return;
	if (ike2_is_up(sa) && translated && path->local_port == IKE_PORT_NATT)
		party_moved(sa->party, path->remote_port);
	sa->path.local_port = path->local_port;
	sa->path.remote_port = path->remote_port;
	if (sa->party)
		sa->party->path = sa->path;
}

static void heard(struct ikesa *sa, const struct ike_path *path)
{
	sa->heard_ms = core_now(sa->core);
	follow(sa, path);
}

/* Of a repeated request in fragments the first one asks for the answer (RFC 7383 section 2.6.1). */
static bool is_begun(const struct ike_hdr *h, const uint8_t *d)
{
	struct rd r = rd_init(d + IKE_HDR_LEN, h->length - IKE_HDR_LEN);

	rd_skip(&r, IKE_PAYLOAD_HDR_LEN);
	return h->next != IKE2_P_SKF || rd_u16(&r) == 1;
}

/* Whether a message is the one that is waited for. False: dealt with, or passed over. */
static bool is_expected(struct ikesa *sa, const struct ike_hdr *h, const uint8_t *d)
{
	if (h->flags & IKE2_F_RESPONSE)
		return sa->own.out && h->msg_id == sa->next_own && h->exchange == sa->own.exchange;
	if (sa->next_peer && h->msg_id == sa->next_peer - 1 && h->exchange != IKE2_SA_INIT) {
		if (is_begun(h, d))
			ike2_repeat_answer(sa);
		return false;
	}
	return h->msg_id == sa->next_peer && !sa->answering;
}

/* Only who has an IKE SA can make us say that a message of his is wrong. */
static void complain(struct ikesa *sa, const struct ike_hdr *h, uint16_t notify, uint8_t type)
{
	sa->core->counters.malformed++;
	if (ike2_may_say(sa))
		core_log(sa->core, CORE_WARNING, "ike.malformed",
		    "a message of the peer's is malformed: payload %u, %s", type, ike2_notify_name(notify));
	if (h->flags & IKE2_F_RESPONSE) {
		ike2_sa_end(sa, "the peer's answer is malformed");
		return;
	}
	ike2_send_refusal(sa, h->exchange, notify, &type, notify == IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD);
	if (sa->state == IKE2_S_R_INIT)
		ike2_sa_end(sa, "its request was malformed");
}

static bool keeps_rules(struct ikesa *sa, const struct ike_hdr *h, const struct ike_chain *c)
{
	enum ike2_message kind = ike2_message_of(h->exchange, h->flags & IKE2_F_RESPONSE, c);
	enum ike2_violation v;
	uint8_t type;

	v = ike2_rules_check(kind, c, &type);
	if (v == IKE2_V_NONE)
		return true;
	complain(
	    sa, h, v == IKE2_V_CRITICAL ? IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD : IKE2_N_INVALID_SYNTAX, type);
	return false;
}

static void request(struct ikesa *sa, const struct ike_hdr *h, const struct ike_chain *c)
{
	sa->answering = true;
	if (!keeps_rules(sa, h, c))
		return;
	if (h->exchange == IKE2_AUTH && sa->state == IKE2_S_R_INIT)
		auth_request(sa, c);
	else if (h->exchange == IKE2_CREATE_CHILD_SA && sa->state >= IKE2_S_UP)
		create_request(sa, c);
	else if (h->exchange == IKE2_INFORMATIONAL && sa->state >= IKE2_S_UP)
		inform_request(sa, c);
	else
		sa->answering = false;
}

static void response(struct ikesa *sa, const struct ike_hdr *h, const struct ike_chain *c)
{
	struct ike2_task task;

	if (!keeps_rules(sa, h, c))
		return;
	ike2_answered(sa, &task);
	if (h->exchange == IKE2_AUTH)
		auth_response(sa, c);
	else if (h->exchange == IKE2_CREATE_CHILD_SA)
		create_response(sa, &task, c);
	else
		inform_response(sa, &task, c);
	if (sa->state != IKE2_S_GONE)
		ike2_pump(sa);
}

/* The responder's keys are computed for whoever comes back, and not for more of them than can be. */
static bool affords_keys(struct ikesa *sa)
{
	struct core *c = sa->core;

	if (ike2_has_keys(sa))
		return true;
	if (sa->state != IKE2_S_R_INIT)
		return false;
	if (!bucket_take(&c->again, 1, core_now(c))) {
		c->counters.refused_busy++;
		return false;
	}
	if (init_make_keys(sa) == 0)
		return true;
	ike2_sa_end(sa, "the peer's key exchange is no good");
	return false;
}

static void protected_message(
    struct ikesa *sa, const struct ike_path *path, const struct ike_hdr *h, const uint8_t *d)
{
	struct ike_chain c;

	if (!(h->flags & IKE2_F_RESPONSE) && create_is_undecided(sa))
		return;
	if (!is_expected(sa, h, d) || parked_is(&sa->wait) || !affords_keys(sa))
		return;
	switch (ike2_open_message(sa, h, d, &c)) {
	case IKE2_OPEN_FALSE:
		sa->core->counters.bad_hash++;
		core_note(sa->core, CORE_WARNING, "ike.ignored",
		    "a message is passed over: it is not what the peer sent");
		return;
	case IKE2_OPEN_MORE:
		return;
	case IKE2_OPEN_SYNTAX:
		heard(sa, path);
		complain(sa, h, IKE2_N_INVALID_SYNTAX, 0);
		return;
	default:
		break;
	}
	heard(sa, path);
	if (h->flags & IKE2_F_RESPONSE)
		response(sa, h, &c);
	else
		request(sa, h, &c);
}

void ike2_datagram(struct core *c, const struct ike_path *path, const struct ike_hdr *h, const uint8_t *d)
{
	bool response = h->flags & IKE2_F_RESPONSE;
	struct ikesa *sa;

	if (is_zero(h->icookie)) {
		c->counters.malformed++;
		return;
	}
	if (h->exchange == IKE2_SA_INIT && !response) {
		if (is_zero(h->rcookie))
			init_request(c, path, h, d);
		return;
	}
	sa = find(c, path, h);
	if (!sa) {
		c->counters.unknown++;
		return;
	}
	if (h->exchange == IKE2_SA_INIT)
		init_response(sa, path, h, d);
	else
		protected_message(sa, path, h, d);
}
