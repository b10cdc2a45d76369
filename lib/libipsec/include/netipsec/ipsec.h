/* FreeBSD's name of the header. */
#ifndef POSTERN_NETIPSEC_IPSEC_H
#define POSTERN_NETIPSEC_IPSEC_H

#include <netinet6/ipsec.h>

#endif
