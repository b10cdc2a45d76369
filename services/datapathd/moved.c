#include "datapathd/moved.h"

#include <stdlib.h>

#include "datapathd/sa/sad.h"

static int compare(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

static bool has(const uint64_t *serial, size_t n, uint64_t one)
{
	return one && bsearch(&one, serial, n, sizeof(*serial), compare);
}

static bool turn(
    struct sa *sa, const struct inet_addr *far, uint16_t *negotiated, uint16_t port, struct moved_from *ret)
{
	uint32_t moved = atomic_load_explicit(&sa->slot->run.far_port, memory_order_relaxed);
	uint16_t was = moved ? (uint16_t)moved : *negotiated;

	if (was == port)
		return false;
	*negotiated = port;
	atomic_store_explicit(&sa->slot->run.far_port, port, memory_order_relaxed);
	*ret = (struct moved_from){.addr = *far, .port = was};
	return true;
}

bool moved_follow(struct sad *s, uint64_t *serial, size_t n, uint16_t port, struct moved_from *ret)
{
	bool any = false;

	qsort(serial, n, sizeof(*serial), compare);
	list_foreach (sa, &s->all, struct sa, link) {
		struct sa_desc *d = &sa->desc;

		if (sa->facts.manual || !sa_is_encap(d) || sa->dead_ms)
			continue;
		if (has(serial, n, sa->facts.partner))
			any |= turn(sa, &d->dst, &d->encap.dport, port, ret);
		else if (!sa->facts.partner && has(serial, n, sa->facts.serial))
			any |= turn(sa, &d->src, &d->encap.sport, port, ret);
	}
	return any;
}
