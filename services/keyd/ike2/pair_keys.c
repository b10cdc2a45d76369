/*
 * KEYMAT and what becomes of it (RFC 7296 section 2.17): what the exchange's initiator sends with comes
 * first, and of each direction the cipher's key before integrity's.
 */
#include "keyd/ike2/pair_more.h"

enum {
	REPLAY_OCTETS = 32, /* a window of 256 packets */
	SOFT_PERCENT = 80,  /* of the volume, for who began; */
	LATE_PERCENT = 90,  /* for the other side, which leaves the first to it */
};

static struct ike2_octets slice(const struct octets *o)
{
	return (struct ike2_octets){o->p, o->n};
}

int pair_make_keys(struct ike2_pair *p)
{
	const struct ikesa *sa = p->sa;
	struct ike2_nonces nonces = {slice(&p->ni), slice(&p->nr)};
	size_t n = (size_t)p->terms.enc_len + p->terms.auth_len;

	if (p->key_in)
		return 0;
	if (p->in_auth)
		nonces = (struct ike2_nonces){slice(&sa->nonce_i), slice(&sa->nonce_r)};
	return p->initiator ? ike2_child_keymat(&sa->keys, &nonces, p->gir, n, &p->key_out, &p->key_in)
	                    : ike2_child_keymat(&sa->keys, &nonces, p->gir, n, &p->key_in, &p->key_out);
}

static struct sa_lifetime lifetime_of(const struct ike2_pair *p)
{
	struct sa_lifetime l = {.hard_s = pair_seconds(p), .hard_bytes = p->conf->bytes};

	l.soft_bytes = l.hard_bytes / 100 * (p->initiator ? SOFT_PERCENT : LATE_PERCENT);
	return l;
}

static uint16_t keepalive_of(const struct ikesa *sa)
{
	uint32_t s = sa->conf->c->timers.natt_keepalive_s;

	if (s == IKE_KEEPALIVE_UNSAID)
		return 0;
	return s && s < SA_KEEPALIVE_NONE ? (uint16_t)s : SA_KEEPALIVE_NONE;
}

static struct sa_encap encap_of(const struct ikesa *sa, bool inbound)
{
	if (inbound)
		return (struct sa_encap){.sport = sa->path.remote_port, .dport = IKE_PORT_NATT};
	return (struct sa_encap){.sport = IKE_PORT_NATT,
	    .dport = sa->path.remote_port,
	    .frag = (uint16_t)ike2_peer(sa)->esp_frag,
	    .keepalive_s = keepalive_of(sa)};
}

struct sa_desc pair_sa(const struct ike2_pair *p, uint8_t i, bool inbound, uint32_t more[SA_MORE_MAX])
{
	const struct pair_part *part = &p->part[i];
	const struct secret *key = inbound ? p->key_in : p->key_out;
	const struct ike_path *path = &p->sa->path;
	const struct offer_child *t = &p->terms;
	struct sa_desc d = {.src = inbound ? path->remote : path->local,
	    .dst = inbound ? path->local : path->remote,
	    .proto = part->proto,
	    .spi = inbound ? part->spi_in : part->spi_out,
	    .mode = part->mode,
	    .reqid = inbound ? part->reqid_in : part->reqid_out,
	    .more_reqids = more,
	    .n_more = (uint16_t)pair_more_reqids(p, i, inbound, more),
	    .life = lifetime_of(p)};

	if (part->proto == IPSEC_IPCOMP) {
		d.comp = ALG_COMP_DEFLATE;
		d.flags = SA_F_RAWCPI;
		return d;
	}
	d.enc = t->enc;
	d.auth = t->auth;
	d.flags = t->esn ? SA_F_ESN : 0;
	d.replay_bytes = REPLAY_OCTETS;
	if (part->proto == IPSEC_ESP && (p->sa->nat_here || p->sa->nat_there))
		d.encap = encap_of(p->sa, inbound);
	if (!key)
		return d;
	d.enc_key = secret_bytes(key);
	d.enc_key_len = t->enc_len;
	d.auth_key = secret_bytes(key) + t->enc_len;
	d.auth_key_len = t->auth_len;
	return d;
}
