/*
 * policyd forgets which generations it made when it is killed; the kernel does not. Names are taken from the
 * listing only when they have exactly the shape that ruleset.c gives them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policyd/conf.h"
#include "policyd/compile/ruleset.h"

enum { NAME_MAX_ = 96 };

/* "out4_1f", "in6_1f_p", "out4_1f_p12", "gen_1f": gives the generation. */
static bool parse_name(const char *name, uint64_t *ret)
{
	static const char *const heads[] = {
	    "out4_", "out6_", "in4_", "in6_", "fwd4_", "fwd6_", "mir4_", "mir6_", "gen_"};
	uint64_t gen = 0;
	int digits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		size_t n = strlen(heads[i]);

		if (strncmp(name, heads[i], n) != 0)
			continue;
		for (name += n; digits < 16; name++, digits++) {
			if (*name >= '0' && *name <= '9')
				gen = gen << 4 | (uint64_t)(*name - '0');
			else if (*name >= 'a' && *name <= 'f')
				gen = gen << 4 | (uint64_t)(*name - 'a' + 10);
			else
				break;
		}
		if (!digits)
			return false;
		*ret = gen;
		return !*name || (name[0] == '_' && strchr("pnaqr", name[1]) && name[1] &&
		                     strspn(name + 2, "0123456789") == strlen(name + 2));
	}
	return false;
}

static void sweep_line(const char *line, const struct policyd_conf *c, uint64_t keep, struct sbuf *flushes,
    struct sbuf *deletions)
{
	char kind[8], name[NAME_MAX_];
	uint64_t gen;

	if (sscanf(line, " %7s %95s {", kind, name) != 2 || !parse_name(name, &gen) || gen == keep)
		return;
	if (strcmp(kind, "chain") == 0) {
		sbuf_add(flushes, "flush chain inet %s %s\n", c->table, name);
		sbuf_add(deletions, "delete chain inet %s %s\n", c->table, name);
	} else if (strcmp(kind, "map") == 0) {
		sbuf_add(deletions, "delete map inet %s %s\n", c->table, name);
	}
}

void ruleset_write_sweep(struct sbuf *to, const struct policyd_conf *conf, const char *listing, uint64_t keep)
{
	AUTO_SBUF struct sbuf flushes = {0};
	AUTO_SBUF struct sbuf deletions = {0};
	char line[NAME_MAX_ + 32];

	while (*listing) {
		size_t n = strcspn(listing, "\n");

		if (n < sizeof(line)) {
			memcpy(line, listing, n);
			line[n] = '\0';
			sweep_line(line, conf, keep, &flushes, &deletions);
		}
		listing += n + (listing[n] == '\n');
	}
	sbuf_add(to, "%s%s", sbuf_str(&flushes), sbuf_str(&deletions));
	to->bad = to->bad || flushes.bad || deletions.bad;
}
