/*
 * What policyd's kernel side is called in this instance: names, marks, tables, preferences. Made once from
 * the settings; everything that becomes nft text or a netlink attribute comes from here, checked.
 */
#ifndef POSTERN_POLICYD_CONF_H
#define POSTERN_POLICYD_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct settings;

/* Values of the mark under `mask`, shifted into place. CHECK lives only inside the postrouting guard. */
struct policyd_conf {
	char table[48]; /* nft table of family inet */
	char device[16];
	uint32_t mask;
	uint32_t bypass, out, in, hairpin, check;
	uint16_t zone; /* conntrack zone of protected flows */
	uint32_t mtu;
	uint32_t rt_table;   /* T: everything goes to the device */
	uint32_t rt_remotes; /* R: remote networks the host has no route for */
	uint32_t rule_base;  /* preference of the first ip rule */
	uint32_t rule_last;  /* preference of the rule that looks R up, behind main and default */
};

/* 0, or -EINVAL with `e` naming the setting that cannot be used. */
int policyd_conf_init(struct policyd_conf *c, const struct settings *s, struct err_text *e);

#endif
