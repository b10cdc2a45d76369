/*
 * The setkey reader on any bytes: it ends, what it hands out is valid, and its messages are plain text with a
 * place.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/setkey/setkey.h"
#include "support/setkey_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int on_stmt(void *arg, struct setkey_stmt *s)
{
	const char *why;

	(void)arg;
	if (s->at.line < 1 || s->at.column < 1 || s->end.line < s->at.line)
		abort();
	if (s->verb == SETKEY_ADD || s->verb == SETKEY_UPDATE) {
		if (sa_desc_check(&s->sa.desc, &why) < 0)
			abort();
		if (s->sa.enc_key && secret_len(s->sa.enc_key) != s->sa.desc.enc_key_len)
			abort();
		if (s->sa.auth_key && secret_len(s->sa.auth_key) != s->sa.desc.auth_key_len)
			abort();
	}
	if (s->verb == SETKEY_GET || s->verb == SETKEY_GETSPI || s->verb == SETKEY_DELETE ||
	    s->verb == SETKEY_DELETEALL) {
		bool with_spi = s->verb == SETKEY_GET || s->verb == SETKEY_DELETE;

		if (s->id.src.family != s->id.dst.family || !s->id.proto || with_spi != (s->id.spi >= 256))
			abort();
	}
	if (s->verb >= SETKEY_SPDADD && s->verb <= SETKEY_SPDDELETE && policy_check(&s->policy, &why) < 0)
		abort();
	return 0;
}

static void on_message(void *arg, enum setkey_severity sev, const char *text)
{
	(void)arg;
	(void)sev;
	if (strncmp(text, "fuzz:", 5) != 0)
		abort();
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct setkey_reader reader = {
	    .file = "fuzz",
	    .names = &setkey_rig_names,
	    .on_stmt = on_stmt,
	    .on_message = on_message,
	};
	static struct err_text e;

	if (secret_init(64 * 1024, &e) < 0)
		return 0;
	if (setkey_complete_len((const char *)data, n) > n || setkey_read(&reader, data, n) < 0)
		abort();
	return 0;
}
