#include "keyd/core/news.h"

#include <stdarg.h>
#include <stdio.h>

#include "keyd/core/upkeep.h"
#include "keyd/core/waiters.h"

void news_sa_ended(struct core *c, const struct inet_addr *remote, enum news_end how, const char *why)
{
	waiters_sa_ended(c, remote, how, why);
	upkeep_sa_ended(c, remote, how, why);
}

void news_policy_failed(
    struct core *c, const struct inet_addr *remote, uint32_t policy, bool sa_is_up, const char *why)
{
	waiters_policy_failed(c, remote, policy, sa_is_up, why);
	upkeep_policy_failed(c, remote, policy, sa_is_up, why);
}

void news_hint(struct core *c, const struct inet_addr *remote, const char *fmt, ...)
{
	char text[CORE_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	waiters_hint(c, remote, text);
	upkeep_hint(c, remote, text);
}
