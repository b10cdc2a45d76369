/*
 * One service after the other: a configuration is small, and whoever loads it waits for all of them anyway.
 */
#include "cli/racoon/load.h"

#include "base/rng.h"

static const char *const names[LOAD_SERVICES] = {[LOAD_CERTD] = "certd",
    [LOAD_VERIFY] = "certd-verify",
    [LOAD_POLICYD] = "policyd",
    [LOAD_HOOKS] = "hooks",
    [LOAD_KEYD] = "keyd"};

static int open_all(struct cli *cli, struct ipc_sync *s[LOAD_SERVICES], struct err_text *e)
{
	int r = 0;

	for (int i = 0; r == 0 && i < LOAD_SERVICES; i++)
		r = cli_open_service(cli, names[i], &s[i], e);
	return r;
}

static int prepare(struct cli *cli, const struct ike_conf *c, int secrets, struct passphrases *known,
    struct ipc_sync *s[LOAD_SERVICES], struct err_text *e)
{
	int r = 0;

	for (int i = 0; r == 0 && i < LOAD_SERVICES; i++)
		r = i == LOAD_HOOKS ? load_send_hooks(s[i], c, e) : load_send_conf(s[i], c, e);
	if (r == 0)
		r = racoon_send_credentials(cli, c, secrets, s[LOAD_CERTD], s[LOAD_VERIFY], known, e);
	for (int i = 0; r == 0 && i < LOAD_SERVICES; i++) {
		r = load_prepare(s[i], e);
		if (r < 0)
			(void)err_prefix(e, r, "%s does not take the configuration", names[i]);
	}
	return r;
}

/* Names this load. Not the time, which may be set back: a proof of a configuration that is gone must not pass
 * for one of this. */
static uint64_t any_number(void)
{
	uint64_t n;

	rng_kernel.fill(&rng_kernel, &n, sizeof(n));
	return n >> 1 | 1;
}

int racoon_load(struct cli *cli, const struct ike_conf *c, int secrets, struct passphrases *known,
    uint64_t *ret_generation, struct err_text *e)
{
	struct ipc_sync *s[LOAD_SERVICES] = {NULL};
	uint64_t generation = any_number();
	int r = open_all(cli, s, e);

	*ret_generation = generation;
	if (r == 0)
		r = prepare(cli, c, secrets, known, s, e);
	for (int i = 0; r == 0 && i < LOAD_SERVICES; i++) {
		r = load_commit(s[i], generation, e);
		if (r < 0)
			(void)err_prefix(e, r,
			    "%s did not commit; the services before it did, so load the configuration again",
			    names[i]);
	}
	for (int i = 0; i < LOAD_SERVICES; i++)
		(void)ipc_sync_close(s[i]);
	return r;
}
