/*
 * ESP in UDP needs the port that it comes back to.
 */
#include <errno.h>

#include "datapathd/datapathd.h"

int datapathd_check_port(const struct datapathd *d, const struct sa_desc *sa, struct err_text *e)
{
	bool v6 = sa->dst.family == INET_V6;

	if (!sa_is_encap(sa) || d->fd.in[v6 ? SOURCE_UDP6 : SOURCE_UDP4] >= 0)
		return 0;
	return err_set(e, -EOPNOTSUPP,
	    "esp-udp cannot be received: UDP port %d of IPv%d was not to be had when datapathd started; end "
	    "the "
	    "program that has it (another IKE daemon?) and restart the suite",
	    SA_UDP_PORT, v6 ? 6 : 4);
}
