/*
 * The environment of a script: everything it gets to know, and nothing of this process's own.
 */
#ifndef POSTERN_HOOKS_ENV_H
#define POSTERN_HOOKS_ENV_H

#include "base/auto.h"
#include "hooks/event.h"

enum { HOOK_ENV_MAX = 18 };

struct hook_env {
	char *v[HOOK_ENV_MAX + 1]; /* "NAME=VALUE", NULL behind the last; owned */
	size_t n;
};

/* 0 or -ENOMEM, then empty. */
must_check int hook_env_make(const struct hook_event *x, struct hook_env *ret);
void hook_env_fini(struct hook_env *env);

#endif
