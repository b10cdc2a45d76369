/*
 * A racoon.conf, and behind a zero octet policies in setkey's language, both of any octets. What is written
 * of them is a native file that its reader takes, and whatever is told has a place.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "config/convert/convert.h"
#include "config/native/native.h"
#include "config/racoon/racoon.h"
#include "support/setkey_rig.h"

enum { POLICIES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct convert_policy policies[POLICIES_MAX];
static uint32_t n_policies;

static void quiet(void *arg, bool is_error, const char *text)
{
	(void)arg;
	(void)is_error;
	(void)text;
}

static void silent(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static int load(void *arg, const char *path, char **ret, size_t *ret_n)
{
	(void)arg;
	(void)path;
	(void)ret;
	(void)ret_n;
	return -ENOENT;
}

static int on_stmt(void *arg, struct setkey_stmt *s)
{
	(void)arg;
	if ((s->verb == SETKEY_SPDADD || s->verb == SETKEY_SPDUPDATE) && n_policies < POLICIES_MAX)
		policies[n_policies++] =
		    (struct convert_policy){.p = s->policy, .file = "s", .line = s->at.line};
	return 0;
}

static void on_message(void *arg, enum setkey_severity sev, const char *text)
{
	(void)arg;
	(void)sev;
	(void)text;
}

static void read_policies(const uint8_t *text, size_t n)
{
	const struct setkey_reader reader = {
	    .file = "s", .names = &setkey_rig_names, .on_stmt = on_stmt, .on_message = on_message};
	struct err_text e;

	if (secret_init(64 * 1024, &e) < 0 || setkey_read(&reader, text, n) < 0)
		abort();
}

static void say(void *arg, enum convert_fate fate, const char *file, uint32_t line, const char *text)
{
	(void)arg;
	if ((fate != CONVERT_APPROXIMATED && fate != CONVERT_DROPPED) || !file || !line || !*text)
		abort();
}

static void refused(void *arg, const struct native_note *note)
{
	if (!note->is_error)
		return;
	fprintf(stderr, "%u:%u: %s\n%s", note->line, note->column, note->text, (const char *)arg);
	abort();
}

static void read_back(const char *text, size_t n)
{
	const struct native_options o = {.say = refused, .arg = (void *)(uintptr_t)text};
	const struct native_text t = {.p = (char *)(uintptr_t)text, .n = n, .mode = 0600};
	AUTO_NATIVE_CONF struct native_conf *c = NULL;

	if (native_read_text("out", &t, &o, &c) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *zero = n ? memchr(data, 0, n) : NULL;
	size_t n_racoon = zero ? (size_t)(zero - data) : n;
	const struct racoon_options o = {.say = quiet, .load = load};
	AUTO_RC_TREE struct rc_tree *tree = NULL;
	AUTO_IKE_CONF struct ike_conf *ike = NULL;
	AUTO_SBUF struct sbuf out;
	struct convert_input in;

	sbuf_init(&out);
	n_policies = 0;
	if (racoon_read_text("r", (const char *)data, n_racoon, &o, &ike) == 0 &&
	    rc_tree_parse("r", (const char *)data, n_racoon, silent, NULL, &tree) < 0)
		abort();
	if (zero)
		read_policies(zero + 1, n - n_racoon - 1);
	in = (struct convert_input){ike, tree, policies, n_policies};
	if (convert_write(&in, &out, say, NULL) < 0)
		abort();
	read_back(sbuf_str(&out), out.len);
	return 0;
}
