/*
 * The defaults are KAME's where it had one that is still sound: DF is cleared, so that a path whose ICMP
 * somebody filters still carries everything, in fragments if need be. ECN follows RFC 6040 rather than KAME's
 * refusal. RFC 3948 section 4 asks for 20 seconds between keepalives.
 */
#include "datapathd/tunables.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/auto.h"

const struct tunables tunables_default = {.dfbit = TUNE_DF_CLEAR, .ecn = 1, .dscp = 1, .keepalive = 20};

static const struct {
	const char *name;
	size_t at;
	uint8_t max;
	const char *values;
} rows[] = {
    {"dfbit", offsetof(struct tunables, dfbit), TUNE_DF_COPY,
        "0 (clear), 1 (set) or 2 (copied from the packet)"},
    {"ecn", offsetof(struct tunables, ecn), 1, "0 (never outside) or 1 (RFC 6040)"},
    {"dscp", offsetof(struct tunables, dscp), 1, "0 (zero outside) or 1 (copied from the packet)"},
    {"dummy", offsetof(struct tunables, dummy), UINT8_MAX, "0 (none) or 1 to 255 seconds"},
    {"keepalive", offsetof(struct tunables, keepalive), UINT8_MAX, "0 (none) or 1 to 255 seconds"},
};

/* In a word that has these places; one of another layout, from memory of an earlier version, does not. */
static const uint32_t layout = UINT32_C(1) << 15;

uint32_t tunables_pack(struct tunables t)
{
	return layout | (uint32_t)t.dfbit | (uint32_t)t.ecn << 4 | (uint32_t)t.dscp << 8 |
	       (uint32_t)t.dummy << 16 | (uint32_t)t.keepalive << 24;
}

struct tunables tunables_unpack(uint32_t word)
{
	struct tunables t = {.dfbit = word & 0xf,
	    .ecn = word >> 4 & 0xf,
	    .dscp = word >> 8 & 0xf,
	    .dummy = (uint8_t)(word >> 16),
	    .keepalive = (uint8_t)(word >> 24)};

	if (!(word & layout))
		return tunables_default;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t *v = (uint8_t *)&t + rows[i].at;

		if (*v > rows[i].max)
			*v = *((const uint8_t *)&tunables_default + rows[i].at);
	}
	return t;
}

int tunables_set(struct tunables *t, const char *name, uint64_t value, struct err_text *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (value > rows[i].max)
			return err_set(e, -EINVAL, "%s is %s", name, rows[i].values);
		*((uint8_t *)t + rows[i].at) = (uint8_t)value;
		return 0;
	}
	return -ENOENT;
}
