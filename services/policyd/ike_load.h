/*
 * A load of the configuration for key exchange, staged for one connection: rows as they come, judged as a
 * whole, handed over complete or not at all.
 */
#ifndef POSTERN_POLICYD_IKE_LOAD_H
#define POSTERN_POLICYD_IKE_LOAD_H

#include "policyd/ike_view.h"

/* One row as far as policyd wants to know it. */
struct ike_row {
	bool is_peer; /* else a child */
	char name[IKE_CONF_TEXT_MAX + 1];
	struct inet_addr addr; /* INET_NONE: any */
	enum ike_generate generate;
	bool asks;
	uint64_t block;
	struct ike_view_child child;
};

/* All zero: no load is under way. */
struct ike_load {
	struct ike_view *view; /* NULL: no load */
	uint32_t n_peers, n_children, n_rows;
	bool prepared;
	struct err_text bad; /* of the first row that was not acceptable; empty: none */
};

/* What was staged before is forgotten. 0; -E2BIG; -ENOMEM. */
int ike_load_begin(struct ike_load *l, uint32_t n_peers, uint32_t n_children, struct err_text *e);
/* What clients are given, of the load that has begun. */
void ike_load_pool(struct ike_load *l, const struct inet_addr *first, const struct inet_addr *last);
/* A row has no answer: what is wrong with it is told by ike_load_prepare(). */
void ike_load_row(struct ike_load *l, uint32_t number, const struct ike_row *row);
/* Row `number` could not even be read. */
void ike_load_bad_row(struct ike_load *l, uint32_t number, const struct err_text *why);
/* 0: complete and acceptable. -EINVAL with a sentence; -ENOMEM. */
int ike_load_prepare(struct ike_load *l, struct err_text *e);
/* Hands it over under its number. 0; -EINVAL when it is not prepared. */
int ike_load_take(struct ike_load *l, uint64_t generation, struct ike_view **ret, struct err_text *e);
void ike_load_forget(struct ike_load *l);

#endif
