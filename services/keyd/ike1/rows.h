/*
 * Version 1's SAs as the rows that are shown (core_show() in core/command.h is made of these).
 */
#ifndef POSTERN_KEYD_IKE1_ROWS_H
#define POSTERN_KEYD_IKE1_ROWS_H

#include "keyd/core/command.h"

struct child;
struct isakmp;
struct quick;

void rows_isakmp(const struct isakmp *sa, struct ike_row_sa *ret);
void rows_child(const struct child *k, struct ike_row_child *ret);
/* One that is under way. */
void rows_quick(const struct quick *q, struct ike_row_child *ret);

#endif
