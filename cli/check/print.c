#include "cli/check/check.h"

void check_print(FILE *to, const struct native_note *n)
{
	fprintf(to, "%s:%u:%u: %s: %s\n", n->file, n->line, n->column, n->is_error ? "error" : "warning",
	    n->text);
	if (!n->source[0])
		return;
	fprintf(to, "    %s\n", n->source);
	/* What is hidden of a line has no columns. */
	if (n->column <= strlen(n->source))
		fprintf(to, "    %*s\n", (int)n->column, "^");
}
