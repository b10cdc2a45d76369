/*
 * From connections to what services are told: peers and what may be negotiated with them, and policies.
 */
#ifndef POSTERN_CONFIG_NATIVE_COMPILE_H
#define POSTERN_CONFIG_NATIVE_COMPILE_H

#include "config/native/native.h"

/* What the configuration leaves to the host it is for. */
struct native_host_facts {
	void *arg;
	/* The first address of a name, of the family that is wanted (INET_NONE: any). 0 or -errno; -EAGAIN:
	 * nobody could be asked. */
	int (*resolve)(void *arg, const char *name, enum inet_family family, struct inet_addr *ret);
	/* Our address when we write to that one. 0 or -errno. */
	int (*source)(void *arg, const struct inet_addr *to, struct inet_addr *ret);
};

struct native_plan {
	struct ike_conf *ike;
	struct policy *policy; /* in the order in which they are tried */
	uint32_t n_policies, room;
};

/*
 * Compiles what a reader took. 0 with the plan, to be given to native_plan_fini(); -EINVAL: what stands in
 * the way has been told, all of it; -EAGAIN: likewise, and all of it is of a kind that passes by itself, as
 * the network comes up; -ENOMEM.
 */
must_check int native_compile(const struct native_conf *c, const struct native_host_facts *host,
    native_say_fn say, void *arg, struct native_plan *ret);
void native_plan_fini(struct native_plan *p);
#define AUTO_NATIVE_PLAN AUTO(native_plan_fini)

/* compile_policy.c: policies of a connection whose addresses are known, and plain ones. 0; -ENOMEM; -E2BIG:
 * they are more than a plan has. */
must_check int native_compile_tunnel(struct native_plan *p, const struct native_child *k,
    const struct inet_addr *local, const struct inet_addr *remote);
must_check int native_compile_plain(struct native_plan *p, const struct native_policy *plain);
/* Prefixes that together are a selector's addresses. `self`: what SELF stands for; `family`: of ANY. Their
 * number, at most NATIVE_PREFIXES_MAX. */
enum { NATIVE_PREFIXES_MAX = INET_RANGE_PREFIXES_MAX };
uint32_t native_prefixes(const struct native_ts *t, const struct inet_addr *self, enum inet_family family,
    struct inet_prefix ret[NATIVE_PREFIXES_MAX]);

#endif
