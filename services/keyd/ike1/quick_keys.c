/*
 * KEYMAT and what becomes of it (RFC 2409 section 5.5): one for each SA, made with the SPI that its receiver
 * chose; the cipher's key first, integrity's behind it (RFC 2407 section 4.4.4).
 */
#include <errno.h>

#include "base/wr.h"
#include "keyd/ike1/nat.h"
#include "keyd/ike1/numbers.h"
#include "keyd/ike1/quick.h"
#include "wire/ike/v1.h"

enum {
	REPLAY_OCTETS = 32, /* a window of 256 packets */
	SOFT_PERCENT = 80,  /* racoon's; the other side is a little later and so leaves the first to us */
	SPI_LEN = 4,
};

static struct sa_lifetime lifetime_of(const struct quick *q)
{
	struct sa_lifetime l = {.hard_s = q->terms.seconds, .hard_bytes = q->terms.kilobytes * 1024};

	/* Only who began renews, and watches the time itself. */
	if (q->initiator)
		l.soft_bytes = l.hard_bytes / 100 * SOFT_PERCENT;
	return l;
}

static int keymat_of(
    const struct quick *q, const struct quick_part *p, uint32_t spi, size_t n, struct secret **ret)
{
	uint8_t octets[SPI_LEN];
	struct wr w = wr_init(octets, sizeof(octets));
	const struct ike1_keymat m = {.gxy = q->gxy,
	    .protocol = p->proto == IPSEC_AH ? IKE1_PROTO_AH : IKE1_PROTO_ESP,
	    .spi = {octets, sizeof(octets)},
	    .ni = octets_slice(&q->ni),
	    .nr = octets_slice(&q->nr)};

	wr_u32(&w, spi);
	return ike1_keymat(&q->sa->keys, &m, n, ret);
}

/* timer natt_keepalive of the configuration: 0 there is none, and not said is as the data path is told. */
static uint16_t keepalive_of(const struct quick *q)
{
	uint32_t s = q->sa->conf->c->timers.natt_keepalive_s;

	if (s == IKE_KEEPALIVE_UNSAID)
		return 0;
	return s && s < SA_KEEPALIVE_NONE ? (uint16_t)s : SA_KEEPALIVE_NONE;
}

/* ESP in UDP, as the way was found to be. Who sends is who cuts, and who keeps the translator awake. */
static struct sa_encap encap_of(const struct quick *q, bool inbound)
{
	const struct ike_path *path = &q->sa->path;

	if (inbound)
		return (struct sa_encap){
		    .sport = path->remote_port, .dport = IKE_PORT_NATT, .nat_oa = q->oa_remote};
	return (struct sa_encap){.sport = IKE_PORT_NATT,
	    .dport = path->remote_port,
	    .nat_oa = q->oa_remote,
	    .frag = (uint16_t)isakmp_peer(q->sa)->esp_frag,
	    .keepalive_s = keepalive_of(q)};
}

int quick_sa(const struct quick *q, const struct quick_part *p, bool inbound, struct sa_desc *ret,
    struct secret **ret_keymat)
{
	const struct ike_path *path = &q->sa->path;
	uint32_t spi = inbound ? p->spi_in : p->spi_out;
	size_t n_enc = ike1_enc_key_len(p->enc, p->wire_bits), n_auth = ike1_auth_key_len(p->auth);
	struct sa_desc d = {.src = inbound ? path->remote : path->local,
	    .dst = inbound ? path->local : path->remote,
	    .proto = p->proto,
	    .spi = spi,
	    .mode = p->mode,
	    .reqid = inbound ? p->reqid_in : p->reqid_out,
	    .enc = p->enc,
	    .auth = p->auth,
	    .comp = p->comp,
	    .life = lifetime_of(q)};
	int r;

	if (p->proto == IPSEC_IPCOMP) {
		d.flags = SA_F_RAWCPI;
		*ret = d;
		return 0;
	}
	d.replay_bytes = REPLAY_OCTETS;
	if (p->proto == IPSEC_ESP && nat_found(q->sa))
		d.encap = encap_of(q, inbound);
	r = n_enc + n_auth ? keymat_of(q, p, spi, n_enc + n_auth, ret_keymat) : -EINVAL;
	if (r < 0)
		return r;
	d.enc_key = secret_bytes(*ret_keymat);
	d.enc_key_len = (uint8_t)n_enc;
	d.auth_key = secret_bytes(*ret_keymat) + n_enc;
	d.auth_key_len = (uint8_t)n_auth;
	*ret = d;
	return 0;
}
