/*
 * Names are made here, when somebody asks, so that the per-packet side is nothing but arrays and indices.
 */
#include "datapathd/counters.h"

#include <stdio.h>

#include "base/auto.h"
#include "ipsec/alg.h"

static const struct drop_info drops[DROP_N] = {
#define X(id, dname, kcounter, dtext) [DROP_##id] = {.name = dname, .text = dtext, .kame = KAME_##kcounter},
    DROP_LIST(X)
#undef X
};

static const char *const kame_names[KAME_N] = {
#define X(id, name) [KAME_##id] = name,
    KAME_COUNTER_LIST(X)
#undef X
};

static const char *const path_names[PATH_N] = {
#define X(id, name) [PATH_##id] = name,
    PATH_COUNTER_LIST(X)
#undef X
};

static const char *const hist_names[HIST_N] = {
    [HIST_IN_AH] = "in_hist.ah",
    [HIST_IN_ESP] = "in_hist.esp",
    [HIST_IN_COMP] = "in_hist.ipcomp",
    [HIST_OUT_AH] = "out_hist.ah",
    [HIST_OUT_ESP] = "out_hist.esp",
    [HIST_OUT_COMP] = "out_hist.ipcomp",
};

const struct drop_info *drop_info(enum drop_reason r)
{
	return r > DROP_NONE && r < DROP_N ? &drops[r] : NULL;
}

static const char *hist_alg_name(enum hist h, unsigned alg)
{
	const struct alg_enc_info *enc = alg_enc_by_id(alg);
	const struct alg_auth_info *auth = alg_auth_by_id(alg);

	if (h == HIST_IN_ESP || h == HIST_OUT_ESP)
		return enc ? enc->stat_name : NULL;
	if (h == HIST_IN_COMP || h == HIST_OUT_COMP)
		return alg_comp_name(alg);
	return auth ? auth->stat_name : NULL;
}

static void each_of_family(
    const struct counters *c, bool v6, void (*fn)(void *, const char *, uint64_t), void *arg)
{
	const char *prefix = v6 ? "ip6." : "";
	char name[96];

	for (unsigned k = 0; k < KAME_N; k++) {
		snprintf(name, sizeof(name), "%s%s", prefix, kame_names[k]);
		fn(arg, name, counter_get(&c->kame[v6][k]));
	}
	for (unsigned h = 0; h < HIST_N; h++) {
		for (unsigned alg = 0; alg < HIST_ALG_MAX; alg++) {
			const char *alg_name = hist_alg_name(h, alg);
			uint64_t n = counter_get(&c->hist[v6][h][alg]);

			if (!alg_name || !n)
				continue;
			snprintf(name, sizeof(name), "%s%s.%s", prefix, hist_names[h], alg_name);
			fn(arg, name, n);
		}
	}
}

void counters_each(
    const struct counters *c, void (*fn)(void *arg, const char *name, uint64_t value), void *arg)
{
	char name[96];

	each_of_family(c, false, fn, arg);
	each_of_family(c, true, fn, arg);
	for (unsigned r = DROP_NONE + 1; r < DROP_N; r++) {
		snprintf(name, sizeof(name), "drop.%s", drops[r].name);
		fn(arg, name, counter_get(&c->drop[r]));
	}
	for (unsigned p = 0; p < PATH_N; p++)
		fn(arg, path_names[p], counter_get(&c->path[p]));
}
