/*
 * The admin socket's own verbs: a configuration is loaded; those about SAs are admin_sas.c's.
 */
#include <errno.h>

#include "ipc/ike_kept.h"
#include "ipc/ike_load.h"
#include "keyd/admin_sas.h"
#include "keyd/keyd.h"

/* So that the next life of this service has it at once. */
static void keep(struct keyd *k, uint64_t generation, const struct ike_load *l)
{
	AUTO_CLOSE int fd = ike_kept_seal(&l->kept, generation);
	int r = fd < 0 ? fd : service_store_fd(k->service, "conf", fd);

	if (r < 0)
		log_notice("store.none", "nobody keeps the configuration for a restart of this service: %s",
		    err_name(r));
}

static int take(void *arg, uint64_t generation, struct ike_load *l, struct err_text *e)
{
	struct keyd *k = arg;
	int r = core_load(k->core, generation, l->conf);

	if (r < 0)
		return err_set(e, r, "out of memory");
	keep(k, generation, l);
	log_info("conf.loaded", "generation=%llu peers=%u children=%u", (unsigned long long)generation,
	    l->conf->n_peers, l->conf->n_children);
	service_set_state(k->service, "negotiating with %u peers", l->conf->n_peers);
	l->conf = NULL;
	return 0;
}

static const struct ike_load_ops ops = {.take = take};

static struct keyd *keyd_of_conn(const struct ipc_conn *c)
{
	return keyd_of(service_of_conn(c));
}

void keyd_restore(struct keyd *k)
{
	int fd = service_take_fd(k->service, "conf");
	struct err_text e = {{0}};

	if (fd >= 0 && ike_load_restore(fd, &ops, k, NULL, NULL, &e) < 0)
		log_error("conf.restore",
		    "the configuration of before is lost: %s; load it again (ipsecctl racoon)", e.s);
}

static int on_begin(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_begin(&keyd_of_conn(c)->load, c, rec);
}

static int on_row(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_row(&keyd_of_conn(c)->load, c, rec);
}

static int on_prepare(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_prepare(&keyd_of_conn(c)->load, c, rec, &ops, keyd_of_conn(c));
}

static int on_commit(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_commit(&keyd_of_conn(c)->load, c, rec, &ops, keyd_of_conn(c));
}

void keyd_admin_on_close(struct ipc_conn *c)
{
	admin_sas_on_close(c);
	ike_load_close(&keyd_of_conn(c)->load, c);
}

enum { READERS = IPC_ROLE_ADMIN | IPC_ROLE_ROOT };

const struct ipc_rule keyd_admin_rules[] = {
    {IPC_IKE_LOAD_BEGIN, "ike.load.begin", IPC_ROLE_ROOT, 16 << 10, 1, 1, false, on_begin, false},
    {IPC_IKE_LOAD_ROW, "ike.load.row", IPC_ROLE_ROOT, 60 << 10, 0, 1, false, on_row, false},
    {IPC_IKE_LOAD_PREPARE, "ike.load.prepare", IPC_ROLE_ROOT, 64, 1, 1, false, on_prepare, false},
    {IPC_IKE_LOAD_COMMIT, "ike.load.commit", IPC_ROLE_ROOT, 64, 1, 1, false, on_commit, false},
    {IPC_IKE_DUMP, "ike.dump", READERS, 64, 1, 100, false, admin_on_dump, false},
    {IPC_IKE_FIND, "ike.find", READERS, 512, 4, 1, false, admin_on_find, false},
    {IPC_IKE_UP, "ike.up", IPC_ROLE_ROOT, 8192, 16, 10, false, admin_on_up, false},
    {IPC_IKE_END, "ike.end", IPC_ROLE_ROOT, 512, 4, 10, false, admin_on_end, false},
};
const size_t keyd_n_admin_rules = ARRAY_SIZE(keyd_admin_rules);
