/*
 * ipsec_set_policy(3) on any bytes: an error with words, or a binary policy whose text stands for the same
 * bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet6/ipsec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_words(const char *text)
{
	if (!*text || strcmp(text, "Success") == 0)
		abort();
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *policy = ipsec_set_policy((const char *)data, (int)n), *text, *again;
	int len;

	if (!policy) {
		check_words(ipsec_strerror());
		return 0;
	}
	len = ipsec_get_policylen(policy);
	text = ipsec_dump_policy_withports(policy, "\n");
	if (len < 16 || !text)
		abort();
	again = ipsec_set_policy(text, (int)strlen(text));
	if (!again || ipsec_get_policylen(again) != len || memcmp(again, policy, (size_t)len) != 0)
		abort();
	free(again);
	free(text);
	free(policy);
	return 0;
}
