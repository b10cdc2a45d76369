/*
 * Version 1's SAs as the rows that are shown (core_show() is made of these).
 */
#ifndef POSTERN_KEYD_IKE1_ROWS_H
#define POSTERN_KEYD_IKE1_ROWS_H

#include "keyd/core/command.h"

struct isakmp;
struct quick;

void rows_isakmp(const struct isakmp *sa, struct ike_row_sa *ret);
/* One that is under way. */
void rows_quick(const struct quick *q, struct ike_row_child *ret);

/* The ISAKMP SA, and what is being negotiated under it. */
void rows_show(const struct isakmp *sa, core_row_fn fn, void *arg);

#endif
