/*
 * For tests against the running suite: random databases as statements of setkey, and statements from dumps.
 *
 *     roundtrip-tool make SEED N     N associations and N policies
 *     roundtrip-tool sad | spd       the statements that make again what the dump on the standard input shows
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cli/dump/dump.h"
#include "support/random_ipsec.h"
#include "support/setkey_rewrite.h"

enum { MOST = 400, INPUT_MAX = 4 << 20 };

static const struct dump_style style = {.ports = true, .now_wall_ms = 1741000600000, .pid = 1};

static bool taken(const struct random_sa *sas, size_t n, const struct sa_desc *d)
{
	for (size_t i = 0; i < n; i++)
		if (sas[i].desc.spi == d->spi && sas[i].desc.proto == d->proto &&
		    inet_addr_equal(&sas[i].desc.dst, &d->dst))
			return true;
	return false;
}

static void make_sas(struct rng *rng, size_t n)
{
	static struct random_sa sas[MOST];
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < n; i++) {
		do
			random_sa(rng, &sas[i]);
		while (taken(sas, i, &sas[i].desc));
		dump_sa(f, &sas[i].desc, &sas[i].status, 0, &style);
	}
	fclose(f);
	setkey_rewrite_sad(text, stdout);
}

static bool has_twin(const struct policy *policies, size_t n, const struct policy *p)
{
	for (size_t i = 0; i < n; i++)
		if (policy_same_entry(&policies[i], p))
			return true;
	return false;
}

static void make_policies(struct rng *rng, size_t n)
{
	static struct policy policies[MOST];
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < n; i++) {
		do
			policies[i] = random_policy(rng);
		while (has_twin(policies, i, &policies[i]));
		dump_policy(f, &policies[i], 0, &style);
	}
	fclose(f);
	setkey_rewrite_spd(text, stdout);
}

static int rewrite(void (*how)(const char *dump, FILE *to))
{
	AUTO_FREE char *text = calloc(1, INPUT_MAX + 1);

	if (!text || fread(text, 1, INPUT_MAX, stdin) == INPUT_MAX)
		return EXIT_FAILURE;
	how(text, stdout);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct rng_seeded rng;
	size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

	if (argc == 2 && strcmp(argv[1], "sad") == 0)
		return rewrite(setkey_rewrite_sad);
	if (argc == 2 && strcmp(argv[1], "spd") == 0)
		return rewrite(setkey_rewrite_spd);
	if (argc != 4 || strcmp(argv[1], "make") != 0 || !n || n > MOST)
		return 2;
	rng_seeded_init(&rng, strtoul(argv[2], NULL, 10));
	make_sas(&rng.rng, n);
	make_policies(&rng.rng, n);
	return EXIT_SUCCESS;
}
