/*
 * What a kernel has cannot be read anywhere; it is tried. Each trial is made and removed in one transaction,
 * so that it is never there for anybody to see.
 */
#include <errno.h>

#include "base/auto.h"
#include "base/sbuf.h"
#include "policyd/conf.h"
#include "policyd/kernel/tables.h"

#define PROBE "postern_probe"

static const struct {
	const char *what, *module, *make;
} probes[] = {
    {"nf_tables with the inet family", "CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET", ""},
    {"nftables chains that reroute", "nft_chain_route",
        "add chain inet " PROBE " c { type route hook output priority -310; }\n"},
    {"concatenated interval maps in nftables", "Linux 5.6 or newer",
        "add map inet " PROBE " m { type ipv4_addr . inet_service : verdict; flags interval; }\n"
        "add element inet " PROBE " m { 10.0.0.0/8 . 1-9 : drop }\n"},
    {"connection tracking zones in nftables", "nft_ct, CONFIG_NF_CONNTRACK_ZONES",
        "add chain inet " PROBE " c\n"
        "add rule inet " PROBE " c ct zone set 1\n"},
    {"address type lookups in nftables", "nft_fib_inet",
        "add chain inet " PROBE " c { type filter hook prerouting priority -310; }\n"
        "add rule inet " PROBE " c fib daddr type local accept\n"},
    {"TCP option matching in nftables", "nft_exthdr",
        "add chain inet " PROBE " c { type filter hook postrouting priority 350; }\n"
        "add rule inet " PROBE " c tcp flags & (syn|rst) == syn tcp option maxseg size set 1200\n"},
};

int tables_probe(struct nft *nft, struct err_text *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		AUTO_SBUF struct sbuf s = {0};
		struct err_text why = {{0}};

		sbuf_add(&s, "add table inet " PROBE "\n%sdelete table inet " PROBE "\n", probes[i].make);
		if (s.bad)
			return err_set(e, -ENOMEM, "out of memory");
		if (nft_run(nft, sbuf_str(&s), &why) < 0)
			return err_set(e, -EOPNOTSUPP,
			    "this kernel lacks %s (%s), so policies cannot be enforced: %s", probes[i].what,
			    probes[i].module, why.s);
	}
	return 0;
}
