/*
 * The ip rules that lead marked packets to the device, one set per family (kernel-mechanics section 1).
 */
#ifndef POSTERN_POLICYD_KERNEL_RULES_H
#define POSTERN_POLICYD_KERNEL_RULES_H

#include <stdint.h>

#include "policyd/kernel/rtnl.h"

struct policyd_conf;

/* Adds what is missing. Returns how many rules were missing, or -errno; -EAFNOSUPPORT when the host lacks the
 * family. */
int rules_ensure(struct rtnl *r, const struct policyd_conf *c, uint8_t family);
/* Tries each rule; those that were missing are gone again. 0, or -errno with what it was that the kernel did
 * not take. */
int rules_probe(struct rtnl *r, const struct policyd_conf *c, uint8_t family, const char **ret_what);
/* Removes what is there; the absence of any is no error. */
void rules_remove(struct rtnl *r, const struct policyd_conf *c, uint8_t family);

#endif
