/*
 * A short array that is walked: two hundred comparisons when somebody reserves an SPI are nothing, and nobody
 * else looks.
 */
#include "datapathd/sa/larva.h"

#include <errno.h>
#include <string.h>

void larvae_init(struct larvae *v)
{
	memset(v, 0, sizeof(*v));
}

int larvae_add(struct larvae *v, const struct larva *l)
{
	for (uint32_t i = 0; i < LARVAE_MAX; i++) {
		if (v->l[i].serial)
			continue;
		v->l[i] = *l;
		v->n++;
		return 0;
	}
	return -ENOSPC;
}

struct larva *larvae_find(struct larvae *v, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	for (uint32_t i = 0; v->n && i < LARVAE_MAX; i++)
		if (v->l[i].serial && v->l[i].spi == spi && v->l[i].proto == proto &&
		    inet_addr_equal(&v->l[i].dst, dst))
			return &v->l[i];
	return NULL;
}

void larvae_remove(struct larvae *v, struct larva *l)
{
	*l = (struct larva){0};
	v->n--;
}

void larvae_age(struct larvae *v, uint64_t now_ms)
{
	for (uint32_t i = 0; v->n && i < LARVAE_MAX; i++)
		if (v->l[i].serial && now_ms >= v->l[i].created_ms + LARVA_LIFE_MS)
			larvae_remove(v, &v->l[i]);
}

uint32_t larvae_doom(struct larvae *v, uint32_t proto, const void *by)
{
	uint32_t n = 0;

	for (uint32_t i = 0; v->n && i < LARVAE_MAX; i++) {
		struct larva *l = &v->l[i];

		if (!l->serial || (proto && l->proto != proto) || l->doomed_by == by)
			continue;
		l->doomed_by = by;
		n++;
	}
	return n;
}

void larvae_remove_doomed(struct larvae *v, const void *by)
{
	for (uint32_t i = 0; v->n && i < LARVAE_MAX; i++)
		if (v->l[i].serial && v->l[i].doomed_by == by)
			larvae_remove(v, &v->l[i]);
}

void larvae_spare(struct larvae *v, const void *by)
{
	for (uint32_t i = 0; v->n && i < LARVAE_MAX; i++)
		if (v->l[i].doomed_by == by)
			v->l[i].doomed_by = NULL;
}

const struct larva *larvae_next(const struct larvae *v, uint32_t *at)
{
	while (*at < LARVAE_MAX) {
		const struct larva *l = &v->l[(*at)++];

		if (l->serial)
			return l;
	}
	return NULL;
}
