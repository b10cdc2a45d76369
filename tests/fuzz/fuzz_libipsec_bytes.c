/*
 * ipsec_dump_policy(3) on any bytes whose length is what they say it is: nothing beyond them is read, and
 * what the language can say of the text comes back as the same text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet6/ipsec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* In memory of exactly its size, so that a sanitizer sees the first octet beyond it. */
static uint8_t *exact(const uint8_t *data, size_t n)
{
	uint16_t units = (uint16_t)(n / 8 < UINT16_MAX ? n / 8 : UINT16_MAX);
	size_t len = units ? (size_t)units * 8 : sizeof(units);
	uint8_t *buf = malloc(len);

	if (!buf)
		abort();
	memset(buf, 0, len);
	memcpy(buf, data, n < len ? n : len);
	memcpy(buf, &units, sizeof(units));
	return buf;
}

static void there_and_back(const uint8_t *buf, const char *text)
{
	char *again = ipsec_set_policy(text, (int)strlen(text)), *text2;
	struct sadb_x_policy h;

	memcpy(&h, buf, sizeof(h));
	/* Not everything that bytes can say is in the language; requests belong to `ipsec` only. */
	if (!again || h.sadb_x_policy_type != IPSEC_POLICY_IPSEC) {
		free(again);
		return;
	}
	text2 = ipsec_dump_policy_withports(again, NULL);
	if (!text2 || strcmp(text, text2) != 0)
		abort();
	free(text2);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *buf = exact(data, n);
	char *plain = ipsec_dump_policy(buf, "; "), *text = ipsec_dump_policy_withports(buf, NULL);

	if (!plain != !text)
		abort();
	if (text && ipsec_get_policylen(buf) < 16)
		abort();
	if (!text && strcmp(ipsec_strerror(), "Success") == 0)
		abort();
	if (text)
		there_and_back(buf, text);
	free(text);
	free(plain);
	free(buf);
	return 0;
}
