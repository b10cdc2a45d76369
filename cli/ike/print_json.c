/*
 * `show --json`: the rows as they are. Times are milliseconds.
 */
#include "cli/ike/ike.h"
#include "cli/ike/words.h"
#include "cli/json.h"

static void put_int(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void put_text(json_t *o, const char *key, const char *v)
{
	json_object_set_new(o, key, v ? json_string(v) : json_null());
}

static void put_addr(json_t *o, const char *key, const struct inet_addr *a)
{
	char buf[INET_ADDR_STRLEN];

	put_text(o, key, inet_addr_format(a, buf));
}

static void put_agreed(json_t *o, const struct ike_row_sa *sa)
{
	char buf[IKE_WORD_LEN];
	const struct alg_enc_info *enc = alg_enc_by_id(sa->enc);
	json_t *a = sa->agreed ? json_object() : json_null();

	if (sa->agreed) {
		put_text(a, "encryption", enc ? enc->name : ike_enc_word(sa->enc, 0, buf));
		put_int(a, "key_bits", sa->key_bits);
		put_text(a, "prf", ike_prf_word(sa->prf, buf));
		put_text(a, "group", ike_group_word(sa->group, buf));
		put_text(a, "authentication", ike_auth_method_name(sa->auth));
	}
	json_object_set_new(o, "agreed", a);
}

static void put_identity(json_t *o, const struct ike_id *id)
{
	json_t *a = id->kind != IKE_ID_NONE ? json_object() : json_null();
	char text[IKE_ID_DATA_MAX + 64];

	if (id->kind != IKE_ID_NONE) {
		put_text(a, "kind", ike_id_kind_name(id->kind));
		put_text(a, "value", ike_id_format(id, text, sizeof(text)));
	}
	json_object_set_new(o, "peer_identity", a);
}

static json_t *from_sa(const struct ike_row_sa *sa)
{
	char spis[IKE_SPIS_LEN];
	json_t *o = json_object();

	put_int(o, "version", sa->version);
	put_text(o, "state", ike_row_state_name(sa->state));
	put_text(o, "detail", sa->detail);
	put_text(o, "role", sa->initiator ? "initiator" : "responder");
	put_text(o, "mode", sa->mode == IKE_MODE_NONE ? NULL : ike_mode_name(sa->mode));
	put_addr(o, "local", &sa->local);
	put_int(o, "local_port", sa->local_port);
	put_addr(o, "remote", &sa->remote);
	put_int(o, "remote_port", sa->remote_port);
	put_text(o, "spis", ike_spis_text(sa->spi_i, sa->spi_r, spis));
	put_text(o, "remote_name", sa->name);
	put_identity(o, &sa->peer_id);
	put_agreed(o, sa);
	put_int(o, "age_ms", sa->age_ms);
	put_int(o, "up_ms", sa->up_ms);
	put_int(o, "left_ms", sa->left_ms);
	put_int(o, "renew_in_ms", sa->renew_ms);
	put_int(o, "idle_ms", sa->idle_ms);
	json_object_set_new(o, "nat_here", json_boolean(sa->nat_here));
	json_object_set_new(o, "nat_at_peer", json_boolean(sa->nat_there));
	put_int(o, "dpd_delay_s", sa->dpd_delay_s);
	put_int(o, "dpd_unanswered", sa->dpd_unanswered);
	return o;
}

static json_t *from_part(const struct ike_row_part *p)
{
	const struct alg_enc_info *enc = p->enc != ALG_ENC_NONE ? alg_enc_by_id(p->enc) : NULL;
	char buf[IKE_WORD_LEN];
	json_t *o = json_object();

	put_text(o, "protocol", ipsec_proto_name(p->proto));
	put_text(o, "mode", ipsec_mode_name(p->mode));
	put_int(o, "spi_in", p->spi_in);
	put_int(o, "spi_out", p->spi_out);
	put_text(o, "encryption", enc ? enc->name : NULL);
	put_int(o, "key_bits", p->key_bits);
	put_text(o, "integrity", p->auth != ALG_AUTH_NONE ? ike_auth_word(p->auth, buf) : NULL);
	put_text(o, "compression", alg_comp_name(p->comp));
	return o;
}

static json_t *from_selector(const struct selector *s)
{
	char buf[INET_PREFIX_STRLEN];
	json_t *o = json_object();

	put_text(o, "src", inet_prefix_format(&s->src, buf));
	put_text(o, "dst", inet_prefix_format(&s->dst, buf));
	json_object_set_new(
	    o, "protocol", s->proto == IPPROTO_ANY_ ? json_null() : json_integer((json_int_t)s->proto));
	put_int(o, "sport", s->sport);
	put_int(o, "dport", s->dport);
	return o;
}

/* Of one policy and of several alike. */
static json_t *all_selectors(const struct ike_rows *r, size_t i)
{
	json_t *all = json_array();
	size_t n;
	const struct ike_rows_also *also = ike_rows_also_of(r, i, &n);

	json_array_append_new(all, from_selector(&r->child[i].sel));
	for (size_t k = 0; k < n; k++)
		json_array_append_new(all, from_selector(&also[k].row.sel));
	return all;
}

static json_t *from_child(const struct ike_rows *r, size_t at)
{
	const struct ike_row_child *k = &r->child[at];
	json_t *o = json_object(), *parts = json_array();
	char spis[IKE_SPIS_LEN];

	put_int(o, "version", k->version);
	put_text(o, "state", ike_row_state_name(k->state));
	put_text(o, "detail", k->detail);
	put_text(o, "role", k->initiator ? "initiator" : "responder");
	put_addr(o, "local", &k->local);
	put_addr(o, "remote", &k->remote);
	put_text(o, "under", k->has_parent ? ike_spis_text(k->spi_i, k->spi_r, spis) : NULL);
	put_int(o, "policy", k->policy);
	json_object_set_new(o, "selector", from_selector(&k->sel));
	json_object_set_new(o, "selectors", all_selectors(r, at));
	for (uint8_t i = 0; i < k->n_parts; i++)
		json_array_append_new(parts, from_part(&k->part[i]));
	json_object_set_new(o, "parts", parts);
	put_int(o, "age_ms", k->age_ms);
	put_int(o, "life_ms", k->life_ms);
	put_int(o, "left_ms", k->left_ms);
	put_int(o, "renew_in_ms", k->renew_ms);
	return o;
}

static json_t *from_kept(const struct ike_row_kept *k)
{
	json_t *o = json_object();

	put_text(o, "state", ike_row_keeping_name(k->state));
	put_text(o, "remote_name", k->name);
	put_addr(o, "remote", &k->remote);
	json_object_set_new(o, "selector", from_selector(&k->sel));
	put_int(o, "tries", k->tries);
	put_int(o, "down_ms", k->down_ms);
	put_int(o, "next_try_in_ms", k->next_ms);
	put_text(o, "why", k->why[0] ? k->why : NULL);
	return o;
}

int ike_write_json(struct cli *cli, const struct ike_rows *r, const struct inet_addr *only)
{
	json_t *doc = json_new_document(), *sas = json_array(), *children = json_array(),
	       *kept = json_array();

	for (size_t i = 0; i < r->n_sas; i++)
		if (!only || inet_addr_equal(only, &r->sa[i].remote))
			json_array_append_new(sas, from_sa(&r->sa[i]));
	for (size_t i = 0; i < r->n_children; i++)
		if (!only || inet_addr_equal(only, &r->child[i].remote))
			json_array_append_new(children, from_child(r, i));
	for (size_t i = 0; i < r->n_kept; i++)
		if (!only || inet_addr_equal(only, &r->kept[i].remote))
			json_array_append_new(kept, from_kept(&r->kept[i]));
	json_object_set_new(doc, "kept_up", kept);
	json_object_set_new(doc, "ike_sas", sas);
	json_object_set_new(doc, "child_sas", children);
	return json_write(cli, doc);
}
