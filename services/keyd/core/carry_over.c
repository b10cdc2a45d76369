/*
 * Blocks are compared by the loader's number, which stands for all of a block, for the contents of its files,
 * and for what holds in general. So what is negotiated under an SA that goes on is what would be agreed on
 * anew. Its children in the configuration are looked up when they are needed; an exchange that has begun ends
 * by the one it was begun with. A pair needs nothing of a configuration: it is renewed under whatever holds.
 */
#include "keyd/core/carry_over.h"

#include "keyd/ike1/child.h"
#include "keyd/ike1/inform.h"
#include "keyd/ike1/isakmp.h"

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

static void end(struct isakmp *sa)
{
	inform_delete_isakmp(sa);
	sa->failure = "deleted: the configuration was loaded anew";
	isakmp_end(sa);
}

void carry_over_all(struct core *c)
{
	list_foreach (k, &c->children, struct child, node)
		hold(&k->conf, c->conf);
	list_foreach_safe (sa, next, &c->isakmp, struct isakmp, all)
		if (!carry_over_peer(c->conf, &sa->conf, &sa->peer))
			end(sa);
}
