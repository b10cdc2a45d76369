/*
 * Under a racoon.conf the log goes by racoon's name and level, and begins as racoon's did: its readers look
 * for these lines.
 */
#include "crypto/crypto.h"
#include "keyd/keyd.h"

/* racoon's `notify` showed INFO (racoon-conf.md, D6). */
static enum log_level level_of(const struct keyd *k, enum ike_log l)
{
	static const enum log_level levels[] = {[IKE_LOG_ERROR] = LOG_LEVEL_ERROR,
	    [IKE_LOG_WARNING] = LOG_LEVEL_WARNING,
	    [IKE_LOG_NOTIFY] = LOG_LEVEL_INFO,
	    [IKE_LOG_INFO] = LOG_LEVEL_INFO,
	    [IKE_LOG_DEBUG] = LOG_LEVEL_DEBUG,
	    [IKE_LOG_DEBUG2] = LOG_LEVEL_DEBUG};

	if (l == IKE_LOG_NONE || (size_t)l >= ARRAY_SIZE(levels))
		return log_level_parse(service_settings(k->service)->log_level);
	return levels[l];
}

static void say_algorithms(const struct ike_conf *c)
{
	for (uint32_t i = 0; i < c->n_peers; i++)
		for (uint8_t o = 0; o < c->peer[i].n_offers; o++) {
			const struct ike_offer *f = &c->peer[i].offer[o];
			const struct alg_enc_info *enc = alg_enc_by_id(f->enc);

			log_debug("conf.offer", "remote %s: hmac(%s) hash(%s) encription(%s)",
			    c->peer[i].name, alg_group_name(f->group), alg_prf_name(f->hash),
			    enc ? enc->name : "none");
		}
}

static void say_addresses(const struct keyd *k, const struct ike_conf *c)
{
	char a[INET_ADDR_STRLEN];

	for (uint8_t i = 0; i < c->n_listen; i++)
		log_info("conf.listen", "%s[%u] used as isakmp port", inet_addr_format(&c->listen[i].addr, a),
		    c->listen[i].port);
	if (c->n_listen) {
		log_debug("conf.listen", "%u addrs are configured successfully", c->n_listen);
		return;
	}
	log_debug("conf.listen", "configuring default isakmp port.");
	if (k->udp4 >= 0)
		log_info("conf.listen", "0.0.0.0[%d] used as isakmp port (fd=%d)", IKE_PORT, k->udp4);
	if (k->udp6 >= 0)
		log_info("conf.listen", "::[%d] used as isakmp port (fd=%d)", IKE_PORT, k->udp6);
}

void keyd_log_as(struct keyd *k, const struct ike_conf *c)
{
	char path[108];

	log_set_ident(c->as_racoon ? "racoon" : NULL);
	log_set_level(level_of(k, c->log));
	if (!c->as_racoon)
		return;
	log_info("conf.product", "@(#)racoon (Postern " POSTERN_VERSION ")");
	log_info(
	    "conf.product", "@(#)This product linked %s (https://www.openssl.org/)", crypto_engine_name());
	log_debug("conf.admin", "open %s as racoon management.",
	    settings_socket_path(service_settings(k->service), "keyd.admin", path));
	say_addresses(k, c);
	say_algorithms(c);
}
