/* The name of the header in ipsec-tools. The pfkey_*() functions that stood there are not provided. */
#ifndef POSTERN_LIBIPSEC_LIBPFKEY_H
#define POSTERN_LIBIPSEC_LIBPFKEY_H

#include <netinet6/ipsec.h>

#endif
