#include "datapathd/moved.h"

#include "datapathd/sa/sad.h"

/* The far end's port, as it was negotiated. */
static uint16_t *far_port(struct sa *sa, const struct moved *m)
{
	struct sa_desc *d = &sa->desc;

	if (sa->facts.manual || !sa_is_encap(d) || sa->dead_ms)
		return NULL;
	if (inet_addr_equal(&d->dst, &m->remote) && inet_addr_equal(&d->src, &m->local))
		return &d->encap.dport;
	if (inet_addr_equal(&d->src, &m->remote) && inet_addr_equal(&d->dst, &m->local))
		return &d->encap.sport;
	return NULL;
}

bool moved_follow(struct sad *s, const struct moved *m)
{
	bool any = false;

	list_foreach (sa, &s->all, struct sa, link) {
		uint32_t moved = atomic_load_explicit(&sa->slot->run.far_port, memory_order_relaxed);
		uint16_t *port = far_port(sa, m);

		if (!port || (moved ? moved : *port) != m->old_port)
			continue;
		*port = m->new_port;
		atomic_store_explicit(&sa->slot->run.far_port, m->new_port, memory_order_relaxed);
		any = true;
	}
	return any;
}
