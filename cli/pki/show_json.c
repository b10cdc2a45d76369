#include "cli/pki/show.h"

static json_t *words(const struct pki_words *w)
{
	json_t *a = json_array();

	for (size_t i = 0; i < w->n; i++)
		json_array_append_new(a, json_string(w->v[i]));
	return a;
}

static void put(json_t *to, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(to, key, json_string(text));
}

static json_t *revoked(const struct pki_item *x)
{
	json_t *a = json_array();

	for (size_t i = 0; i < x->n_revoked; i++)
		json_array_append_new(a, json_pack("{ss sI ss*}", "serial", x->revoked[i].serial, "when",
		                             (json_int_t)x->revoked[i].when, "reason", x->revoked[i].reason));
	return a;
}

static json_t *item(const struct pki_item *x)
{
	json_t *o = json_pack("{ss}", "kind", show_kind(x->kind));

	put(o, "subject", x->subject);
	put(o, "issuer", x->issuer);
	put(o, "serial", x->serial);
	put(o, "key", x->key);
	put(o, "hash", x->signature);
	put(o, "fingerprint_sha256", x->fingerprint);
	put(o, "link", x->hash);
	if (x->kind == PKI_ITEM_KEY) {
		json_object_set_new(o, "enciphered", json_boolean(x->is_locked));
		return o;
	}
	if (x->from)
		json_object_set_new(o, "from", json_integer(x->from));
	if (x->to)
		json_object_set_new(o, "to", json_integer(x->to));
	if (x->kind == PKI_ITEM_LIST) {
		json_object_set_new(o, "revoked", revoked(x));
	} else if (x->kind != PKI_ITEM_PUBLIC) {
		json_object_set_new(o, "names", words(&x->names));
		json_object_set_new(o, "uses", words(&x->uses));
	}
	if (x->kind == PKI_ITEM_CERT) {
		json_object_set_new(o, "ca", json_boolean(x->is_ca));
		json_object_set_new(o, "self_signed", json_boolean(x->is_self_signed));
	}
	json_object_set_new(o, "fit", json_boolean(!x->unfit.n));
	json_object_set_new(o, "unfit", words(&x->unfit));
	json_object_set_new(o, "warnings", words(&x->warnings));
	return o;
}

json_t *show_json(const char *file, const struct pki_look *l)
{
	json_t *items = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(items, item(&l->item[i]));
	return json_pack("{ss so}", "file", file, "items", items);
}
