/*
 * Blocks are compared by the loader's number, which stands for all of a block, for the contents of its files,
 * and for what holds in general. So what is negotiated under an SA that goes on is what would be agreed on
 * anew. Its children in the configuration are looked up when they are needed; an exchange that has begun ends
 * by the one it was begun with. A pair needs nothing of a configuration: it is renewed under whatever holds.
 */
#include "keyd/core/carry_over.h"

#include "keyd/core/child.h"
#include "keyd/core/versions.h"

static void hold(struct core_conf **conf, struct core_conf *to)
{
	core_conf_ref(to);
	core_conf_unref(*conf);
	*conf = to;
}

bool carry_over_peer(struct core_conf *to, struct core_conf **conf, uint32_t *peer)
{
	const struct ike_peer *p = ike_conf_find_block(to->c, (*conf)->c->peer[*peer].block);

	if (!p)
		return false;
	*peer = (uint32_t)(p - to->c->peer);
	hold(conf, to);
	return true;
}

void carry_over_all(struct core *c)
{
	list_foreach (k, &c->children, struct child, node)
		hold(&k->conf, c->conf);
	for (size_t i = 0; i < IKE_VERSIONS; i++)
		ike_versions[i]->carry_over(c);
}
