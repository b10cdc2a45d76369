/*
 * `child`: what one pair of SAs protects, and how.
 */
#include "config/native/reader.h"

static bool mode(struct nc_cur *c, void *block)
{
	static const struct nc_choice words[] = {{"tunnel", IPSEC_TUNNEL}, {"transport", IPSEC_TRANSPORT}};
	struct native_child *k = block;
	uint32_t v;

	if (!nc_pick(c, "a mode: tunnel or transport", words, ARRAY_SIZE(words), &v) || !nc_end(c))
		return false;
	k->mode = v;
	return true;
}

static bool esp(struct nc_cur *c, void *block)
{
	struct native_child *k = block;

	if (k->offers.n)
		return nc_fault(c, NULL, "does not go with `ah`: a child has one of them");
	k->proto = IPSEC_ESP;
	return nc_esp_proposals(c, &k->offers);
}

static bool ah(struct nc_cur *c, void *block)
{
	struct native_child *k = block;

	if (k->offers.n)
		return nc_fault(c, NULL, "does not go with `esp`: a child has one of them");
	k->proto = IPSEC_AH;
	return nc_ah_proposals(c, &k->offers);
}

static bool compress(struct nc_cur *c, void *block)
{
	return nc_flag(c, &((struct native_child *)block)->compress) && nc_end(c);
}

static bool pfs(struct nc_cur *c, void *block)
{
	struct native_child *k = block;

	k->has_pfs = true;
	return (nc_skip(c, "no") || nc_group(c, &k->pfs)) && nc_end(c);
}

static bool lifetime(struct nc_cur *c, void *block)
{
	return nc_time(c, 120, 7 * NC_DAY, &((struct native_child *)block)->seconds) && nc_end(c);
}

static bool volume(struct nc_cur *c, void *block)
{
	return nc_size(c, &((struct native_child *)block)->bytes) && nc_end(c);
}

static const struct nc_verb verbs[] = {
    {"mode", mode, NC_ONCE, false},
    {"esp", esp, NC_ONCE, false},
    {"ah", ah, NC_ONCE, false},
    {"compress", compress, NC_ONCE, false},
    {"pfs", pfs, NC_ONCE, false},
    {"lifetime", lifetime, NC_ONCE, false},
    {"volume", volume, NC_ONCE, false},
};

/* A word that is followed by neither sign nor end of a selector is a name. */
static bool has_name(const struct nc_cur *c)
{
	const struct nc_word *second = nc_word_at(c->r->tree, c->s, c->at + 1);

	return second && second->kind == NC_WORD;
}

static struct native_child *add(struct nc_cur *c, struct native_conn *conn)
{
	struct native_child *list;

	if (conn->n_children == NATIVE_CHILDREN_MAX) {
		(void)nc_fault(
		    c, NULL, "is there too often: %d in one connection are enough", NATIVE_CHILDREN_MAX);
		return NULL;
	}
	list = reallocarray(conn->child, conn->n_children + 1U, sizeof(*list));
	if (!list) {
		(void)nc_no_memory(c);
		return NULL;
	}
	conn->child = list;
	list += conn->n_children++;
	*list = (struct native_child){
	    .at = nc_place(c, NULL), .proto = IPSEC_ESP, .mode = IPSEC_TUNNEL, .seconds = 3600};
	return list;
}

static bool is_taken(const struct native_conn *conn, const struct native_child *k)
{
	for (uint8_t i = 0; i + 1 < conn->n_children; i++)
		if (k->name[0] && strcmp(conn->child[i].name, k->name) == 0)
			return true;
	return false;
}

static bool finish(struct nc_cur *c, struct native_child *k)
{
	if (!k->offers.n)
		nc_default_child(&k->offers, k->proto);
	if (k->compress && k->mode == IPSEC_TUNNEL && k->proto == IPSEC_AH)
		return nc_fault(
		    c, NULL, "has `compress` with `ah` in a tunnel, which nobody speaks: take esp");
	return true;
}

/* Of two words for addresses the first is no name. */
static bool is_name(struct nc_cur *c, const struct nc_word *w, const struct native_child *k)
{
	struct inet_addr a;

	if (strcmp(k->name, "any") == 0 || strcmp(k->name, "local") == 0 || strcmp(k->name, "remote") == 0 ||
	    inet_addr_parse(k->name, &a) == 0)
		return nc_fault(c, w, "is no name for a child: is a `,` or a `=` missing behind it?");
	return true;
}

static bool header(struct nc_cur *c, const struct native_conn *conn, struct native_child *k)
{
	const struct nc_word *name = nc_peek(c);

	if (has_name(c) && (!nc_name(c, "a name", k->name) || !is_name(c, name, k)))
		return false;
	if (is_taken(conn, k))
		return nc_fault(c, name, "is the name of another child of this connection");
	return nc_sides(c, &k->local, &k->remote);
}

/* The block is looked at even if the line in front of it is faulty. */
bool nc_child(struct nc_cur *c, struct native_conn *conn)
{
	struct native_child *k = add(c, conn);
	unsigned before = c->r->n_errors;

	if (!k)
		return false;
	(void)header(c, conn, k);
	nc_run_body(c, verbs, ARRAY_SIZE(verbs), k);
	return c->r->n_errors == before && finish(c, k);
}
