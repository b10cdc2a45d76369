/*
 * Statements own secrets, so they are moved, never copied.
 */
#include "config/setkey/setkey.h"

#include <string.h>

void setkey_stmt_move(struct setkey_stmt *to, struct setkey_stmt *from)
{
	*to = *from;
	memset(from, 0, sizeof(*from));
}

void setkey_stmt_fini(struct setkey_stmt *s)
{
	if (s->verb == SETKEY_ADD || s->verb == SETKEY_UPDATE) {
		secret_free(s->sa.enc_key);
		secret_free(s->sa.auth_key);
	}
	memset(s, 0, sizeof(*s));
}
