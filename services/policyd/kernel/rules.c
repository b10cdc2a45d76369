/*
 * As `ip rule` writes them, with the default settings:
 *
 *     98: fwmark HAIRPIN lookup T       out of one tunnel and into the next
 *     99: iif ipsec0 goto 101           what came out of a tunnel is not routed back into it
 *    100: fwmark OUT,IN lookup T        IN: so that strict rp_filter finds the device on the way back
 *    101: nop
 *  32800: lookup R                      remote networks the host has no route for
 *
 * `protocol kernel` keeps systemd-networkd from taking them for leftovers. NLM_F_EXCL makes adding tell
 * whether the rule was missing.
 */
#include "policyd/kernel/rules.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "policyd/conf.h"
#include "inet/addr.h"

struct rule {
	uint32_t preference, table, mark, mask, target;
	uint8_t action;
	const char *iif;
};

enum { N_RULES = 5 };

/* In the order of adding: what a rule refers to comes before it. */
static void rules_of(const struct policyd_conf *c, struct rule ret[N_RULES])
{
	const struct rule all[N_RULES] = {
	    {.preference = c->rule_base + 3, .action = FR_ACT_NOP},
	    {.preference = c->rule_base,
	        .action = FR_ACT_TO_TBL,
	        .table = c->rt_table,
	        .mark = c->hairpin,
	        .mask = c->mask},
	    {.preference = c->rule_base + 1,
	        .action = FR_ACT_GOTO,
	        .iif = c->device,
	        .target = c->rule_base + 3},
	    {.preference = c->rule_base + 2,
	        .action = FR_ACT_TO_TBL,
	        .table = c->rt_table,
	        .mark = c->out,
	        .mask = c->mask & ~c->bypass}, /* OUT and IN differ in the lowest bit only */
	    {.preference = c->rule_last, .action = FR_ACT_TO_TBL, .table = c->rt_remotes},
	};

	for (int i = 0; i < N_RULES; i++)
		ret[i] = all[i];
}

static int send_rule(struct rtnl *r, uint16_t type, uint16_t flags, uint8_t family, const struct rule *x)
{
	struct rtnl_msg m;
	struct fib_rule_hdr *h = rtnl_msg_init(&m, type, flags, sizeof(*h));
	const uint8_t protocol = RTPROT_KERNEL;

	h->family = family == INET_V4 ? AF_INET : AF_INET6;
	h->action = x->action;
	h->table = RT_TABLE_UNSPEC;
	rtnl_put_u32(&m, FRA_PRIORITY, x->preference);
	rtnl_put(&m, FRA_PROTOCOL, &protocol, sizeof(protocol));
	if (x->table)
		rtnl_put_u32(&m, FRA_TABLE, x->table);
	if (x->mask) {
		rtnl_put_u32(&m, FRA_FWMARK, x->mark);
		rtnl_put_u32(&m, FRA_FWMASK, x->mask);
	}
	if (x->iif)
		rtnl_put_str(&m, FRA_IIFNAME, x->iif);
	if (x->target)
		rtnl_put_u32(&m, FRA_GOTO, x->target);
	return rtnl_request(r, &m);
}

int rules_ensure(struct rtnl *r, const struct policyd_conf *c, uint8_t family)
{
	struct rule all[N_RULES];
	int n_missing = 0;

	rules_of(c, all);
	for (int i = 0; i < N_RULES; i++) {
		int err = send_rule(r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family, &all[i]);

		if (err == 0)
			n_missing++;
		else if (err != -EEXIST)
			return err;
	}
	return n_missing;
}

int rules_probe(struct rtnl *r, const struct policyd_conf *c, uint8_t family, const char **ret_what)
{
	struct rule all[N_RULES];
	bool made[N_RULES] = {false};
	int err = 0;

	rules_of(c, all);
	for (int i = 0; i < N_RULES && err == 0; i++) {
		err = send_rule(r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family, &all[i]);
		made[i] = err == 0;
		if (err == -EEXIST)
			err = 0;
		*ret_what = all[i].action == FR_ACT_GOTO ? "routing rules that go on at another rule"
		            : all[i].mask                ? "routing by packet mark"
		                                         : "policy routing";
	}
	for (int i = N_RULES - 1; i >= 0; i--)
		if (made[i])
			(void)send_rule(r, RTM_DELRULE, 0, family, &all[i]);
	return err;
}

void rules_remove(struct rtnl *r, const struct policyd_conf *c, uint8_t family)
{
	struct rule all[N_RULES];

	rules_of(c, all);
	for (int i = N_RULES - 1; i >= 0; i--)
		while (send_rule(r, RTM_DELRULE, 0, family, &all[i]) == 0)
			;
}
