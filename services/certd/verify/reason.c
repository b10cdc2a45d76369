/*
 * The list, as a table.
 */
#include "certd/verify/reason.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	const char *name, *sentence, *remedy;
} rows[VERIFY_REASONS_N] = {
#define ROW(name_, text_, sentence_, remedy_) [VERIFY_##name_] = {text_, sentence_, remedy_},
    VERIFY_REASONS(ROW)
#undef ROW
};

const char *verify_reason_name(enum verify_reason r)
{
	return (unsigned)r < VERIFY_REASONS_N ? rows[r].name : "?";
}

const char *verify_reason_sentence(enum verify_reason r)
{
	return (unsigned)r < VERIFY_REASONS_N ? rows[r].sentence : "?";
}

const char *verify_reason_remedy(enum verify_reason r)
{
	return (unsigned)r < VERIFY_REASONS_N ? rows[r].remedy : "?";
}

int verify_reason_code(enum verify_reason r)
{
	return r == VERIFY_ID_MISMATCH || r == VERIFY_ID_UNEXPECTED ? EACCES : EBADMSG;
}
