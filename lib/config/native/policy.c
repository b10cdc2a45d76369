/*
 * `policy`: packets that go in clear, or nowhere, whatever connections say.
 */
#include "config/native/reader.h"

static bool add(struct nc_cur *c, const struct native_policy *p)
{
	struct native_conf *conf = c->r->conf;
	struct native_policy *list = conf->policy;

	if (conf->n_policies == NATIVE_POLICIES_MAX)
		return nc_fault(c, NULL, "is there too often: %d are enough", NATIVE_POLICIES_MAX);
	if (!(conf->n_policies & (conf->n_policies - 1)))
		list = reallocarray(list, conf->n_policies ? conf->n_policies * 2U : 1U, sizeof(*list));
	if (!list)
		return nc_no_memory(c);
	conf->policy = list;
	list[conf->n_policies++] = *p;
	return true;
}

/* There is no gateway whose address `local` and `remote` could stand for. */
static bool check(struct nc_cur *c, const struct native_side *side)
{
	for (uint8_t i = 0; i < side->n; i++)
		if (side->ts[i].kind == NATIVE_TS_SELF)
			return nc_fault(c, nc_word_of(c, &side->ts[i].at),
			    "is an address of a connection: a policy has none, so write the address or "
			    "`any`");
	return true;
}

bool nc_policy(struct nc_cur *c, void *block)
{
	static const struct nc_choice actions[] = {{"none", POLICY_PASS}, {"discard", POLICY_DISCARD}};
	struct native_policy p = {.at = nc_place(c, NULL)};
	uint32_t action;

	(void)block;
	if (!nc_pick(c, "an action: none (let it pass in clear) or discard", actions, ARRAY_SIZE(actions),
	        &action))
		return false;
	p.action = action;
	if (nc_skip(c, "in"))
		p.dir = POLICY_IN;
	else if (nc_skip(c, "out"))
		p.dir = POLICY_OUT;
	if (!nc_sides(c, &p.local, &p.remote) || !check(c, &p.local) || !check(c, &p.remote))
		return false;
	return add(c, &p);
}
