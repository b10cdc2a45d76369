/*
 * Names here are ours, not setkey's: this form is for programs written today. Times are milliseconds since
 * 1970, sizes bytes.
 */
#include "cli/json.h"

#include <string.h>

#include "base/auto.h"
#include "base/sbuf.h"

static void set_int(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void set_text(json_t *o, const char *key, const char *v)
{
	json_object_set_new(o, key, v ? json_string(v) : json_null());
}

static void set_addr(json_t *o, const char *key, const struct inet_addr *a)
{
	char buf[INET_ADDR_STRLEN];

	set_text(o, key, a->family == INET_NONE ? NULL : inet_addr_format(a, buf));
}

static void set_prefix(json_t *o, const char *key, const struct inet_prefix *p)
{
	char buf[INET_PREFIX_STRLEN];

	set_text(o, key, inet_prefix_format(p, buf));
}

static json_t *algorithm(const char *name, const uint8_t *key, size_t len, bool keys)
{
	json_t *o = json_object();
	struct sbuf hex AUTO_SBUF;

	sbuf_init(&hex);
	set_text(o, "name", name);
	set_int(o, "key_bits", len * 8);
	if (keys && key && len) {
		sbuf_add_hex(&hex, key, len);
		set_text(o, "key", sbuf_str(&hex));
		wipe(hex.s, hex.len);
	}
	return o;
}

static json_t *lifetime(const struct sa_lifetime *l)
{
	json_t *o = json_object();

	set_int(o, "soft_s", l->soft_s);
	set_int(o, "hard_s", l->hard_s);
	set_int(o, "soft_bytes", l->soft_bytes);
	set_int(o, "hard_bytes", l->hard_bytes);
	set_int(o, "soft_packets", l->soft_packets);
	set_int(o, "hard_packets", l->hard_packets);
	return o;
}

static json_t *encapsulation(const struct sa_desc *d)
{
	json_t *o;

	if (!sa_is_encap(d))
		return json_null();
	o = json_object();
	set_int(o, "src_port", d->encap.sport);
	set_int(o, "dst_port", d->encap.dport);
	set_int(o, "fragment_bytes", d->encap.frag);
	set_addr(o, "original_address", &d->encap.nat_oa);
	return o;
}

static json_t *compression(const struct sa_desc *d)
{
	json_t *o;

	if (!d->comp)
		return json_null();
	o = json_object();
	set_text(o, "name", alg_comp_name(d->comp));
	json_object_set_new(o, "raw_cpi", json_boolean(d->flags & SA_F_RAWCPI));
	return o;
}

json_t *json_from_sa(const struct sa_desc *d, const struct sa_status *s, bool keys)
{
	const struct alg_enc_info *enc = alg_enc_by_id(d->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(d->auth);
	json_t *o = json_object();

	set_int(o, "serial", s->serial);
	set_addr(o, "src", &d->src);
	set_addr(o, "dst", &d->dst);
	set_text(o, "proto", ipsec_proto_name(d->proto));
	set_int(o, "spi", d->spi);
	set_text(o, "mode", ipsec_mode_name(d->mode));
	set_int(o, "reqid", d->reqid);
	set_text(o, "state", sa_state_name(s->state));
	json_object_set_new(o, "manual", json_boolean(s->manual));
	json_object_set_new(
	    o, "encryption", enc ? algorithm(enc->name, d->enc_key, d->enc_key_len, keys) : json_null());
	json_object_set_new(o, "authentication",
	    auth ? algorithm(alg_auth_name(auth, d->icv_len), d->auth_key, d->auth_key_len, keys)
	         : json_null());
	json_object_set_new(o, "compression", compression(d));
	json_object_set_new(o, "udp_encapsulation", encapsulation(d));
	set_int(o, "icv_bytes", d->icv_len ? d->icv_len : auth ? auth->icv_len : enc ? enc->icv_len : 0);
	set_int(o, "replay_window_packets", 8ULL * d->replay_bytes);
	set_int(o, "flags", d->flags);
	json_object_set_new(o, "extended_seq", json_boolean(d->flags & SA_F_ESN));
	json_object_set_new(o, "fresh_key", json_boolean(d->fresh_key));
	set_int(o, "seq", s->seq);
	set_int(o, "bytes", s->bytes);
	set_int(o, "packets", s->packets);
	set_int(o, "age_ms", s->age_ms);
	set_int(o, "created_ms", s->created_wall_ms);
	set_int(o, "last_used_ms", s->last_used_wall_ms);
	json_object_set_new(o, "lifetime", lifetime(&d->life));
	set_int(o, "pid", s->pid);
	return o;
}

static json_t *selector(const struct selector *sel)
{
	json_t *o = json_object();

	set_prefix(o, "src", &sel->src);
	set_prefix(o, "dst", &sel->dst);
	if (sel->proto == IPPROTO_ANY_)
		set_text(o, "upper", "any");
	else
		set_int(o, "upper", sel->proto);
	set_int(o, sel->misc ? (sel->proto == 47 ? "gre_key_high" : "icmp_type") : "sport", sel->sport);
	set_int(o, sel->misc ? (sel->proto == 47 ? "gre_key_low" : "icmp_code") : "dport", sel->dport);
	return o;
}

static json_t *request(const struct policy_request *r)
{
	json_t *o = json_object();

	set_text(o, "proto", ipsec_proto_name(r->proto));
	set_text(o, "mode", ipsec_mode_name(r->mode));
	set_addr(o, "src", &r->src);
	set_addr(o, "dst", &r->dst);
	set_int(o, "src_port", r->src_port);
	set_int(o, "dst_port", r->dst_port);
	set_text(o, "level", policy_level_name(r->level));
	set_int(o, "reqid", r->reqid);
	json_object_set_new(o, "reqid_automatic", json_boolean(r->reqid_auto));
	return o;
}

json_t *json_from_policy(const struct policy *p)
{
	json_t *o = json_object(), *requests = json_array();

	set_int(o, "id", p->id);
	set_text(o, "dir", policy_dir_name(p->dir));
	set_text(o, "action", policy_action_name(p->action));
	json_object_set_new(o, "priority", json_integer(p->priority));
	json_object_set_new(o, "selector", selector(&p->sel));
	for (size_t i = 0; i < p->n_requests; i++)
		json_array_append_new(requests, request(&p->req[i]));
	json_object_set_new(o, "requests", requests);
	json_object_set_new(
	    o, "forwarded", json_boolean(p->dir == POLICY_FWD || (p->dir == POLICY_IN && !p->in_only)));
	json_object_set_new(o, "loaded", json_boolean(p->loaded));
	set_int(o, "created_ms", p->created_wall_ms);
	set_int(o, "last_used_ms", p->last_used_wall_ms);
	set_int(o, "lifetime_s", p->lifetime_s);
	set_int(o, "validtime_s", p->validtime_s);
	return o;
}
