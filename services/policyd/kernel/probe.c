/*
 * What a kernel has cannot be read anywhere; it is tried. nftables makes and removes each trial in one
 * transaction, so that it is never there for anybody to see. Routing has no transactions: the rules that are
 * tried are our own, which match nothing while no packet is marked, and those that were there stay.
 */
#include "policyd/kernel/probe.h"

#include <errno.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/sbuf.h"
#include "inet/addr.h"
#include "policyd/conf.h"
#include "policyd/kernel/link.h"
#include "policyd/kernel/nft.h"
#include "policyd/kernel/rules.h"

#define PROBE "postern_probe"
#define CHAIN "add chain inet " PROBE " c\nadd rule inet " PROBE " c "

static const struct {
	const char *what, *module, *make;
} probes[] = {
    {"nf_tables with the inet family", "CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET", ""},
    {"nftables chains that reroute", "nft_chain_route",
        "add chain inet " PROBE " c { type route hook output priority -310; }\n"},
    {"concatenated interval maps in nftables", "Linux 5.6 or newer",
        "add map inet " PROBE " m { type ipv4_addr . inet_service : verdict; flags interval; }\n"
        "add element inet " PROBE " m { 10.0.0.0/8 . 1-9 : drop }\n"
        "add map inet " PROBE " n { type ipv6_addr . inet_proto : verdict; flags interval; }\n"
        "add element inet " PROBE " n { fd00::/8 . 1-9 : drop }\n"},
    {"maps over raw payload in nftables", "libnftables 1.0 and Linux 5.6 or newer",
        "add map inet " PROBE " m { typeof @th,160,32 . @th,136,8 : verdict; flags interval; }\n"
        "add element inet " PROBE " m { 0x0a000000-0x0affffff . 1-9 : drop }\n"
        "add chain inet " PROBE " c\n"
        "add rule inet " PROBE " c icmp type { 3, 11 } @th,160,32 . @th,136,8 vmap @m\n"},
    {"verdict maps that go to chains in nftables", "CONFIG_NF_TABLES",
        "add chain inet " PROBE " d\n" CHAIN
        "meta mark & 0xf0000000 vmap { 0x10000000 : accept, 0x20000000 : goto d }\n" CHAIN
        "meta mark set meta mark & 0x0fffffff | 0x20000000\n"},
    {"named counters in nftables", "nft_objref",
        "add counter inet " PROBE " n\n" CHAIN "counter name \"n\" drop\n"},
    {"matching of fragments in nftables", "nft_exthdr",
        CHAIN "meta nfproto ipv6 frag frag-off != 0 drop\n" CHAIN
              "meta nfproto ipv4 ip frag-off & 0x1fff != 0 drop\n"},
    {"connection tracking zones in nftables", "nft_ct, CONFIG_NF_CONNTRACK_ZONES", CHAIN "ct zone set 1\n"},
    {"address type lookups in nftables", "nft_fib_inet, nft_fib_ipv4, nft_fib_ipv6",
        "add chain inet " PROBE " c { type filter hook prerouting priority -310; }\n"
        "add rule inet " PROBE " c fib daddr type { local, broadcast, multicast, anycast } accept\n"},
    {"TCP option matching in nftables", "nft_exthdr",
        "add chain inet " PROBE " c { type filter hook postrouting priority 350; }\n"
        "add rule inet " PROBE " c tcp flags & (syn|rst) == syn tcp option maxseg size set 1200\n"},
};

static int probe_nftables(struct nft *nft, struct err_text *e)
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

/* Names what is missing of one family's policy routing. */
static int probe_rules(struct rtnl *r, const struct policyd_conf *c, uint8_t family, struct err_text *e)
{
	const char *what;
	int err = rules_probe(r, c, family, &what);

	if (err == 0)
		return 0;
	return err_set(e, -EOPNOTSUPP, "this kernel lacks %s for IPv%d (CONFIG_IP%s_MULTIPLE_TABLES): %s",
	    what, family == INET_V4 ? 4 : 6, family == INET_V4 ? "" : "V6", err_name(err));
}

bool kernel_has_ipv6(void)
{
	return access("/proc/net/if_inet6", F_OK) == 0;
}

void kernel_probe(
    struct nft *nft, struct rtnl *r, const struct policyd_conf *c, bool has_ipv6, struct kernel_lacks *ret)
{
	*ret = (struct kernel_lacks){0};
	if (probe_nftables(nft, &ret->all) < 0)
		return;
	if (probe_rules(r, c, INET_V4, &ret->all) < 0) {
		(void)err_prefix(&ret->all, -EOPNOTSUPP, "policies cannot be enforced");
		return;
	}
	if (!link_has_src_valid_mark(r))
		(void)err_set(&ret->src_mark, 0,
		    "this kernel lacks src_valid_mark (Linux 2.6.33 or newer): where rp_filter is 1, packets "
		    "out of tunnels are dropped");
	if (has_ipv6 && probe_rules(r, c, INET_V6, &ret->v6) < 0)
		(void)err_prefix(&ret->v6, 0, "IPv6 packets that need protection are dropped");
}
