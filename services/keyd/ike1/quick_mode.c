/*
 * Quick mode (RFC 2409 section 5.5):
 *
 *      1  HDR*, HASH(1), SA, Ni, [KE,] [IDci, IDcr]   -->
 *      2                                              <--  HDR*, HASH(2), SA, Nr, [KE,] [IDci, IDcr]
 *      3  HDR*, HASH(3)                               -->
 *      4                                              <--  HDR*, HASH(4), N (CONNECTED), with a commit bit
 *
 * What receives is installed before the message that lets the peer send goes out, and what sends after the
 * message that says the peer can receive has come: no packet is sent into an SA that is not there. So we
 * never set the commit bit (RFC 2408 section 3.1); a peer that does is waited for, or told.
 */
#include <errno.h>

#include "keyd/core/ident.h"
#include "keyd/ike1/cipher.h"
#include "keyd/ike1/hashed.h"
#include "keyd/ike1/life.h"
#include "keyd/ike1/nat.h"
#include "keyd/ike1/quick_nat.h"
#include "keyd/ike1/select.h"
#include "keyd/ike1/trace.h"
#include "wire/ike/v1_payload.h"
#include "wire/ike/v1_rules.h"

/* A message of this exchange, opened; its hash has been found right. */
struct quick_msg {
	const uint8_t *d;
	struct ike_hdr hdr;
	struct ike_chain chain;
	uint8_t next_iv[IKE1_BLOCK_MAX];
};

static void transmit(struct quick *q, struct ike_out *o, const struct hashed *h, bool expect)
{
	struct core *c = q->sa->core;
	size_t n = hashed_end(q->sa, o, h, q->msg_id, q->iv);

	if (!n || window_send(&q->window, q->sa->conf->c, c->out, n, expect) < 0)
		quick_fail(q, 0, "the message cannot be made");
}

/* Our half of the key exchange, when there is to be one. */
static int make_ke(struct quick *q, enum alg_group group)
{
	uint8_t public[ALG_GROUP_PUBLIC_MAX], random[IKE_NONCE_MAX];
	size_t n = isakmp_peer(q->sa)->nonce_len;
	int r = group ? crypto_dh_new(group, &q->dh) : 0;

	if (r == 0 && group)
		r = crypto_dh_public(q->dh, public);
	if (r == 0 && group)
		r = octets_set(&q->ke, public, crypto_dh_public_len(group));
	q->sa->core->rng->fill(q->sa->core->rng, random, n);
	return r < 0 ? r : octets_set(q->initiator ? &q->ni : &q->nr, random, n);
}

static void put_nonce_and_ke(const struct quick *q, struct ike_out *o)
{
	const struct octets *nonce = q->initiator ? &q->ni : &q->nr;

	ike_out_whole(o, IKE1_P_NONCE, nonce->p, nonce->n);
	if (q->ke.n)
		ike_out_whole(o, IKE1_P_KE, q->ke.p, q->ke.n);
}

/* IDci is the initiator's. */
static void put_ids(const struct quick *q, struct ike_out *o)
{
	const struct octets *i = q->initiator ? &q->id_local : &q->id_remote,
	                    *r = q->initiator ? &q->id_remote : &q->id_local;

	ike_out_whole(o, IKE1_P_ID, i->p, i->n);
	ike_out_whole(o, IKE1_P_ID, r->p, r->n);
}

static void finish(struct quick *q)
{
	quick_done(q);
}

/* --- the initiator --- */

static void create_1(struct quick *q)
{
	const struct hashed h = {.rest = true};
	struct core *c = q->sa->core;
	struct ike_out o;

	q->msg_id = hashed_new_id(c);
	if (make_ke(q, q->conf->pfs) < 0 || ike1_begin_iv(q->sa, q->msg_id, q->iv) < 0) {
		quick_fail(q, 0, "the key exchange cannot be made");
		return;
	}
	hashed_begin(q->sa, &o, IKE1_QUICK, 0, q->msg_id);
	quick_put_offer(q, &o);
	put_nonce_and_ke(q, &o);
	put_ids(q, &o);
	quick_nat_put(q, &o);
	quick_set_state(q, QUICK_OFFERED);
	/* Our own message was phase 1's last, and a peer that looks at this one first passes it over. In main
	 * mode it has keys by then. */
	q->window.early = ((q->sa->mode == IKE_MODE_AGGRESSIVE && q->sa->initiator) ||
	                      (q->sa->mode == IKE_MODE_BASE && !q->sa->initiator)) &&
	                  q->sa->established_ms + WINDOW_EARLY_MS > core_now(c);
	transmit(q, &o, &h, true);
}

static void numbered(struct quick *q)
{
	create_1(q);
}

static void granted(struct quick *q)
{
	quick_ask_spis(q, numbered);
}

/* Policies and sainfo are known. */
static void planned(struct quick *q, void (*then)(struct quick *q))
{
	trace_policies(q);
	trace_sainfo(q);
	quick_ask_grant(q, then);
}

static void own_known(struct quick *q)
{
	planned(q, granted);
}

/* policyd has both policies. */
static void on_own_policy(struct parked *p, struct core_reply *r)
{
	struct quick *q = container_of(p, struct quick, wait);
	struct isakmp *sa = q->sa;
	struct ike1_ident local, remote;
	const char *why;

	if (r->result < 0 || !r->out) {
		quick_fail(q, 0, "policyd does not know the policy any more: %s", r->why);
		return;
	}
	q->out = *r->out;
	q->has_in = r->in != NULL;
	if (q->has_in)
		q->in = *r->in;
	if (!quick_plan(q, &why)) {
		quick_fail(q, 0, "%s", why);
		return;
	}
	if (!select_own_side(&q->out.sel.src, &q->out.sel, q->out.sel.sport, &q->id_local, &local) ||
	    !select_own_side(&q->out.sel.dst, &q->out.sel, q->out.sel.dport, &q->id_remote, &remote)) {
		quick_fail(q, 0, "the policy's selector cannot be said in ID payloads");
		return;
	}
	q->with_ids = true;
	q->conf = select_own(sa->conf->c, isakmp_peer(sa), &sa->peer_id, &local, &remote,
	    remote_access_addr(sa), remote_access_groups(sa));
	if (!q->conf)
		quick_fail(q, 0, "failed to get sainfo: none fits the policy's selector and this peer");
	else if (!quick_say_ranges(q))
		quick_fail(q, 0,
		    "the ranges of sainfo in line %u cannot be said: they are of more than %d networks, each "
		    "of "
		    "which would need a policy",
		    q->conf->line, IDENT_NETS_MAX);
	else if (quick_has_nets(q))
		quick_ask_nets(q, own_known);
	else
		own_known(q);
}

void quick_begin(struct quick *q)
{
	struct core *c = q->sa->core;
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];
	int r;

	core_log(c, CORE_INFO, "ipsec.initiate", "initiate new phase 2 negotiation: %s[0]<=>%s[0]",
	    inet_addr_format(&q->sa->path.local, a), inet_addr_format(&q->sa->path.remote, b));
	core_trace(c, "ipsec.begin", "begin QUICK mode.");
	quick_set_state(q, QUICK_MATCHING);
	r = timer_set(
	    &c->timers, &q->patience, core_now(c) + q->sa->conf->c->timers.phase2_ms, q->patience.fn);
	if (r == 0)
		r = c->ports.match(c->ports.arg, parking_enter(&c->parking, &q->wait, on_own_policy),
		    &q->out.sel, &q->sa->path, false);
	if (r < 0)
		quick_fail(q, 0, "policyd cannot be asked: %s", err_name(r));
}

/* --- the responder --- */

static void create_2(struct quick *q)
{
	const struct hashed h = {.first = octets_slice(&q->ni), .rest = true};
	struct ike_out o;

	hashed_begin(q->sa, &o, IKE1_QUICK, 0, q->msg_id);
	quick_put_answer(q, &o);
	put_nonce_and_ke(q, &o);
	if (q->with_ids)
		put_ids(q, &o);
	quick_nat_put(q, &o);
	life_put2(q, &o);
	quick_set_state(q, QUICK_ANSWERED);
	transmit(q, &o, &h, true);
}

static void opened_for_request(struct quick *q)
{
	create_2(q);
}

static void numbered_answer(struct quick *q)
{
	quick_install(q, true, opened_for_request);
}

static void granted_answer(struct quick *q)
{
	quick_ask_spis(q, numbered_answer);
}

/* The peer's public value is in `ke` until our own takes its place. */
static int answer_ke(struct quick *q)
{
	struct octets peer = q->ke;
	int r;

	q->ke = (struct octets){0};
	if (!!q->terms.group != !!peer.n) {
		octets_fini(&peer);
		return -EBADMSG;
	}
	r = make_ke(q, q->terms.group);
	if (r == 0 && q->dh)
		r = crypto_dh_shared(q->dh, peer.p, peer.n, &q->gxy);
	octets_fini(&peer);
	return r;
}

void quick_chosen(struct quick *q)
{
	if (answer_ke(q) < 0)
		quick_fail(q, IKE1_N_INVALID_KEY_INFORMATION, "the key exchange is malformed, or missing");
	else
		planned(q, granted_answer);
}

/* The policies are known. */
static void decide(struct quick *q)
{
	struct err_text e = {{0}};
	const char *why;

	if (!quick_plan(q, &why))
		quick_fail(q, IKE1_N_NO_PROPOSAL_CHOSEN, "%s", why);
	else if (quick_choose(q, &e) < 0)
		quick_fail(q, IKE1_N_NO_PROPOSAL_CHOSEN, "%s", e.s);
	else
		quick_chosen(q);
}

static void on_policies(struct parked *p, struct core_reply *r)
{
	struct quick *q = container_of(p, struct quick, wait);

	if (r->result < 0) {
		quick_fail(q, 0, "policyd does not answer: %s", r->why);
		return;
	}
	if (quick_generates(q, r)) {
		quick_generate(q);
		return;
	}
	if (!r->out || !r->in) {
		quick_fail(q, IKE1_N_INVALID_ID_INFORMATION, "no policy found for what the peer asks for: %s",
		    r->in ? "there is no outbound one" : "there is no inbound one");
		return;
	}
	q->out = *r->out;
	q->in = *r->in;
	q->has_in = true;
	decide(q);
}
/* Who asks for what: the ID payloads, or the two hosts themselves. */
static int take_ids(struct quick *q, const struct ike_chain *c)
{
	const struct ike_payload *i = ike_chain_find(c, IKE1_P_ID, 0), *r = ike_chain_find(c, IKE1_P_ID, 1);
	const struct isakmp *sa = q->sa;
	struct octets *bodies[] = {&q->id_remote, &q->id_local};
	const struct inet_prefix hosts[] = {
	    inet_prefix_host(&sa->path.remote), inet_prefix_host(&sa->path.local)};
	struct ike1_ident id[2];
	int e = 0;

	q->with_ids = i != NULL;
	for (size_t k = 0; k < 2 && e == 0; k++) {
		const struct ike_payload *p = k ? r : i;
		struct ike_payload own = {.type = IKE1_P_ID};

		e = p ? octets_set(bodies[k], p->body, p->len)
		      : ident_side_body(&hosts[k], IPPROTO_ANY_, 0, bodies[k]);
		own.body = bodies[k]->p;
		own.len = (uint32_t)bodies[k]->n;
		if (e == 0 && ike1_ident_parse(&own, &id[k]) != IKE_OK)
			e = -EBADMSG;
	}
	if (e == 0)
		e = quick_nat_take(q, c);
	if (e < 0)
		return e;
	quick_nat_ids(q, &id[1], &id[0]);
	q->conf = select_child(sa->conf->c, isakmp_peer(sa), &sa->peer_id, &id[1], &id[0],
	    remote_access_addr(sa), remote_access_groups(sa));
	return quick_take_nets(q, &id[1], &id[0]);
}

static void say_bad_ids(struct quick *q, int r)
{
	if (r == -ENOMEM)
		quick_fail(q, 0, "out of memory");
	else if (r == -E2BIG)
		quick_fail(q, IKE1_N_INVALID_ID_INFORMATION,
		    "the peer names ranges of more than %d networks, for each of which there would have to "
		    "be a "
		    "policy: let it name less at a time",
		    IDENT_NETS_MAX);
	else
		quick_fail(
		    q, IKE1_N_INVALID_ID_INFORMATION, "the peer's identities are no addresses of one kind");
}

static void consume_1(struct quick *q, const struct quick_msg *m)
{
	const struct ike_payload *nonce = ike_chain_find(&m->chain, IKE1_P_NONCE, 0),
	                         *ke = ike_chain_find(&m->chain, IKE1_P_KE, 0),
	                         *offer = ike_chain_find(&m->chain, IKE1_P_SA, 0);
	struct core *c = q->sa->core;
	int r = ike1_nonce_ok(nonce) ? octets_set(&q->ni, nonce->body, nonce->len) : -EBADMSG;

	if (r == 0)
		r = octets_set(&q->request, offer->body, offer->len);
	if (r == 0 && ke)
		r = octets_set(&q->ke, ke->body, ke->len);
	if (r < 0) {
		quick_fail(q, r == -EBADMSG ? IKE1_N_PAYLOAD_MALFORMED : 0, "%s",
		    r == -EBADMSG ? "the nonce is malformed" : err_name(r));
		return;
	}
	r = take_ids(q, &m->chain);
	if (r < 0) {
		say_bad_ids(q, r);
		return;
	}
	if (!q->conf) {
		quick_fail(q, IKE1_N_INVALID_ID_INFORMATION,
		    "failed to get sainfo: none fits what the peer asks for");
		return;
	}
	if (quick_has_nets(q)) {
		quick_ask_nets(q, decide);
		return;
	}
	r = c->ports.match(c->ports.arg, parking_enter(&c->parking, &q->wait, on_policies), &q->out.sel,
	    &q->sa->path, false);
	if (r < 0)
		quick_fail(q, 0, "policyd cannot be asked: %s", err_name(r));
}

/* --- 2, and with it the end for the initiator --- */

static void opened_for_answer(struct quick *q)
{
	const struct hashed h = {.zero = true, .first = octets_slice(&q->ni), .second = octets_slice(&q->nr)};
	struct core *c = q->sa->core;
	struct ike_out o;
	size_t n;

	hashed_begin(q->sa, &o, IKE1_QUICK, 0, q->msg_id);
	n = hashed_end(q->sa, &o, &h, q->msg_id, q->iv);
	if (!n || window_send(&q->window, q->sa->conf->c, c->out, n, q->commit) < 0)
		quick_fail(q, 0, "the message cannot be made");
	else if (q->commit)
		quick_set_state(q, QUICK_CONFIRMING);
	else
		quick_install(q, false, finish);
}

/* Whether an ID payload of the answer is the one that was sent; without any, what was asked for holds. */
static bool same_ids(const struct quick *q, const struct ike_chain *c)
{
	const struct ike_payload *i = ike_chain_find(c, IKE1_P_ID, 0), *r = ike_chain_find(c, IKE1_P_ID, 1);

	if (!i)
		return true;
	return i->len == q->id_local.n && memcmp(i->body, q->id_local.p, i->len) == 0 &&
	       r->len == q->id_remote.n && memcmp(r->body, q->id_remote.p, r->len) == 0;
}

static void consume_2(struct quick *q, const struct quick_msg *m)
{
	const struct ike_payload *nonce = ike_chain_find(&m->chain, IKE1_P_NONCE, 0),
	                         *ke = ike_chain_find(&m->chain, IKE1_P_KE, 0);
	struct err_text e = {{0}};
	int r;

	if (quick_take_answer(q, ike_chain_find(&m->chain, IKE1_P_SA, 0), &e) < 0) {
		quick_fail(q, IKE1_N_NO_PROPOSAL_CHOSEN, "%s", e.s);
		return;
	}
	if (!same_ids(q, &m->chain)) {
		quick_fail(q, IKE1_N_INVALID_ID_INFORMATION,
		    "the answer is for other addresses than were asked for");
		return;
	}
	life_take2(q, &m->chain);
	if (quick_nat_take(q, &m->chain) < 0) {
		quick_fail(q, IKE1_N_PAYLOAD_MALFORMED, "the answer's original addresses are malformed");
		return;
	}
	r = ike1_nonce_ok(nonce) && !!ke == !!q->dh ? octets_set(&q->nr, nonce->body, nonce->len) : -EBADMSG;
	if (r == 0 && ke)
		r = crypto_dh_shared(q->dh, ke->body, ke->len, &q->gxy);
	if (r < 0) {
		quick_fail(q, IKE1_N_INVALID_KEY_INFORMATION, "the key exchange is malformed, or missing");
		return;
	}
	quick_install(q, true, opened_for_answer);
}

/* --- 3 --- */

/* RFC 2408 has the side that set the bit say CONNECTED, RFC 2409 the responder; whoever set it, this is what
 * an initiator can wait for. */
static void confirm(struct quick *q)
{
	const struct ike1_notification connected = {
	    .doi = IKE1_DOI_IPSEC, .protocol = IKE1_PROTO_ISAKMP, .type = IKE1_N_CONNECTED};
	const struct hashed h = {.rest = true};
	struct core *c = q->sa->core;
	struct ike_out o;
	size_t n;

	hashed_begin(q->sa, &o, IKE1_QUICK, 0, q->msg_id);
	ike1_put_notify(&o, &connected);
	n = hashed_end(q->sa, &o, &h, q->msg_id, q->iv);
	if (!n || window_send(&q->window, q->sa->conf->c, c->out, n, false) < 0)
		quick_fail(q, 0, "the message cannot be made");
	else
		finish(q);
}

static void consume_3(struct quick *q)
{
	quick_install(q, false, q->commit ? confirm : finish);
}

/* --- 4 --- */

static bool is_connected(const struct quick_msg *m)
{
	struct ike1_notification n;

	return ike1_notify_parse(ike_chain_find(&m->chain, IKE1_P_NOTIFY, 0), &n) == IKE_OK &&
	       n.type == IKE1_N_CONNECTED;
}

static void consume_4(struct quick *q, const struct quick_msg *m)
{
	if (is_connected(m))
		quick_install(q, false, finish);
	else
		quick_fail(q, 0, "the peer says something else than CONNECTED in message 4");
}

void quick_connected(struct isakmp *sa, uint32_t msg_id)
{
	struct quick *q = quick_find(sa, msg_id);

	if (!q || q->state != QUICK_CONFIRMING)
		return;
	window_answered(&q->window);
	quick_install(q, false, finish);
}

/* --- the way in --- */

static enum ike1_message expected(const struct quick *q)
{
	switch (q->state) {
	case QUICK_ANSWERED:
		return IKE1_M_QUICK_END;
	case QUICK_CONFIRMING:
		return IKE1_M_QUICK_CONNECTED;
	default:
		return IKE1_M_QUICK_SA;
	}
}

static struct hashed expected_hash(const struct quick *q)
{
	if (q->state == QUICK_ANSWERED)
		return (struct hashed){
		    .zero = true, .first = octets_slice(&q->ni), .second = octets_slice(&q->nr)};
	if (q->state == QUICK_OFFERED)
		return (struct hashed){.first = octets_slice(&q->ni), .rest = true};
	return (struct hashed){.rest = true};
}

static void ignore(struct isakmp *sa, const char *why)
{
	char name[ISAKMP_NAME_MAX];

	sa->core->counters.malformed++;
	core_note(sa->core, CORE_WARNING, "ipsec.ignored", "a message of quick mode is passed over: %s. %s",
	    why, isakmp_name(sa, name));
}

/* `q`: a blank one with its state, when the exchange is new. */
static bool open_message(struct isakmp *sa, const struct quick *q, const uint8_t *iv, struct quick_msg *m)
{
	const struct hashed h = expected_hash(q);
	const char *why;
	uint8_t type;

	if (hashed_open(sa, iv, &m->hdr, m->d, &m->chain, m->next_iv, &why) < 0) {
		ignore(sa, why);
		return false;
	}
	if (ike1_rules_check(expected(q), false, &m->chain, &type) != IKE1_V_NONE) {
		ignore(sa, "its payloads are not those of its place");
		return false;
	}
	if (!hashed_ok(sa, &m->chain, &h, m->hdr.msg_id)) {
		ignore(sa, "HASH mismatched");
		return false;
	}
	trace_chain(sa->core, &m->chain);
	trace_hash(sa, q->state == QUICK_MATCHING ? 1 : q->state == QUICK_OFFERED ? 2 : 3);
	isakmp_heard(sa);
	nat_follow(sa);
	return true;
}

/* Whoever has proved who it is may still ask for more than others have left. The hash is right by then:
 * nobody else uses it up. */
static bool admit(struct isakmp *sa)
{
	uint32_t n = 0;

	list_foreach (q, &sa->quicks, struct quick, node)
		n += !q->initiator && q->state != QUICK_DONE;
	if (n < ISAKMP_ASKED_MAX && bucket_take(&sa->asks, 1, core_now(sa->core)))
		return true;
	sa->core->counters.refused_busy++;
	if (isakmp_may_say(sa))
		core_log(sa->core, CORE_WARNING, "ipsec.busy",
		    "the peer begins more quick modes than are answered at once (%u, and %u a second): what "
		    "it "
		    "repeats is heard again",
		    ISAKMP_ASKED_MAX, ISAKMP_ASKS_RATE);
	return false;
}

static void first_message(struct isakmp *sa, struct quick_msg *m)
{
	const struct quick blank = {.state = QUICK_MATCHING};
	uint8_t iv[IKE1_BLOCK_MAX];
	char a[INET_ADDR_STRLEN], b[INET_ADDR_STRLEN];
	struct quick *q;

	if (seen_has(&sa->seen, m->hdr.msg_id)) {
		sa->core->counters.duplicates++;
		return;
	}
	if (ike1_begin_iv(sa, m->hdr.msg_id, iv) < 0 || !open_message(sa, &blank, iv, m) || !admit(sa))
		return;
	trace_iv(sa);
	q = isakmp_take_id(sa, m->hdr.msg_id) ? quick_new(sa, false) : NULL;
	if (!q)
		return;
	q->msg_id = m->hdr.msg_id;
	q->commit = m->hdr.flags & IKE1_F_COMMIT;
	memcpy(q->iv, m->next_iv, sizeof(q->iv));
	window_got(&q->window, m->d, m->hdr.length);
	core_log(sa->core, CORE_INFO, "ipsec.respond", "respond new phase 2 negotiation: %s[0]<=>%s[0]",
	    inet_addr_format(&sa->path.local, a), inet_addr_format(&sa->path.remote, b));
	consume_1(q, m);
}

void quick_message(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	struct quick_msg m = {.hdr = *hdr, .d = d};
	struct quick *q = quick_find(sa, hdr->msg_id);

	if (!q) {
		first_message(sa, &m);
		return;
	}
	if (window_repeated(&q->window, d, hdr->length))
		return;
	if (!quick_listens(q))
		return;
	if (!open_message(sa, q, q->iv, &m))
		return;
	memcpy(q->iv, m.next_iv, sizeof(q->iv));
	window_got(&q->window, d, hdr->length);
	q->commit |= hdr->flags & IKE1_F_COMMIT;
	if (q->state == QUICK_OFFERED)
		consume_2(q, &m);
	else if (q->state == QUICK_ANSWERED)
		consume_3(q);
	else
		consume_4(q, &m);
}
