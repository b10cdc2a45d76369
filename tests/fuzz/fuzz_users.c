/*
 * A file of XAuth users of any octets: the first octet says how long the name is, which follows. A user who
 * is let in stands in the file, and so do the groups. Hashes that take their time are left out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char word[] = "rasmuslerdorf";
	static struct secret *password;
	char groups[USERS_GROUPS_MAX];
	struct ike1_octets name;
	struct err_text e;
	const char *text;

	if (!password) {
		check(secret_init(64 * 1024, &e) == 0);
		check((password = secret_new(sizeof(word))) != NULL);
		check(secret_set(password, word, sizeof(word) - 1) == 0);
	}
	if (n < 1 || n < 1u + data[0])
		return 0;
	name = (struct ike1_octets){data + 1, data[0]};
	text = (const char *)data + 1 + name.n;
	n -= 1 + name.n;
	if (memchr(text, '$', n) || memchr(text, '_', n))
		return 0;
	if (users_check(text, n, name, password, groups, &e) != 0)
		return 0;
	check(name.n > 0 && memmem(text, n, name.p, name.n) != NULL);
	check(memchr(groups, '\0', sizeof(groups)) != NULL);
	check(memmem(text, n, groups, strlen(groups)) != NULL);
	return 0;
}
