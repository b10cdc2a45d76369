/*
 * Any file that somebody asks about: what comes out prints, and has an end.
 */
#include <stdint.h>
#include <stdlib.h>

#include "pki/look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool true_)
{
	if (!true_)
		abort();
}

static void must_print(const char *text)
{
	for (; *text; text++)
		must(*text >= ' ' && *text <= '~');
}

static void words_must_print(const struct pki_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		must_print(w->v[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_PKI_LOOK struct pki_look l = {0};
	struct err_text e = {""};

	if (pki_look(data, n, NULL, 1800000000, &l, &e) < 0) {
		must(e.s[0] && !l.n);
		return 0;
	}
	must(l.n && l.n <= PKI_ITEMS_MAX);
	for (size_t i = 0; i < l.n; i++) {
		must_print(l.item[i].subject);
		must_print(l.item[i].issuer);
		must_print(l.item[i].serial);
		must_print(l.item[i].key);
		words_must_print(&l.item[i].names);
		words_must_print(&l.item[i].uses);
		words_must_print(&l.item[i].unfit);
	}
	return 0;
}
