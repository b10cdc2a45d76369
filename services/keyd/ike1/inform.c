/*
 * What comes under a hash is believed; what comes in clear is at most a line in the log.
 */
#include "keyd/ike1/inform.h"

#include "keyd/core/news.h"
#include "keyd/core/child.h"
#include "keyd/ike1/cipher.h"
#include "keyd/ike1/hashed.h"
#include "keyd/ike1/life.h"
#include "keyd/ike1/numbers.h"
#include "keyd/ike1/nat.h"
#include "wire/ike/v1_payload.h"
#include "wire/ike/v1_rules.h"

enum { SPI_LEN = 4, CPI_LEN = 2 };

static void transmit(struct core *c, const struct ike_path *path, size_t n)
{
	if (n)
		c->ports.send(c->ports.arg, path, c->out, n);
}

/* Hashes, enciphers and sends what was begun with hashed_begin(). */
static void send_hashed(struct isakmp *sa, struct ike_out *o, uint32_t id, const uint8_t *iv)
{
	const struct hashed h = {.rest = true};
	uint8_t chain[IKE1_BLOCK_MAX];

	memcpy(chain, iv, sizeof(chain));
	transmit(sa->core, &sa->path, hashed_end(sa, o, &h, id, chain));
}

/* False: there are no keys. */
static bool begin(struct isakmp *sa, struct ike_out *o, uint32_t *ret_id, uint8_t iv[IKE1_BLOCK_MAX])
{
	*ret_id = hashed_new_id(sa->core);
	if (!sa->keys.a || ike1_begin_iv(sa, *ret_id, iv) < 0)
		return false;
	hashed_begin(sa, o, IKE1_INFORMATIONAL, 0, *ret_id);
	return true;
}

void inform_notify(struct isakmp *sa, uint16_t type, const void *data, size_t n)
{
	uint8_t cookies[ISAKMP_COOKIES_LEN], iv[IKE1_BLOCK_MAX];
	const struct ike1_notification notify = {.doi = IKE1_DOI_IPSEC,
	    .protocol = IKE1_PROTO_ISAKMP,
	    .spi_len = ISAKMP_COOKIES_LEN,
	    .spi = cookies,
	    .type = type,
	    .data = data,
	    .len = (uint32_t)n};
	struct ike_out o;
	uint32_t id;

	isakmp_put_cookies(sa, cookies);
	if (!begin(sa, &o, &id, iv))
		return;
	ike1_put_notify(&o, &notify);
	send_hashed(sa, &o, id, iv);
}

static void refuse_clear(
    struct core *c, const struct ike_path *path, const struct ike_hdr *to, uint16_t notify)
{
	struct ike_hdr h = *to;
	const struct ike1_notification n = {
	    .doi = IKE1_DOI_IPSEC, .protocol = IKE1_PROTO_ISAKMP, .type = notify};
	struct ike_out o;

	h.exchange = IKE1_INFORMATIONAL;
	h.flags = 0;
	h.msg_id = hashed_new_id(c);
	ike_out_init(&o, c->out, sizeof(c->out), &h);
	ike1_put_notify(&o, &n);
	transmit(c, path, ike_out_end(&o));
}

void inform_refuse(struct isakmp *sa, uint16_t notify)
{
	const struct ike_hdr h = isakmp_header(sa, IKE1_INFORMATIONAL, 0, 0);

	if (isakmp_has_keys(sa))
		inform_notify(sa, notify, NULL, 0);
	else
		refuse_clear(sa->core, &sa->path, &h, notify);
}

void inform_delete_isakmp(struct isakmp *sa)
{
	uint8_t cookies[ISAKMP_COOKIES_LEN], iv[IKE1_BLOCK_MAX];
	const struct ike1_deletion d = {.doi = IKE1_DOI_IPSEC,
	    .protocol = IKE1_PROTO_ISAKMP,
	    .spi_len = ISAKMP_COOKIES_LEN,
	    .n_spis = 1,
	    .spis = cookies};
	struct ike_out o;
	uint32_t id;

	isakmp_put_cookies(sa, cookies);
	if (!begin(sa, &o, &id, iv))
		return;
	ike1_put_delete(&o, &d);
	send_hashed(sa, &o, id, iv);
}

static void put_delete(struct ike_out *o, enum ipsec_proto proto, uint32_t number)
{
	const uint8_t spi[SPI_LEN] = {
	    (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
	uint8_t len = proto == IPSEC_IPCOMP ? CPI_LEN : SPI_LEN;
	const struct ike1_deletion d = {.doi = IKE1_DOI_IPSEC,
	    .protocol = ike1_wire_proto(proto),
	    .spi_len = len,
	    .n_spis = 1,
	    .spis = spi + SPI_LEN - len};

	ike1_put_delete(o, &d);
}

void inform_delete_spi(struct isakmp *sa, enum ipsec_proto proto, uint32_t spi)
{
	uint8_t iv[IKE1_BLOCK_MAX];
	struct ike_out o;
	uint32_t id;

	if (!begin(sa, &o, &id, iv))
		return;
	put_delete(&o, proto, spi);
	send_hashed(sa, &o, id, iv);
}

void inform_delete_child(struct child *k)
{
	struct isakmp *sa = isakmp_find_of(k);
	uint8_t iv[IKE1_BLOCK_MAX];
	struct ike_out o;
	uint32_t id;

	if (!sa || !begin(sa, &o, &id, iv))
		return;
	for (uint8_t i = 0; i < k->n_parts; i++)
		put_delete(&o, k->part[i].proto, k->part[i].spi_in);
	send_hashed(sa, &o, id, iv);
}

void inform_initial_contact(struct isakmp *sa)
{
	struct core *c = sa->core;

	/* Whoever is there may take it for all that we have with this place. */
	if (!sa->initiator || !isakmp_peer(sa)->initial_contact || child_any(c, &sa->path))
		return;
	list_foreach (other, &c->isakmp, struct isakmp, all)
		if (other != sa && isakmp_is_up(other) && ike_path_same_place(&other->path, &sa->path))
			return;
	inform_notify(sa, IKE1_N_INITIAL_CONTACT, NULL, 0);
}

/* The message may come late, so what was made since this SA was begun is not meant. */
void inform_began_anew(struct isakmp *sa)
{
	struct core *c = sa->core;

	child_end_all(c, sa->party, sa->begun_ms, CHILD_PEER_ANEW);
	list_foreach_safe (other, next, &c->isakmp, struct isakmp, all) {
		if (other == sa || !isakmp_is_up(other) || other->established_ms >= sa->begun_ms ||
		    !party_same(other->party, sa->party))
			continue;
		inform_delete_isakmp(other);
		other->failure = "purged: the peer began anew";
		isakmp_end(other);
	}
}

/* In words for whoever waits. */
static const char *notify_meaning(uint16_t type)
{
	switch (type) {
	case IKE1_N_NO_PROPOSAL_CHOSEN:
		return "no proposal is acceptable to it";
	case IKE1_N_INVALID_ID_INFORMATION:
		return "our identity, or the addresses, are not acceptable to it";
	case IKE1_N_AUTHENTICATION_FAILED:
		return "it does not believe our proof";
	default:
		return "RFC 2408 section 3.14.1 has its meaning";
	}
}

static bool is_error(uint16_t type)
{
	enum { ERRORS_MAX = 16383 };

	return type && type <= ERRORS_MAX;
}

/* Under the keys, so nobody else says it. */
static void end_refused(struct isakmp *sa, uint16_t type)
{
	char name[ISAKMP_NAME_MAX];

	news_hint(sa->core, &sa->path.remote, "the peer refuses: notification %u %s (%s)", type,
	    ike1_notify_name(type), notify_meaning(type));
	core_log(sa->core, CORE_ERROR, "isakmp.notify",
	    "the peer refuses: notification %u %s (%s): its log says why. %s", type, ike1_notify_name(type),
	    notify_meaning(type), isakmp_name(sa, name));
	sa->failure = "refused by the peer";
	isakmp_end(sa);
}

/* It cannot say so of any but its own, and could as well delete it. */
static void invalid_spi(struct isakmp *sa, const struct ike1_notification *n)
{
	struct rd r = rd_init(n->spi, n->spi_len);
	struct child *k = NULL;

	if (n->spi_len == SPI_LEN)
		k = child_by_peer_spi(sa->core, sa->party, ike1_proto_of(n->protocol), rd_u32(&r));
	if (k)
		child_end(k, false, CHILD_PEER_LACKS);
}

static void take_notify(struct isakmp *sa, uint32_t msg_id, const struct ike_payload *p)
{
	struct ike1_notification n;
	char name[ISAKMP_NAME_MAX];

	if (ike1_notify_parse(p, &n) != IKE_OK)
		return;
	switch (n.type) {
	case IKE1_N_INITIAL_CONTACT:
		if (isakmp_is_up(sa))
			inform_began_anew(sa);
		break;
	case IKE1_N_R_U_THERE:
	case IKE1_N_R_U_THERE_ACK:
		dpd_notify(sa, &n);
		break;
	case IKE1_N_RESPONDER_LIFETIME:
		life_notify(sa, &n);
		break;
	case IKE1_N_INVALID_SPI:
		invalid_spi(sa, &n);
		break;
	case IKE1_N_CONNECTED:
		quick_connected(sa, msg_id);
		break;
	case IKE1_N_AUTHENTICATION_FAILED:
		end_refused(sa, n.type);
		break;
	default:
		news_hint(sa->core, &sa->path.remote, "the peer says: notification %u %s (%s)", n.type,
		    ike1_notify_name(n.type), notify_meaning(n.type));
		if (!isakmp_may_say(sa))
			break;
		core_log(sa->core, CORE_NOTICE, "isakmp.notify", "the peer says: notification %u %s. %s",
		    n.type, ike1_notify_name(n.type), isakmp_name(sa, name));
		break;
	}
}

static void delete_isakmp(struct isakmp *sa, const struct ike1_deletion *d)
{
	for (uint16_t i = 0; d->spi_len == ISAKMP_COOKIES_LEN && i < d->n_spis; i++) {
		const uint8_t *cookies = d->spis + (size_t)i * ISAKMP_COOKIES_LEN;
		struct isakmp *other = isakmp_find(sa->core, cookies, cookies + IKE_COOKIE_LEN);

		/* One peer cannot end another's, nor can whoever has not said yet who its user is. */
		if (!other || !isakmp_has_keys(other) ||
		    (other != sa && !party_same(other->party, sa->party)))
			continue;
		other->failure = "deleted by the peer";
		isakmp_end(other);
	}
}

static void delete_children(struct isakmp *sa, const struct ike1_deletion *d)
{
	enum ipsec_proto proto = ike1_proto_of(d->protocol);

	for (uint16_t i = 0; (d->spi_len == SPI_LEN || d->spi_len == CPI_LEN) && i < d->n_spis; i++) {
		struct rd r = rd_init(d->spis + (size_t)i * d->spi_len, d->spi_len);
		uint32_t spi = d->spi_len == SPI_LEN ? rd_u32(&r) : rd_u16(&r);
		struct child *k = child_by_peer_spi(sa->core, sa->party, proto, spi);

		if (k)
			child_peer_ends(k, quick_installs(k));
	}
}

static void take_delete(struct isakmp *sa, const struct ike_payload *p)
{
	struct ike1_deletion d;

	if (ike1_delete_parse(p, &d) != IKE_OK)
		return;
	if (d.protocol == IKE1_PROTO_ISAKMP)
		delete_isakmp(sa, &d);
	else if (isakmp_is_up(sa))
		delete_children(sa, &d);
}

void inform_note1(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *p;
	struct ike1_notification n;

	if (sa->mode != IKE_MODE_MAIN)
		return;
	sa->began_anew = false;
	for (uint32_t i = 0; (p = ike_chain_find(c, IKE1_P_NOTIFY, i)); i++)
		sa->began_anew |= ike1_notify_parse(p, &n) == IKE_OK && n.type == IKE1_N_INITIAL_CONTACT;
}

/* Whoever has our keys wrote it. */
static bool open_message(
    struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d, struct ike_chain *ret)
{
	const struct hashed h = {.rest = true};
	uint8_t iv[IKE1_BLOCK_MAX], next[IKE1_BLOCK_MAX], type;
	const char *why = "its IV cannot be made";
	char name[ISAKMP_NAME_MAX];

	if (ike1_begin_iv(sa, hdr->msg_id, iv) == 0 && hashed_open(sa, iv, hdr, d, ret, next, &why) == 0 &&
	    hashed_ok(sa, ret, &h, hdr->msg_id) &&
	    ike1_rules_check(IKE1_M_INFORMATIONAL, false, ret, &type) == IKE1_V_NONE)
		return true;
	sa->core->counters.malformed++;
	core_note(sa->core, CORE_WARNING, "isakmp.ignored",
	    "an informational message is passed over: it is not the peer's, or malformed. %s",
	    isakmp_name(sa, name));
	return false;
}

void inform_refusal(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	const struct ike_payload *p;
	struct ike1_notification n;
	struct ike_chain c;

	if (!open_message(sa, hdr, d, &c)) {
		news_hint(sa->core, &sa->path.remote,
		    "somebody who may be the peer answers our proof with what cannot be deciphered: are the "
		    "two pre-shared keys the same?");
		return;
	}
	for (uint32_t i = 0; (p = ike_chain_find(&c, IKE1_P_NOTIFY, i)); i++)
		if (ike1_notify_parse(p, &n) == IKE_OK && is_error(n.type)) {
			end_refused(sa, n.type);
			return;
		}
}

void inform_message(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	struct ike_chain c;

	if (!open_message(sa, hdr, d, &c))
		return;
	if (!isakmp_take_id(sa, hdr->msg_id))
		return;
	isakmp_heard(sa);
	nat_follow(sa);
	for (uint32_t i = 1; i < c.n && isakmp_has_keys(sa); i++) {
		if (c.p[i].type == IKE1_P_NOTIFY)
			take_notify(sa, hdr->msg_id, &c.p[i]);
		else if (c.p[i].type == IKE1_P_DELETE)
			take_delete(sa, &c.p[i]);
	}
}

void inform_clear(struct isakmp *sa, const struct ike_hdr *hdr, const uint8_t *d)
{
	struct ike1_notification n;
	const struct ike_payload *p;
	char name[ISAKMP_NAME_MAX];
	struct ike_chain c;

	if (hdr->flags & IKE1_F_ENCRYPTED || isakmp_has_keys(sa) ||
	    ike_chain_parse(hdr->next, d + IKE_HDR_LEN, hdr->length - IKE_HDR_LEN, false, &c) != IKE_OK)
		return;
	p = ike_chain_find(&c, IKE1_P_NOTIFY, 0);
	if (!p || ike1_notify_parse(p, &n) != IKE_OK)
		return;
	news_hint(sa->core, &sa->path.remote, "somebody who may be the peer refuses: notification %u %s (%s)",
	    n.type, ike1_notify_name(n.type), notify_meaning(n.type));
	core_note(sa->core, CORE_WARNING, "isakmp.notify",
	    "somebody who may be the peer refuses: notification %u %s (%s). %s", n.type,
	    ike1_notify_name(n.type), notify_meaning(n.type), isakmp_name(sa, name));
}
