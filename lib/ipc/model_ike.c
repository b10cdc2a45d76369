/*
 * Peers and what holds in general; children are in model_ike_child.c. Numbers are judged against tables while
 * they have the width of the wire.
 */
#include "ipc/model_ike.h"

#include <errno.h>
#include <string.h>

#include "ipc/model.h"
#include "ipsec/sa.h"

enum { NAME_MAX_ = 256, COUNTER_MAX = 100, INTERVAL_MAX_MS = 3600000, DAY_S = 86400 };
#define YEARS_S (100ULL * 366 * DAY_S)

void model_ike_id_encode(const struct ike_id *id, Postern__IkeId *ret)
{
	*ret = (Postern__IkeId)POSTERN__IKE_ID__INIT;
	ret->kind = id->kind;
	ret->data = (ProtobufCBinaryData){.data = (uint8_t *)id->data, .len = id->len};
}

int model_ike_id_decode(const Postern__IkeId *m, struct ike_id *ret, struct err_text *e)
{
	struct ike_id id;

	if (!m || m->kind == IKE_ID_NONE || m->kind > IKE_ID_DN_DER || m->data.len > IKE_ID_DATA_MAX)
		return err_set(e, -EBADMSG, "an identity is missing, of no known kind, or too long");
	if (m->kind == IKE_ID_ADDRESS && m->data.len && m->data.len != 4 && m->data.len != 16)
		return err_set(e, -EBADMSG, "an address of %zu octets", m->data.len);
	id = (struct ike_id){.kind = m->kind, .len = (uint16_t)m->data.len};
	if (id.len)
		memcpy(id.data, m->data.data, id.len);
	*ret = id;
	return 0;
}

static void offer_encode(const struct ike_offer *o, Postern__IkeOffer *ret)
{
	*ret = (Postern__IkeOffer)POSTERN__IKE_OFFER__INIT;
	ret->enc = o->enc;
	ret->key_bits = o->key_bits;
	ret->hash = o->hash;
	ret->group = o->group;
	ret->auth = o->auth;
	ret->seconds = o->seconds;
}

static void set_flags(const struct ike_peer *p, Postern__IkePeer *m)
{
	m->verify_identifier = p->verify_identifier;
	m->send_cert = p->send_cert;
	m->send_cr = p->send_cr;
	m->verify_cert = p->verify_cert;
	m->weak_certs = p->weak_certs;
	m->initial_contact = p->initial_contact;
	m->passive = p->passive;
	m->generate = p->generate;
	m->check = p->check;
	m->nat_traversal = p->nat_traversal;
	m->rekey = p->rekey;
	m->ike_frag = p->ike_frag;
	m->dpd = p->dpd.announce;
	m->dpd_delay_s = p->dpd.delay_s;
	m->dpd_retry_s = p->dpd.retry_s;
	m->dpd_maxfail = p->dpd.maxfail;
	m->nonce_len = p->nonce_len;
	m->has_cert = p->cert != NULL;
	m->has_key = p->key != NULL;
	m->has_peer_cert = p->peer_cert != NULL;
	m->has_peer_key = p->peer_key != NULL;
	m->ph1id = p->ph1id;
	m->esp_frag = p->esp_frag;
	m->mode_cfg = p->mode_cfg;
	m->version = p->version;
	m->keep_up = p->keep_up;
	m->block = p->block;
	m->peer_auth = p->peer_auth;
	m->has_script_up = p->script[IKE_HOOK_UP] != NULL;
	m->has_script_down = p->script[IKE_HOOK_DOWN] != NULL;
	m->has_script_dead = p->script[IKE_HOOK_DEAD] != NULL;
	m->xauth_login = p->xauth_login ? p->xauth_login : (char *)"";
}

void model_ike_peer_encode(const struct ike_peer *p, struct model_ike_peer_pb *ret)
{
	Postern__IkePeer *m = &ret->m;

	*m = (Postern__IkePeer)POSTERN__IKE_PEER__INIT;
	m->name = p->name ? p->name : (char *)"";
	if (p->addr.family != INET_NONE) {
		model_addr_encode(&p->addr, &ret->addr);
		m->addr = &ret->addr;
	}
	m->port = p->port;
	for (uint8_t i = 0; i < p->n_modes; i++)
		ret->modes[i] = p->mode[i];
	m->modes = ret->modes;
	m->n_modes = p->n_modes;
	model_ike_id_encode(&p->my_id, &ret->my_id);
	m->my_id = &ret->my_id;
	for (uint8_t i = 0; i < p->n_peer_ids; i++) {
		model_ike_id_encode(&p->peer_id[i], &ret->peer_id[i]);
		ret->peer_id_p[i] = &ret->peer_id[i];
	}
	m->peer_ids = ret->peer_id_p;
	m->n_peer_ids = p->n_peer_ids;
	for (uint8_t i = 0; i < p->n_offers; i++) {
		offer_encode(&p->offer[i], &ret->offer[i]);
		ret->offer_p[i] = &ret->offer[i];
	}
	m->offers = ret->offer_p;
	m->n_offers = p->n_offers;
	set_flags(p, m);
}

/* IANA's numbers have gaps. */
static bool is_known(const uint8_t *list, size_t n, uint32_t id)
{
	return id && id <= UINT8_MAX && memchr(list, (int)id, n);
}

bool model_ike_group_is_known(uint32_t id)
{
	static const uint8_t groups[] = {ALG_GROUP_MODP768, ALG_GROUP_MODP1024, ALG_GROUP_MODP1536,
	    ALG_GROUP_MODP2048, ALG_GROUP_MODP3072, ALG_GROUP_MODP4096, ALG_GROUP_MODP6144,
	    ALG_GROUP_MODP8192, ALG_GROUP_ECP256, ALG_GROUP_ECP384, ALG_GROUP_ECP521, ALG_GROUP_MODP1024_160,
	    ALG_GROUP_MODP2048_224, ALG_GROUP_MODP2048_256, ALG_GROUP_CURVE25519, ALG_GROUP_CURVE448};

	return is_known(groups, sizeof(groups), id);
}

static int offer_decode(const Postern__IkeOffer *m, struct ike_offer *ret, struct err_text *e)
{
	static const uint8_t hashes[] = {ALG_PRF_HMAC_MD5, ALG_PRF_HMAC_SHA1, ALG_PRF_HMAC_SHA256,
	    ALG_PRF_HMAC_SHA384, ALG_PRF_HMAC_SHA512};
	const struct alg_enc_info *a = alg_enc_by_id(m->enc);

	if (!a || !is_known(hashes, sizeof(hashes), m->hash) || !model_ike_group_is_known(m->group) ||
	    m->auth == IKE_AUTH_NONE || m->auth > IKE_AUTH_XAUTH_RSA_SERVER)
		return err_set(e, -EBADMSG, "an offer of no known algorithm");
	if (m->key_bits && (m->key_bits % 8U || !alg_enc_keylen_ok(a, m->key_bits / 8U + a->salt_len)))
		return err_set(e, -EBADMSG, "a key of %u bits for %s", m->key_bits, a->name);
	if (!m->seconds || m->seconds > YEARS_S)
		return err_set(e, -EBADMSG, "a lifetime of %llu s", (unsigned long long)m->seconds);
	*ret = (struct ike_offer){.enc = m->enc,
	    .key_bits = (uint16_t)m->key_bits,
	    .hash = m->hash,
	    .group = m->group,
	    .auth = m->auth,
	    .seconds = m->seconds};
	return 0;
}

static int get_flags(const Postern__IkePeer *m, struct ike_peer *p, struct err_text *e)
{
	if (m->generate > IKE_GENERATE_UNIQUE || m->check == CHECK_NONE || m->check > CHECK_EXACT ||
	    m->nat_traversal > IKE_FORCE || m->rekey > IKE_FORCE || m->ike_frag > IKE_FORCE)
		return err_set(e, -EBADMSG, "a switch of an unknown value");
	if (m->version != 1 && m->version != 2)
		return err_set(e, -EBADMSG, "version %u of IKE", m->version);
	if (m->peer_auth > IKE_AUTH_RSA || (m->peer_auth && m->version != 2))
		return err_set(
		    e, -EBADMSG, "a way of its own for the peer to prove itself, %u", m->peer_auth);
	if (m->nonce_len < IKE_NONCE_MIN || m->nonce_len > IKE_NONCE_MAX || m->dpd_delay_s > DAY_S ||
	    m->dpd_retry_s > DAY_S || m->dpd_maxfail > COUNTER_MAX || m->esp_frag > UINT16_MAX ||
	    (m->esp_frag && m->esp_frag < SA_FRAG_MIN))
		return err_set(e, -EBADMSG, "a number out of its range");
	p->verify_identifier = m->verify_identifier;
	p->send_cert = m->send_cert;
	p->send_cr = m->send_cr;
	p->verify_cert = m->verify_cert;
	p->weak_certs = m->weak_certs;
	p->initial_contact = m->initial_contact;
	p->passive = m->passive;
	p->generate = m->generate;
	p->check = m->check;
	p->nat_traversal = m->nat_traversal;
	p->rekey = m->rekey;
	p->ike_frag = m->ike_frag;
	p->dpd = (struct ike_dpd){m->dpd, m->dpd_delay_s, m->dpd_retry_s, m->dpd_maxfail};
	p->nonce_len = (uint16_t)m->nonce_len;
	p->ph1id = m->ph1id;
	p->esp_frag = m->esp_frag;
	p->mode_cfg = m->mode_cfg;
	p->version = (uint8_t)m->version;
	p->keep_up = m->keep_up;
	p->block = m->block;
	p->peer_auth = m->peer_auth;
	return 0;
}

static int get_lists(const Postern__IkePeer *m, struct ike_peer *p, struct err_text *e)
{
	int r = 0;

	if (m->n_modes >= IKE_MODES || m->n_peer_ids > IKE_PEER_IDS_MAX || m->n_offers > IKE_OFFERS_MAX)
		return err_set(e, -EBADMSG, "too many modes, identities or offers");
	for (size_t i = 0; i < m->n_modes; i++) {
		if (m->modes[i] == IKE_MODE_NONE || m->modes[i] >= IKE_MODES)
			return err_set(e, -EBADMSG, "an unknown exchange mode");
		p->mode[p->n_modes++] = m->modes[i];
	}
	p->peer_id = calloc(m->n_peer_ids + 1, sizeof(*p->peer_id));
	p->offer = calloc(m->n_offers + 1, sizeof(*p->offer));
	if (!p->peer_id || !p->offer)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < m->n_peer_ids; i++, p->n_peer_ids++)
		r = model_ike_id_decode(m->peer_ids[i], &p->peer_id[i], e);
	for (size_t i = 0; r == 0 && i < m->n_offers; i++, p->n_offers++)
		r = offer_decode(m->offers[i], &p->offer[i], e);
	return r;
}

/* Of a file only that there is one. */
static int get_file(bool there, char **ret)
{
	*ret = there ? strdup("") : NULL;
	return there && !*ret ? -ENOMEM : 0;
}

static int get_scripts(const Postern__IkePeer *m, struct ike_peer *p)
{
	const bool there[IKE_HOOKS] = {[IKE_HOOK_UP] = m->has_script_up,
	    [IKE_HOOK_DOWN] = m->has_script_down,
	    [IKE_HOOK_DEAD] = m->has_script_dead};

	for (int i = 0; i < IKE_HOOKS; i++) {
		if (get_file(there[i], &p->script[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int get_names(const Postern__IkePeer *m, struct ike_peer *p, struct err_text *e)
{
	size_t n = strlen(m->name);
	int r;

	if (!n || n > NAME_MAX_)
		return err_set(e, -EBADMSG, "a peer without a name, or with one that is too long");
	p->name = strdup(m->name);
	r = get_file(m->has_cert, &p->cert);
	r = r < 0 ? r : get_file(m->has_key, &p->key);
	r = r < 0 ? r : get_file(m->has_peer_cert, &p->peer_cert);
	r = r < 0 ? r : get_file(m->has_peer_key, &p->peer_key);
	if (strlen(m->xauth_login) > IKE_CONF_TEXT_MAX)
		return err_set(e, -EBADMSG, "a login that is too long");
	if (m->xauth_login[0])
		p->xauth_login = strdup(m->xauth_login);
	if (!p->name || (m->xauth_login[0] && !p->xauth_login) || r < 0 || get_scripts(m, p) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

int model_ike_peer_decode(const Postern__IkePeer *m, struct ike_conf *c, struct err_text *e)
{
	struct ike_peer *p = m ? ike_conf_add_peer(c) : NULL;
	int r;

	if (!p)
		return err_set(e, m ? -ENOMEM : -EBADMSG, "a peer is missing, or there are too many");
	r = get_names(m, p, e);
	if (r == 0)
		r = model_addr_decode(m->addr, true, &p->addr, e);
	if (r == 0 && (!m->port || m->port > UINT16_MAX))
		r = err_set(e, -EBADMSG, "port %u", m->port);
	p->port = (uint16_t)m->port;
	if (r == 0)
		r = model_ike_id_decode(m->my_id, &p->my_id, e);
	if (r == 0)
		r = get_lists(m, p, e);
	return r < 0 ? r : get_flags(m, p, e);
}

void model_ike_begin_encode(const struct ike_conf *c, struct model_ike_begin_pb *ret)
{
	Postern__IkeLoadBegin *m = &ret->m;

	*m = (Postern__IkeLoadBegin)POSTERN__IKE_LOAD_BEGIN__INIT;
	ret->timers = (Postern__IkeTimers)POSTERN__IKE_TIMERS__INIT;
	ret->padding = (Postern__IkePadding)POSTERN__IKE_PADDING__INIT;
	m->n_peers = c->n_peers;
	m->n_children = c->n_children;
	m->timers = &ret->timers;
	m->padding = &ret->padding;
	ret->timers.counter = c->timers.counter;
	ret->timers.interval_ms = c->timers.interval_ms;
	ret->timers.persend = c->timers.persend;
	ret->timers.phase1_ms = c->timers.phase1_ms;
	ret->timers.phase2_ms = c->timers.phase2_ms;
	ret->timers.natt_keepalive_s = c->timers.natt_keepalive_s;
	ret->padding.randomize = c->padding.randomize;
	ret->padding.randomize_length = c->padding.randomize_length;
	ret->padding.strict_check = c->padding.strict_check;
	ret->padding.exclusive_tail = c->padding.exclusive_tail;
	ret->padding.maximum_length = c->padding.maximum_length;
	for (uint8_t i = 0; i < c->n_listen; i++) {
		ret->listen[i] = (Postern__IkeListen)POSTERN__IKE_LISTEN__INIT;
		model_addr_encode(&c->listen[i].addr, &ret->addr[i]);
		ret->listen[i].addr = &ret->addr[i];
		ret->listen[i].port = c->listen[i].port;
		ret->listen[i].natt = c->listen[i].natt;
		ret->listen_p[i] = &ret->listen[i];
	}
	if (c->pool.present) {
		model_ike_pool_encode(&c->pool, &ret->pool);
		m->pool = &ret->pool.m;
	}
	m->listen = ret->listen_p;
	m->n_listen = c->n_listen;
	m->log = c->log;
	m->as_racoon = c->as_racoon;
}

static int get_timers(const Postern__IkeTimers *m, struct ike_timers *ret, struct err_text *e)
{
	if (!m || m->counter > COUNTER_MAX || !m->interval_ms || m->interval_ms > INTERVAL_MAX_MS ||
	    !m->persend || m->persend > COUNTER_MAX || !m->phase1_ms || m->phase1_ms > INTERVAL_MAX_MS ||
	    !m->phase2_ms || m->phase2_ms > INTERVAL_MAX_MS || m->natt_keepalive_s > DAY_S)
		return err_set(e, -EBADMSG, "a timer is missing, or out of its range");
	*ret = (struct ike_timers){
	    m->counter, m->interval_ms, m->persend, m->phase1_ms, m->phase2_ms, m->natt_keepalive_s};
	return 0;
}

static int get_listen(const Postern__IkeLoadBegin *m, struct ike_conf *c, struct err_text *e)
{
	int r = 0;

	if (m->n_listen > IKE_LISTEN_MAX)
		return err_set(e, -EBADMSG, "too many addresses to listen on");
	for (size_t i = 0; r == 0 && i < m->n_listen; i++) {
		struct ike_listen *l = &c->listen[c->n_listen++];

		r = model_addr_decode(m->listen[i]->addr, false, &l->addr, e);
		if (m->listen[i]->port > UINT16_MAX)
			r = err_set(e, -EBADMSG, "port %u", m->listen[i]->port);
		l->port = (uint16_t)m->listen[i]->port;
		l->natt = m->listen[i]->natt;
	}
	return r;
}

int model_ike_begin_decode(const Postern__IkeLoadBegin *m, struct ike_conf *c, struct err_text *e)
{
	int r = get_timers(m->timers, &c->timers, e);

	if (r < 0)
		return r;
	if (!m->padding || m->padding->maximum_length > UINT8_MAX)
		return err_set(e, -EBADMSG, "the padding is missing, or too long");
	if (m->n_peers > IKE_PEERS_MAX || m->n_children > IKE_CHILDREN_MAX)
		return err_set(
		    e, -EBADMSG, "too many peers or children: %u and %u", m->n_peers, m->n_children);
	if (m->log > IKE_LOG_DEBUG2)
		return err_set(e, -EBADMSG, "there is no log level %u", m->log);
	c->log = m->log;
	c->as_racoon = m->as_racoon;
	c->padding = (struct ike_padding){m->padding->randomize, m->padding->randomize_length,
	    m->padding->strict_check, m->padding->exclusive_tail, m->padding->maximum_length};
	r = get_listen(m, c, e);
	return r == 0 && m->pool ? model_ike_pool_decode(m->pool, &c->pool, e) : r;
}
