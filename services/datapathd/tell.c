/*
 * What happened to an SA, for monitors and the log.
 */
#include "datapathd/datapathd.h"

void datapathd_tell_sa(void *arg, const char *event, const struct sa *sa)
{
	struct datapathd *d = arg;
	char src[INET_ADDR_STRLEN], dst[INET_ADDR_STRLEN];

	if (!service_has_monitors(d->service) && log_get_level() < LOG_LEVEL_INFO)
		return;
	inet_addr_format(&sa->desc.src, src);
	inet_addr_format(&sa->desc.dst, dst);
	log_info(event, "sa=%llu proto=%s spi=0x%08x src=%s dst=%s mode=%s",
	    (unsigned long long)sa->facts.serial, sa_proto_word(&sa->desc), sa->desc.spi, src, dst,
	    ipsec_mode_name(sa->desc.mode));
	service_publish(d->service, event, "sa=%llu proto=%s spi=0x%08x src=%s dst=%s mode=%s",
	    (unsigned long long)sa->facts.serial, sa_proto_word(&sa->desc), sa->desc.spi, src, dst,
	    ipsec_mode_name(sa->desc.mode));
}
