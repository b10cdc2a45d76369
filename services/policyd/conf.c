/*
 * Names from the command line end up in nft text, so each character is checked here against what the kernel
 * takes for a name; nothing else that policyd writes into a rule set is a string.
 */
#include "policyd/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "service/settings.h"

enum {
	RULE_LAST_DISTANCE =
	    32702, /* puts the last rule at 32800 for the default base, behind main (32766) and default */
	RULE_BASE_MAX = 32000, /* the rules of the marks must come before main */
	MTU_MIN = 576,         /* below 1280 the device carries no IPv6 */
	MTU_MAX = 65535,
};

static bool is_name(const char *s, const char *extra)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		bool alnum = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9');

		if (!alnum && !strchr(extra, *s))
			return false;
	}
	return true;
}

static bool is_four_bits(uint32_t mask)
{
	return mask && mask >> __builtin_ctz(mask) == 0xf;
}

int policyd_conf_init(struct policyd_conf *c, const struct settings *s, struct err_text *e)
{
	unsigned shift;

	if (!is_name(s->instance, "-_"))
		return err_set(e, -EINVAL, "--instance %s: use letters, digits, - and _ only", s->instance);
	if (!is_name(s->device, "-_.") || strcmp(s->device, ".") == 0 || strcmp(s->device, "..") == 0)
		return err_set(e, -EINVAL, "--device %s: use letters, digits, -, _ and . only", s->device);
	if (!is_four_bits(s->mark_mask))
		return err_set(e, -EINVAL, "--mark-mask 0x%x: must be four neighbouring bits, as 0xf0000000",
		    s->mark_mask);
	if (!s->rule_base || s->rule_base > RULE_BASE_MAX)
		return err_set(e, -EINVAL, "--rule-base %u: must be 1 to %d", s->rule_base, RULE_BASE_MAX);
	if (s->table < 1 || (s->table >= 252 && s->table <= 255) || s->table == 251 || s->table == UINT32_MAX)
		return err_set(
		    e, -EINVAL, "--table %u: it and the next one must be tables nobody else uses", s->table);
	if (s->tun_mtu < MTU_MIN || s->tun_mtu > MTU_MAX)
		return err_set(e, -EINVAL, "--tun-mtu %u: must be %d to %d", s->tun_mtu, MTU_MIN, MTU_MAX);
	shift = (unsigned)__builtin_ctz(s->mark_mask);
	*c = (struct policyd_conf){
	    .mask = s->mark_mask,
	    .bypass = 1U << shift,
	    .out = 2U << shift,
	    .in = 3U << shift,
	    .hairpin = 4U << shift,
	    .check = 5U << shift,
	    .zone = (uint16_t)(s->table & 0xffff ? s->table & 0xffff : 1),
	    .mtu = s->tun_mtu,
	    .rt_table = s->table,
	    .rt_remotes = s->table + 1,
	    .rule_base = s->rule_base,
	    .rule_last = s->rule_base + RULE_LAST_DISTANCE,
	};
	if (strcmp(s->instance, "default") == 0)
		snprintf(c->table, sizeof(c->table), "postern");
	else
		snprintf(c->table, sizeof(c->table), "postern_%s", s->instance);
	snprintf(c->device, sizeof(c->device), "%s", s->device);
	return 0;
}
