/* The name of the header in the first releases of the original. */
#ifndef POSTERN_NETINET_IPSEC_H
#define POSTERN_NETINET_IPSEC_H

#include <netinet6/ipsec.h>

#endif
