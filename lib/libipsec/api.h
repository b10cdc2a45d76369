/*
 * The public header for the library's own sources: the kernel's names in it and those of lib/ipsec/policy.h
 * have one in common, which we call otherwise. Private to the library.
 */
#ifndef POSTERN_LIBIPSEC_API_H
#define POSTERN_LIBIPSEC_API_H

#define IPSEC_MODE_ANY KERNEL_IPSEC_MODE_ANY
#include "netinet6/ipsec.h"
#undef IPSEC_MODE_ANY

/* On the definition of each public function; everything else stays inside. */
#define LIBIPSEC_PUBLIC __attribute__((visibility("default")))

#endif
