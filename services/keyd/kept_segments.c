/*
 * The segments of what outlives this process (keep/), between it and the launcher's store.
 */
#include <errno.h>
#include <string.h>

#include "keyd/keep/keep.h"
#include "keyd/keyd.h"

static int store(void *arg, const char *name, int fd)
{
	int r = service_store_fd(arg, name, fd);

	if (r < 0)
		log_notice("store.none", "nobody keeps established SAs for a restart of this service: %s",
		    err_name(r));
	return r;
}

static void forget(void *arg, const char *name)
{
	(void)service_unstore_fd(arg, name);
}

static void say(void *arg, const char *what)
{
	(void)arg;
	log_warning("keep", "%s", what);
}

int keyd_keep(struct keyd *k, struct err_text *e)
{
	const struct keep_env env = {
	    .rng = &rng_kernel, .store = store, .forget = forget, .log = say, .arg = k->service};
	const char *name;

	k->keep = keep_new(&env);
	if (!k->keep)
		return err_set(e, -ENOMEM, "out of memory");
	while ((name = service_next_fd_name(k->service, "sas-", NULL))) {
		char copy[KEEP_NAME_MAX] = "";

		if (strlen(name) < sizeof(copy))
			memcpy(copy, name, strlen(name) + 1);
		(void)!keep_adopt(k->keep, copy, service_take_fd(k->service, name));
	}
	return 0;
}
