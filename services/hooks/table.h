/*
 * The scripts of a configuration: for a peer and an event, a file. Root's word, by ipsecctl.
 */
#ifndef POSTERN_HOOKS_TABLE_H
#define POSTERN_HOOKS_TABLE_H

#include "base/auto.h"
#include "ipsec/ike_conf.h"

enum { HOOKS_MAX = IKE_PEERS_MAX * (IKE_HOOKS - 1) };

struct hook_file {
	uint32_t peer;
	enum ike_hook hook;
	char *path, *place; /* owned; the latter says where it was configured */
};

struct hook_table {
	uint64_t generation;
	struct hook_file *file;
	uint32_t n, room;
};

struct hook_table *hook_table_new(void);
/* NULL is fine. Returns NULL. */
struct hook_table *hook_table_free(struct hook_table *t);
/* 0; -EEXIST: that peer's event has one; -ENOSPC; -ENOMEM. */
must_check int hook_table_add(
    struct hook_table *t, uint32_t peer, enum ike_hook hook, const char *path, const char *place);
/* NULL: none. `t` may be NULL. */
const struct hook_file *hook_table_find(
    const struct hook_table *t, uint64_t generation, uint32_t peer, enum ike_hook hook);

#endif
