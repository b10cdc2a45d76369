/*
 * A short array that is walked: some hundred comparisons when somebody reserves an SPI are nothing, and
 * nobody else looks.
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
	uint32_t i = 0;

	if (l->holder ? v->n_held == LARVAE_HELD_MAX : v->n - v->n_held == LARVAE_MAX)
		return -ENOSPC;
	while (i < v->end && v->l[i].serial)
		i++;
	v->l[i] = *l;
	v->n++;
	v->n_held += l->holder != NULL;
	if (i == v->end)
		v->end++;
	return 0;
}

struct larva *larvae_find(struct larvae *v, const struct inet_addr *dst, enum ipsec_proto proto, uint32_t spi)
{
	for (uint32_t i = 0; i < v->end; i++)
		if (v->l[i].serial && v->l[i].spi == spi && v->l[i].proto == proto &&
		    inet_addr_equal(&v->l[i].dst, dst))
			return &v->l[i];
	return NULL;
}

void larvae_remove(struct larvae *v, struct larva *l)
{
	v->n_held -= l->holder != NULL;
	v->n--;
	*l = (struct larva){0};
	while (v->end && !v->l[v->end - 1].serial)
		v->end--;
}

void larvae_age(struct larvae *v, uint64_t now_ms)
{
	for (uint32_t i = 0; i < v->end; i++) {
		uint64_t life_ms = v->l[i].holder ? LARVA_HELD_LIFE_MS : LARVA_LIFE_MS;

		if (v->l[i].serial && now_ms >= v->l[i].created_ms + life_ms)
			larvae_remove(v, &v->l[i]);
	}
}

void larvae_remove_held(struct larvae *v, const void *holder)
{
	for (uint32_t i = 0; i < v->end; i++)
		if (v->l[i].serial && v->l[i].holder == holder)
			larvae_remove(v, &v->l[i]);
}

uint32_t larvae_doom(struct larvae *v, uint32_t proto, const void *by)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->end; i++) {
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
	for (uint32_t i = 0; i < v->end; i++)
		if (v->l[i].serial && v->l[i].doomed_by == by)
			larvae_remove(v, &v->l[i]);
}

void larvae_spare(struct larvae *v, const void *by)
{
	for (uint32_t i = 0; i < v->end; i++)
		if (v->l[i].doomed_by == by)
			v->l[i].doomed_by = NULL;
}

const struct larva *larvae_next(const struct larvae *v, uint32_t *at)
{
	while (*at < v->end) {
		const struct larva *l = &v->l[(*at)++];

		if (l->serial)
			return l;
	}
	return NULL;
}
