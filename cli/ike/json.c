#include "cli/ike/json.h"

#include <string.h>

#include "cli/json.h"

static void set_int(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void set_text(json_t *o, const char *key, const char *v)
{
	json_object_set_new(o, key, v ? json_string(v) : json_null());
}

static void set_flag(json_t *o, const char *key, bool v)
{
	json_object_set_new(o, key, json_boolean(v));
}

static void set_addr(json_t *o, const char *key, const struct inet_addr *a)
{
	char buf[INET_ADDR_STRLEN];

	set_text(o, key, inet_addr_format(a, buf));
}

static void set_ends(json_t *o, const struct inet_addr *local, uint16_t local_port,
    const struct inet_addr *remote, uint16_t remote_port)
{
	set_addr(o, "local", local);
	set_int(o, "local_port", local_port);
	set_addr(o, "remote", remote);
	set_int(o, "remote_port", remote_port);
}

static json_t *from_id(const struct ike_id *id)
{
	json_t *o;
	char text[IKE_ID_DATA_MAX + 1];

	if (id->kind == IKE_ID_NONE)
		return json_null();
	o = json_object();
	set_text(o, "type", ike_id_kind_name(id->kind));
	set_text(o, "value", ike_id_format(id, text, sizeof(text)));
	return o;
}

static json_t *from_prefix(const struct inet_prefix *p)
{
	char buf[INET_PREFIX_STRLEN];

	return json_string(inet_prefix_format(p, buf));
}

static json_t *from_sa(const struct ike_sa_view *v)
{
	const struct alg_enc_info *a = alg_enc_by_id(v->enc);
	char spi[IKE_SPI_TEXT];
	json_t *o = json_object();

	set_int(o, "number", v->number);
	set_int(o, "ike_version", v->version);
	set_text(o, "state", ike_view_state_name(v->state));
	set_text(o, "step", v->step);
	set_text(o, "role", v->initiator ? "initiator" : "responder");
	set_text(o, "mode", v->mode ? ike_mode_name(v->mode) : NULL);
	set_text(o, "peer", v->peer);
	set_ends(o, &v->local, v->local_port, &v->remote, v->remote_port);
	set_text(o, "spi_i", ike_spi(v->spi_i, spi));
	set_text(o, "spi_r", ike_spi(v->spi_r, spi));
	json_object_set_new(o, "local_id", from_id(&v->local_id));
	json_object_set_new(o, "remote_id", from_id(&v->remote_id));
	set_text(o, "encryption", a && v->enc ? a->name : NULL);
	set_int(o, "key_bits", v->key_bits);
	set_text(o, "hash", alg_prf_name(v->prf));
	set_text(o, "dh_group", alg_group_name(v->group));
	set_text(o, "authentication", v->auth ? ike_auth_method_name(v->auth) : NULL);
	set_int(o, "age_ms", v->age_ms);
	set_int(o, "left_ms", v->left_ms);
	set_flag(o, "nat_local", v->nat_here);
	set_flag(o, "nat_remote", v->nat_there);
	set_flag(o, "dpd", v->dpd);
	set_text(o, "trouble", v->trouble[0] ? v->trouble : NULL);
	return o;
}

static json_t *from_part(const struct ike_part_view *p)
{
	const struct alg_enc_info *enc = alg_enc_by_id(p->enc);
	const struct alg_auth_info *auth = alg_auth_by_id(p->auth);
	json_t *o = json_object();

	set_text(o, "protocol", ipsec_proto_name(p->proto));
	set_text(o, "mode", ipsec_mode_name(p->mode));
	set_int(o, "spi_in", p->spi_in);
	set_int(o, "spi_out", p->spi_out);
	set_text(o, "encryption", enc && p->enc ? enc->name : NULL);
	set_int(o, "key_bits", p->key_bits);
	set_text(o, "integrity", auth && p->auth ? auth->name : NULL);
	set_text(o, "compression", p->comp ? alg_comp_name(p->comp) : NULL);
	return o;
}

static json_t *from_selector(const struct ike_child_view *v)
{
	const struct selector *s = &v->selector;
	json_t *o;

	if (!v->has_selector)
		return json_null();
	o = json_object();
	json_object_set_new(o, "src", from_prefix(&s->src));
	json_object_set_new(o, "dst", from_prefix(&s->dst));
	json_object_set_new(
	    o, "protocol", s->proto == IPPROTO_ANY_ ? json_null() : json_integer((json_int_t)s->proto));
	set_int(o, "src_port", s->sport);
	set_int(o, "dst_port", s->dport);
	return o;
}

static json_t *from_child(const struct ike_rows *r, const struct ike_child_view *v)
{
	const struct ike_sa_view *parent = ike_rows_parent(r, v);
	json_t *o = json_object(), *parts = json_array();

	set_int(o, "number", v->number);
	json_object_set_new(o, "ike_sa", parent ? json_integer((json_int_t)parent->number) : json_null());
	set_int(o, "ike_version", v->version);
	set_text(o, "state", ike_view_state_name(v->state));
	set_text(o, "step", v->step);
	set_text(o, "role", v->initiator ? "initiator" : "responder");
	set_flag(o, "replaced", v->replaced);
	set_ends(o, &v->local, v->local_port, &v->remote, v->remote_port);
	json_object_set_new(o, "selector", from_selector(v));
	set_int(o, "policy", v->policy);
	set_int(o, "age_ms", v->age_ms);
	set_int(o, "left_ms", v->left_ms);
	set_int(o, "lifetime_s", v->seconds);
	set_int(o, "lifetime_kb", v->kilobytes);
	set_text(o, "pfs_group", alg_group_name(v->group));
	for (uint8_t i = 0; i < v->n_parts; i++)
		json_array_append_new(parts, from_part(&v->part[i]));
	json_object_set_new(o, "sas", parts);
	return o;
}

static bool is_shown(const struct inet_addr *peer, const struct inet_addr *remote)
{
	return peer->family == INET_NONE || inet_addr_equal(peer, remote);
}

json_t *ike_json(const struct ike_rows *r, const struct inet_addr *peer)
{
	json_t *doc = json_new_document(), *sas = json_array(), *children = json_array();

	for (uint32_t i = 0; i < r->n_sas; i++)
		if (is_shown(peer, &r->sa[i].remote))
			json_array_append_new(sas, from_sa(&r->sa[i]));
	for (uint32_t i = 0; i < r->n_children; i++)
		if (is_shown(peer, &r->child[i].remote))
			json_array_append_new(children, from_child(r, &r->child[i]));
	json_object_set_new(doc, "ike_sas", sas);
	json_object_set_new(doc, "children", children);
	return doc;
}
