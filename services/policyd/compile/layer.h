/*
 * Layers: the boxes of a list spread over as few maps as their overlaps allow, so that looking the maps up
 * one after the other finds the first box of the list that matches.
 */
#ifndef POSTERN_POLICYD_COMPILE_LAYER_H
#define POSTERN_POLICYD_COMPILE_LAYER_H

#include "policyd/compile/box.h"

/* The parts of a map's key. */
enum box_field { BOX_SRC = 0, BOX_DST, BOX_PROTO, BOX_SPORT, BOX_DPORT, BOX_FIELDS };

/*
 * Sets every box's layer (1 + the highest layer of an earlier box that overlaps it), drops boxes that an
 * earlier one covers, and sorts by layer, within a layer in list order. 0 with the number of layers, or
 * -ENOMEM.
 */
int box_list_layer(struct box_list *l, uint32_t *ret_n_layers);

/*
 * The best order of a map's key fields for boxes b[0..n): most distinct values first (kernel-mechanics: a
 * constant first field makes lookups ten times slower). Writes those of `sight` and returns how many. Scratch
 * memory: -ENOMEM.
 */
int box_field_order(const struct box *b, size_t n, enum box_sight sight, enum box_field ret[BOX_FIELDS]);

#endif
