/*
 * Edit distance over a full table: words are short, and a table that fits a cache line or two beats anything
 * clever.
 */
#include "base/nearest.h"

#include <stddef.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned d[NEAREST_MAX + 1][NEAREST_MAX + 1];

	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			d[i][j] = least(
			    least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

const char *nearest_word(const char *word, const char *const *list)
{
	size_t n = strlen(word);
	unsigned limit = n > 3 ? 2 : 1, best = 2 * (limit + 1);
	const char *found = NULL;

	if (n > NEAREST_MAX)
		return NULL;
	for (; *list; list++) {
		size_t m = strlen(*list);
		unsigned d = m > NEAREST_MAX ? limit + 1 : distance(word, n, *list, m);
		unsigned score =
		    2 * d + (m != n); /* a tie goes to the word of equal length: letters swapped */

		if (d <= limit && score < best) {
			best = score;
			found = *list;
		}
	}
	return found;
}
