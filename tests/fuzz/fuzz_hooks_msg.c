/*
 * What keyd may send to hooks, which is what strangers said to keyd, and hooks is root: an odd first octet is
 * ipsecctl's record of a script, an even one keyd's. What the decoder accepts is within its bounds, and the
 * environment made of it has one line a variable, of octets that mean nothing to a shell.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/env.h"
#include "hooks/hooks_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool true_)
{
	if (!true_)
		abort();
}

static bool is_harmless(const char *value)
{
	return value[0] != '-' &&
	       value[strspn(
	           value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:/=,+% ")] == 0;
}

static void check(const struct hook_event *x)
{
	struct hook_env env;

	must(x->hook > IKE_HOOK_NONE && x->hook < IKE_HOOKS && x->generation && x->peer < IKE_PEERS_MAX);
	must(x->local.family != INET_NONE && x->remote.family != INET_NONE);
	must(hook_env_make(x, &env) == 0);
	must(env.n == (x->has_given ? HOOK_ENV_MAX : 6U));
	for (size_t i = 0; i < env.n; i++) {
		const char *value = strchr(env.v[i], '=');

		must(value && is_harmless(value + 1));
		/* Only lists have blanks. */
		must(!strchr(value, ' ') ||
		     strstr(env.v[i], "_LIST=") == env.v[i] + strcspn(env.v[i], "=") - 5 ||
		     strncmp(env.v[i], "SPLIT_", 6) == 0);
	}
	hook_env_fini(&env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct hook_event x;
	struct hook_put p;
	struct ipc_record rec;

	if (!n)
		return 0;
	rec = (struct ipc_record){.body = data + 1, .body_len = n - 1};
	if (data[0] & 1) {
		if (hooks_put_decode(&rec, &p) == 0)
			must(p.path[0] == '/' && strlen(p.path) <= IKE_CONF_TEXT_MAX && p.hook < IKE_HOOKS);
	} else if (hooks_event_decode(&rec, &x) == 0) {
		check(&x);
	}
	return 0;
}
