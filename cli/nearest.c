/*
 * Edit distance with neighbours swapped counted once ("statsu"), the commonest slip. Words are short: a full
 * table on the stack is the simplest thing that is right.
 */
#include "cli/cli.h"

#include <string.h>

enum { WORD_MAX = 32 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned distance(const char *a, const char *b)
{
	unsigned t[WORD_MAX + 1][WORD_MAX + 1];
	size_t n = strnlen(a, WORD_MAX), m = strnlen(b, WORD_MAX);

	for (size_t i = 0; i <= n; i++)
		t[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		t[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			unsigned diff = a[i - 1] != b[j - 1];

			t[i][j] = min3(t[i - 1][j] + 1, t[i][j - 1] + 1, t[i - 1][j - 1] + diff);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    t[i - 2][j - 2] + 1 < t[i][j])
				t[i][j] = t[i - 2][j - 2] + 1;
		}
	return t[n][m];
}

const char *cli_nearest(const char *word, const char *const *list)
{
	size_t n = strlen(word);
	unsigned limit = n <= 3 ? 1 : 2,
	         best = 2 * (limit + 1); /* one slip in a short word, two in a longer one */
	const char *found = NULL;

	for (; *list; list++) {
		unsigned d = distance(word, *list),
		         score = 2 * d + (strlen(*list) != n); /* a tie goes to equal length */

		if (d <= limit && score < best) {
			best = score;
			found = *list;
		}
	}
	return found;
}
