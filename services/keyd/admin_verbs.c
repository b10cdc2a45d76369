/*
 * The admin socket's own verbs: a configuration is loaded; those about SAs are admin_sas.c's.
 */
#include <errno.h>

#include "crypto/crypto.h"
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

/* What a file says of the log holds until the next one; one that says nothing goes by the launcher's word. */
static void set_log(struct keyd *k, const struct ike_conf *c)
{
	static const enum log_level levels[] = {[IKE_LOG_NONE] = LOG_LEVEL_NONE,
	    [IKE_LOG_ERROR] = LOG_LEVEL_ERROR,
	    [IKE_LOG_WARNING] = LOG_LEVEL_WARNING,
	    [IKE_LOG_NOTIFY] = LOG_LEVEL_INFO, /* racoon-conf.md, D6 */
	    [IKE_LOG_INFO] = LOG_LEVEL_INFO,
	    [IKE_LOG_DEBUG] = LOG_LEVEL_DEBUG,
	    [IKE_LOG_DEBUG2] = LOG_LEVEL_DEBUG};

	if (c->log)
		log_set_level(levels[c->log]);
	else if (k->level_is_files)
		log_set_level(log_level_parse(service_settings(k->service)->log_level));
	k->level_is_files = c->log != IKE_LOG_NONE;
	log_set_syslog_tag(c->as_racoon ? "racoon" : NULL);
}

static void say_socket(const struct keyd *k, int fd, const char *any)
{
	if (fd >= 0)
		service_log(k->service, LOG_LEVEL_INFO, "socket.used", "%s[%d] used as isakmp port (fd=%d)",
		    any, IKE_PORT, fd);
}

/* What racoon says when it has read its file. */
static void say_racoon(const struct keyd *k, const struct ike_conf *c)
{
	char a[INET_ADDR_STRLEN];

	service_log(k->service, LOG_LEVEL_INFO, "conf.product", "@(#)racoon (Postern " POSTERN_VERSION ")");
	service_log(
	    k->service, LOG_LEVEL_INFO, "conf.library", "@(#)This product linked %s", crypto_engine_name());
	/* Its sockets carry a mark that the packet filter lets by. */
	service_log(k->service, LOG_LEVEL_INFO, "socket.bypass", "setsockopt_bypass: in bypass");
	service_log(k->service, LOG_LEVEL_INFO, "socket.bypass", "setsockopt_bypass: out bypass");
	if (!c->n_listen) {
		service_log(
		    k->service, LOG_LEVEL_DEBUG, "socket.default", "configuring default isakmp port.");
		say_socket(k, k->udp4, "0.0.0.0");
		say_socket(k, k->udp6, "::");
	}
	for (uint8_t i = 0; i < c->n_listen; i++)
		service_log(k->service, LOG_LEVEL_INFO, "socket.used", "%s[%u] used as isakmp port%s",
		    inet_addr_format(&c->listen[i].addr, a), c->listen[i].port,
		    c->listen[i].natt ? " with NAT-T" : "");
}

static int take(void *arg, uint64_t generation, struct ike_load *l, struct err_text *e)
{
	struct keyd *k = arg;
	int r = core_load(k->core, generation, l->conf);

	if (r < 0)
		return err_set(e, r, "out of memory");
	k->holder = NULL; /* of the one before */
	set_log(k, l->conf);
	if (l->conf->as_racoon && l->conf->n_peers)
		say_racoon(k, l->conf);
	keep(k, generation, l);
	service_log(k->service, LOG_LEVEL_INFO, "conf.loaded", "generation=%llu peers=%u children=%u",
	    (unsigned long long)generation, l->conf->n_peers, l->conf->n_children);
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

/* A program named racoon stays as long as its configuration holds, and the other way round: however it ends.
 */
static int on_hold(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct keyd *k = keyd_of_conn(c);
	uint64_t generation = ike_load_generation(rec);

	if (!generation)
		return -EBADMSG;
	if (!k->core->conf || k->core->conf->generation != generation)
		return ipc_conn_send_error(
		    c, rec->id, ESTALE, "another configuration has been loaded meanwhile");
	k->holder = c;
	service_log(k->service, LOG_LEVEL_DEBUG, "conf.held", "generation=%llu ends with racoon",
	    (unsigned long long)generation);
	return ipc_conn_send(c, IPC_OK, rec->id, NULL);
}

/* As if an empty one had been loaded. */
static void unload(struct keyd *k)
{
	struct ike_conf *none = ike_conf_new();

	service_log(k->service, LOG_LEVEL_NOTICE, "conf.unloaded",
	    "racoon is gone without a word, and its configuration with it");
	(void)service_unstore_fd(k->service, "conf");
	if (!none || core_load(k->core, k->core->conf->generation + 1, none) < 0) {
		ike_conf_free(none);
		service_log(k->service, LOG_LEVEL_ERROR, "conf.unloaded",
		    "out of memory: it is still negotiated by it");
		return;
	}
	service_set_state(k->service, "negotiating with 0 peers");
}

void keyd_admin_on_close(struct ipc_conn *c)
{
	struct keyd *k = keyd_of_conn(c);

	if (k->holder == c) {
		k->holder = NULL;
		unload(k);
	}
	admin_sas_on_close(c);
	ike_load_close(&keyd_of_conn(c)->load, c);
}

enum { READERS = IPC_ROLE_ADMIN | IPC_ROLE_ROOT };

const struct ipc_rule keyd_admin_rules[] = {
    {IPC_IKE_LOAD_BEGIN, "ike.load.begin", IPC_ROLE_ROOT, 16 << 10, 1, 1, false, on_begin, false},
    {IPC_IKE_LOAD_ROW, "ike.load.row", IPC_ROLE_ROOT, 60 << 10, 0, 1, false, on_row, false},
    {IPC_IKE_LOAD_PREPARE, "ike.load.prepare", IPC_ROLE_ROOT, 64, 1, 1, false, on_prepare, false},
    {IPC_IKE_LOAD_COMMIT, "ike.load.commit", IPC_ROLE_ROOT, 64, 1, 1, false, on_commit, false},
    {IPC_IKE_HOLD, "ike.hold", IPC_ROLE_ROOT, 64, 1, 1, false, on_hold, false},
    {IPC_IKE_DUMP, "ike.dump", READERS, 64, 1, 100, false, admin_on_dump, false},
    {IPC_IKE_FIND, "ike.find", READERS, 512, 4, 1, false, admin_on_find, false},
    {IPC_IKE_UP, "ike.up", IPC_ROLE_ROOT, 8192, 16, 10, false, admin_on_up, false},
    {IPC_IKE_END, "ike.end", IPC_ROLE_ROOT, 512, 4, 10, false, admin_on_end, false},
    {IPC_IKE_RENEW, "ike.renew", IPC_ROLE_ROOT, 512, 4, 10, false, admin_on_renew, false},
};
const size_t keyd_n_admin_rules = ARRAY_SIZE(keyd_admin_rules);
