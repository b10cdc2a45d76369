/*
 * postern-certd: private and pre-shared keys, and nothing that a stranger wrote. No network, no file names,
 * and no socket(2).
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>

#include "certd/certd_msg.h"
#include "certd/kept_keys.h"
#include "certd/refusal.h"
#include "crypto/crypto.h"
#include "ipc/ike_kept.h"
#include "ipc/ike_load.h"
#include "service/service.h"
#include "ticket/key_file.h"

enum {
	KEPT_MAX = 100 /* peers with keys of their own that survive a restart */,
	ARENA =
	    4 << 20, /* an exchange of version 2 has two keys in it, of 128 octets with what is around each */
	MEMLOCK = 6 << 20,
	OPEN_FILES = 2 * IKE_PEERS_MAX + 1000, /* while a configuration is loaded: each peer's two */
};

struct certd {
	struct service *service;
	struct prover prover;
	struct ike_load *load;
	struct secret_region kept; /* while a configuration is restored: its keys behind passphrases */
	uint64_t n_proofs, n_refused;
	struct log_limit refusals;
};

static struct certd *certd_of(const struct ipc_conn *c)
{
	return service_data(service_of_conn(c));
}

static uint64_t now_ms(const struct certd *d)
{
	return clock_now_ms(service_clock(d->service));
}

/* Logged here too: keyd is told, but need not be believed to tell. */
static int refuse(struct certd *d, struct ipc_conn *c, uint32_t id, int r, const struct err_text *e)
{
	uint64_t held = 0;

	d->n_refused++;
	if (log_limit_ok(&d->refusals, &held))
		log_notice(refusal_event(r), "%s", e->s[0] ? e->s : err_name(r));
	if (held)
		log_notice("log.held", "%llu lines about refusals were left out", (unsigned long long)held);
	(void)ipc_conn_send_error(c, id, -r, "%s", e->s[0] ? e->s : err_name(r));
	return 0;
}

static int on_begin_exchange(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	struct certd *d = certd_of(c);
	const struct own_key *own = NULL;
	uint8_t nonce[NONCE_LEN];
	struct err_text e = {{0}};
	int r = certd_begin_decode(rec, &q);

	if (r < 0)
		return r;
	r = prove_begin(&d->prover, &q.session, q.we_began, now_ms(d), nonce, &own, &e);
	if (r < 0)
		return refuse(d, c, rec->id, r, &e);
	certd_send_begun(c, rec->id, nonce, own);
	return 0;
}

static int on_keys(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	AUTO(ike1_keys_fini) struct ike1_keys keys = {0};
	struct certd *d = certd_of(c);
	struct err_text e = {{0}};
	int r = certd_keys_decode(rec, &q);

	if (r < 0)
		return r;
	r = prove_keys(&d->prover, q.nonce, &q.facts, q.gxy, now_ms(d), &keys, &e);
	if (r < 0)
		return refuse(d, c, rec->id, r, &e);
	if (e.s[0])
		log_notice("psk.by_address", "%s", e.s);
	certd_send_keys(c, rec->id, &keys);
	return 0;
}

static int on_switch(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	struct certd *d = certd_of(c);
	const struct own_key *own = NULL;
	struct err_text e = {{0}};
	int r = certd_switch_decode(rec, &q);

	if (r < 0)
		return r;
	r = prove_switch(&d->prover, q.nonce, q.session.peer, now_ms(d), &own, &e);
	if (r < 0)
		return refuse(d, c, rec->id, r, &e);
	certd_send_begun(c, rec->id, q.nonce.p, own);
	return 0;
}

static int on_tell(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	struct certd *d = certd_of(c);
	struct err_text e = {{0}};
	int r = certd_tell_decode(rec, &q);

	if (r < 0)
		return r;
	r = prove_tell(&d->prover, q.nonce, &q.facts2, now_ms(d), &e);
	if (r < 0)
		return refuse(d, c, rec->id, r, &e);
	(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int on_prove(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	struct certd *d = certd_of(c);
	uint8_t proof[PROVE_PROOF_MAX];
	struct err_text e = {{0}};
	int r = certd_prove_decode(rec, &q);

	if (r < 0)
		return r;
	r = prove_us(&d->prover, q.nonce, q.id, now_ms(d), proof, &e);
	if (r < 0)
		return refuse(d, c, rec->id, r, &e);
	d->n_proofs++;
	certd_send_proof(c, rec->id, proof, (size_t)r);
	return 0;
}

static int on_verify(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	struct certd *d = certd_of(c);
	uint8_t word[PROVE_WORD_MAX];
	struct err_text e = {{0}};
	bool is_ticket;
	int r = certd_verify_decode(rec, &q);

	if (r < 0)
		return r;
	r = prove_peer(&d->prover, q.nonce, q.id, q.proof, now_ms(d), &is_ticket, word, &e);
	if (r < 0)
		return refuse(d, c, rec->id, r, &e);
	if (is_ticket && e.s[0])
		log_warning("peer.identity", "%s", e.s);
	if (is_ticket)
		certd_send_ticket(c, rec->id, word, (size_t)r);
	else
		certd_send_statement(c, rec->id, word, (size_t)r);
	return 0;
}

static int on_xauth_check(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	struct certd *d = certd_of(c);
	uint8_t ticket[TICKET_MAX];
	char groups[USERS_GROUPS_MAX] = "";
	struct err_text e = {{0}};
	int r = certd_xauth_check_decode(rec, &q);

	if (r < 0)
		return r;
	r = prove_user(&d->prover, &q.login, now_ms(d), ticket, groups, &e);
	if (r < 0)
		return refuse(d, c, rec->id, r, &e);
	d->n_proofs++;
	certd_send_xauth(c, rec->id, ticket, (size_t)r, groups);
	return 0;
}

static int on_xauth_password(struct ipc_conn *c, const struct ipc_record *rec)
{
	AUTO(certd_request_fini) struct certd_request q = {0};
	AUTO_SECRET struct secret *password = NULL;
	struct certd *d = certd_of(c);
	struct err_text e = {{0}};
	int r = certd_xauth_password_decode(rec, &q);

	if (r < 0)
		return r;
	r = prove_password(&d->prover, q.login.ticket, now_ms(d), &password, &e);
	if (r < 0)
		return refuse(d, c, rec->id, r, &e);
	certd_send_password(c, rec->id, password);
	return 0;
}

static const struct ipc_rule rules[] = {
    {IPC_IKE_BEGIN, "ike.begin", IPC_ROLE_KEYD, 128, 256, 1, false, on_begin_exchange, false},
    {IPC_IKE1_KEYS, "ike1.keys", IPC_ROLE_KEYD, 24 << 10, 256, 1, true, on_keys, false},
    {IPC_IKE1_SWITCH, "ike1.switch", IPC_ROLE_KEYD, 128, 256, 1, false, on_switch, false},
    {IPC_IKE2_TELL, "ike2.tell", IPC_ROLE_KEYD, 17 << 10, 256, 1, true, on_tell, false},
    {IPC_IKE_PROVE, "ike.prove", IPC_ROLE_KEYD, 2048, 256, 10, false, on_prove, false},
    {IPC_IKE_VERIFY, "ike.verify", IPC_ROLE_KEYD, 3072, 256, 1, false, on_verify, false},
    /* A hash that is slow on purpose: few at a time. */
    {IPC_XAUTH_CHECK, "xauth.check", IPC_ROLE_KEYD, 4096, 64, 40, true, on_xauth_check, false},
    {IPC_XAUTH_PASSWORD, "xauth.password", IPC_ROLE_KEYD, 2304, 64, 1, false, on_xauth_password, false},
};

static const struct ipc_edge edge = {
    .name = "certd.keyd",
    .version_min = 1,
    .version_max = 1,
    .rules = rules,
    .n_rules = ARRAY_SIZE(rules),
    .budget_rate = 2000,
    .budget_burst = 2000,
    .max_conns = 2, /* a restarting keyd's old connection may linger */
    .max_queued = 1 << 20,
};

static void free_creds(void *c)
{
	creds_free(c);
}

static int on_begin(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct certd *d = certd_of(c);
	int r = ike_load_begin(&d->load, c, rec);
	struct ike_load *l = r < 0 ? NULL : ike_load_of(&d->load, c);

	if (l && !l->extra) {
		l->extra = creds_new(l->n_peers);
		l->free_extra = free_creds;
	}
	return l && !l->extra ? -ENOMEM : r;
}

static int on_row(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_row(&certd_of(c)->load, c, rec);
}

/* One file, or why there is none. The descriptor is taken. */
static int add_file(struct creds *c, const struct certd_file *f, int fd, struct err_text *e)
{
	AUTO_CLOSE int unused = fd;

	if (!f->missing[0])
		return creds_add(c, f->kind, f->peer, f->name, take_fd(&unused), e);
	return creds_add_missing(c, f->kind, f->missing) < 0
	           ? err_set(e, -EINVAL, "%s may not be missing: %s", f->name, f->missing)
	           : 0;
}

static int on_credential(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct ike_load *l = ike_load_of(&certd_of(c)->load, c);
	AUTO_CLOSE int fd = ipc_conn_take_fd(c);
	struct err_text e = {{0}};
	struct certd_file f;
	int r;

	if (!l || certd_credential_decode(rec, &f) < 0)
		return -EBADMSG;
	r = add_file(l->extra, &f, take_fd(&fd), &e);
	if (r == 0)
		ike_kept_add(
		    &l->kept, &(struct ike_kept_piece){
		                  .type = rec->type, .body = rec->body, .n_body = (uint32_t)rec->body_len});
	if (r < 0)
		(void)ipc_conn_send_error(c, rec->id, -r, "%s", e.s);
	else
		(void)ipc_conn_send(c,
		    f.kind == CREDENTIAL_KEY && creds_is_locked(l->extra, f.peer) ? IPC_CREDENTIAL_LOCKED
		                                                                  : IPC_OK,
		    rec->id, NULL);
	return 0;
}

static int on_passphrase(struct ipc_conn *c, const struct ipc_record *rec)
{
	struct ike_load *l = ike_load_of(&certd_of(c)->load, c);
	AUTO_SECRET struct secret *passphrase = NULL;
	struct err_text e = {{0}};
	uint32_t peer;
	int r = l ? certd_passphrase_decode(rec, &peer, &passphrase) : -EBADMSG;

	if (r < 0)
		return r;
	r = creds_unlock(l->extra, peer, passphrase, &e);
	if (r < 0)
		(void)ipc_conn_send_error(c, rec->id, -r, "%s", e.s);
	else
		(void)ipc_conn_send(c, IPC_OK, rec->id, NULL);
	return 0;
}

static int check(void *arg, struct ike_load *l, struct err_text *e)
{
	int r = creds_read(l->extra, l->conf, e);

	/* Whoever loads it is told; who reads the log in the morning should be too. */
	if (r < 0)
		log_error(refusal_event(r), "the configuration is not taken: %s", e->s);
	return r;
}

static void warn_of_dates(const struct creds *c)
{
	struct err_text e;

	for (uint32_t i = 0; i < c->conf->n_peers; i++)
		if (c->own[i] && own_key_warning(c->own[i], &e))
			log_warning("certd.own", "remote %s: %s", c->conf->peer[i].name, e.s);
}

static int store(struct certd *d, const char *name, int fd)
{
	if (fd >= 0)
		return service_store_fd(d->service, name, fd);
	(void)service_unstore_fd(d->service, name); /* of the configuration before, perhaps */
	return 0;
}

/* What a passphrase has opened cannot be had from its file again. */
static int keep_unlocked(struct certd *d, const struct creds *c)
{
	AUTO_SECRET_REGION struct secret_region keys = SECRET_REGION_INIT;
	struct err_text e = {{0}};
	int r = kept_keys_make(c, KEPT_MAX, &keys, &e);

	if (r < 0)
		log_notice("store.keys",
		    "after a restart of this service the configuration has to be loaded again, because keys "
		    "behind passphrases are not kept: %s",
		    e.s);
	return store(d, "unlocked", keys.fd);
}

/* So that the next life of this service has it at once: the configuration, and the files as ipsecctl opened
 * them. */
static void keep(struct certd *d, uint64_t generation, const struct ike_load *l, struct creds *c)
{
	AUTO_CLOSE int fd = ike_kept_seal(&l->kept, generation);
	int r = fd < 0 ? fd : service_store_fd(d->service, "conf", fd);
	char name[24];

	if (r == 0)
		r = store(d, "psk", c->psk.fd);
	if (r == 0)
		r = store(d, "users", c->users.fd);
	if (r == 0)
		r = keep_unlocked(d, c);
	for (uint32_t i = 0; r == 0 && i < c->n_peers && i < KEPT_MAX; i++) {
		snprintf(name, sizeof(name), "cert-%u", i);
		r = store(d, name, c->cert[i].fd);
		snprintf(name, sizeof(name), "key-%u", i);
		if (r == 0)
			r = store(d, name, c->key[i].fd);
	}
	for (uint32_t i = KEPT_MAX; r == 0 && i < c->n_peers; i++)
		if (c->cert[i].fd >= 0 || c->key[i].fd >= 0)
			r = -ENOSPC;
	creds_close_from(c, KEPT_MAX);
	if (r == -ENOSPC)
		log_notice("store.none",
		    "more than %d remotes have certificates or keys: after a restart of this service the "
		    "configuration "
		    "has to be loaded again",
		    KEPT_MAX);
	else if (r < 0)
		log_notice(
		    "store.none", "nobody keeps the keys for a restart of this service: %s", err_name(r));
}

static int take(void *arg, uint64_t generation, struct ike_load *l, struct err_text *e)
{
	struct certd *d = arg;
	struct creds *c = take_ptr(l->extra);

	keep(d, generation, l, c);
	c->generation = generation;
	c->conf = take_ptr(l->conf);
	creds_free(d->prover.before);
	d->prover.before = d->prover.now;
	d->prover.now = c;
	warn_of_dates(c);
	log_info("conf.loaded", "generation=%llu peers=%u", (unsigned long long)generation, c->conf->n_peers);
	service_set_state(d->service, "proving us to %u peers", c->conf->n_peers);
	return 0;
}

static const struct ike_load_ops ops = {.check = check, .take = take};

static int restore_begun(void *arg, struct ike_load *l)
{
	l->extra = creds_new(l->n_peers);
	l->free_extra = free_creds;
	return l->extra ? 0 : -ENOMEM;
}

/* A file's record; the descriptor was kept under a name of its own. */
static int restore_file(void *arg, struct ike_load *l, const struct ike_kept_piece *p, struct err_text *e)
{
	const struct ipc_record rec = {.type = p->type, .body = p->body, .body_len = p->n_body};
	char stored[24] = "psk";
	struct ike1_octets key;
	struct certd *d = arg;
	struct certd_file f;
	int r;

	if (p->type != IPC_CREDENTIAL_PUT || certd_credential_decode(&rec, &f) < 0)
		return -EBADMSG;
	ike_kept_add(&l->kept, p);
	if (f.kind == CREDENTIAL_USERS)
		snprintf(stored, sizeof(stored), "users");
	else if (f.kind != CREDENTIAL_PSK)
		snprintf(stored, sizeof(stored), "%s-%u", f.kind == CREDENTIAL_KEY ? "key" : "cert", f.peer);
	r = add_file(l->extra, &f, service_take_fd(d->service, stored), e);
	if (r == 0 && f.kind == CREDENTIAL_KEY && kept_keys_find(d->kept.p, d->kept.len, f.peer, &key) == 0)
		r = creds_give_key(l->extra, f.peer, key.p, key.n, e);
	return r;
}

/* The keys behind passphrases, of an earlier life. */
static void adopt_unlocked(struct certd *d)
{
	int fd = service_take_fd(d->service, "unlocked");
	struct err_text e;

	d->kept = (struct secret_region)SECRET_REGION_INIT;
	if (fd < 0 || secret_region_adopt(fd, 0, &d->kept, &e) == 0)
		return;
	close(fd);
	log_error("store.keys", "keys behind passphrases that were kept are not used: %s", e.s);
}

static void restore(struct certd *d)
{
	int fd = service_take_fd(d->service, "conf");
	struct err_text e = {{0}};

	adopt_unlocked(d);
	if (fd >= 0 && ike_load_restore(fd, &ops, d, restore_begun, restore_file, &e) < 0) {
		log_error("conf.restore",
		    "the configuration of before is lost: %s; load it again (ipsecctl racoon)", e.s);
		service_set_state(d->service, "the configuration was lost in a restart: load it again");
	}
	secret_region_fini(&d->kept);
}

static int on_prepare(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_prepare(&certd_of(c)->load, c, rec, &ops, certd_of(c));
}

static int on_commit(struct ipc_conn *c, const struct ipc_record *rec)
{
	return ike_load_commit(&certd_of(c)->load, c, rec, &ops, certd_of(c));
}

static void on_close(struct ipc_conn *c)
{
	ike_load_close(&certd_of(c)->load, c);
}

static const struct ipc_rule admin_rules[] = {
    {IPC_IKE_LOAD_BEGIN, "ike.load.begin", IPC_ROLE_ROOT, 16 << 10, 1, 1, false, on_begin, false},
    {IPC_IKE_LOAD_ROW, "ike.load.row", IPC_ROLE_ROOT, 60 << 10, 0, 1, false, on_row, false},
    {IPC_CREDENTIAL_PUT, "credential.put", IPC_ROLE_ROOT, 2048, 64, 1, false, on_credential, true},
    {IPC_CREDENTIAL_PASSPHRASE, "credential.passphrase", IPC_ROLE_ROOT, 2048, 1, 1, true, on_passphrase,
        false},
    {IPC_IKE_LOAD_PREPARE, "ike.load.prepare", IPC_ROLE_ROOT, 64, 1, 1, false, on_prepare, false},
    {IPC_IKE_LOAD_COMMIT, "ike.load.commit", IPC_ROLE_ROOT, 64, 1, 1, false, on_commit, false},
};

static int open_privileged(struct service *s, struct err_text *e)
{
	static struct certd d;
	int r = secret_init(ARENA, e);

	d.service = s;
	prover_init(&d.prover, &rng_kernel);
	log_limit_init(&d.refusals, 20, 10);
	service_set_data(s, &d);
	if (r == 0)
		r = crypto_init(e);
	if (r == 0)
		r = ticket_init(e);
	return r < 0 ? r : ticket_key_file(service_settings(s)->run_dir, &d.prover.ticket_key, e);
}

static int start(struct service *s, struct err_text *e)
{
	service_set_state(s, "no configuration is loaded: no key is here");
	restore(service_data(s));
	return service_serve(s, &edge, NULL, e);
}

static void stop(struct service *s)
{
	struct certd *d = service_data(s);

	prover_fini(&d->prover);
}

static void status(struct service *s, struct service_status_sink *to)
{
	const struct certd *d = service_data(s);
	const struct creds *c = d->prover.now;
	uint32_t own = 0;

	for (uint32_t i = 0; c && i < c->conf->n_peers; i++)
		own += c->own[i] != NULL;
	service_status_add(to, "private keys", "%u", own);
	service_status_add(to, "users", "%s", c && c->users.fd >= 0 ? c->users.name : "none");
	service_status_add(to, "pre-shared keys", "%s", c && c->psk.fd >= 0 ? c->psk.name : "none");
}

static void stats(struct service *s, struct service_stats_sink *to)
{
	const struct certd *d = service_data(s);

	service_stats_add(to, "certd.proofs", d->n_proofs);
	service_stats_add(to, "certd.refused", d->n_refused);
	service_stats_add(to, "certd.too_often", d->prover.meter.n_refused);
	service_stats_add(to, "certd.exchanges", d->prover.exchanges.n);
	service_stats_add(to, "certd.gave_way", d->prover.exchanges.n_evicted);
}

int main(int argc, char **argv)
{
	static const int syscalls[] = {
	    /* Files come as descriptors and are read from their beginning. */
	    SCMP_SYS(pread64),
	    /* what the launcher keeps: the configuration, and keys in secret memory */
	    SCMP_SYS(memfd_create),
	    SCMP_SYS(memfd_secret),
	    SCMP_SYS(ftruncate),
	    SCMP_SYS(fstatfs),
	    SCMP_SYS(mlock),
	    SCMP_SYS(mlock2),
	};
	const struct service_def def = {
	    .name = "certd",
	    .syscalls = syscalls,
	    .n_syscalls = ARRAY_SIZE(syscalls),
	    .no_sockets = true,
	    .memlock_bytes = MEMLOCK,
	    .open_files = OPEN_FILES,
	    .open_privileged = open_privileged,
	    .start = start,
	    .stop = stop,
	    .admin_rules = admin_rules,
	    .n_admin_rules = ARRAY_SIZE(admin_rules),
	    .admin_on_close = on_close,
	    .status = status,
	    .stats = stats,
	};

	return service_main(&def, argc, argv);
}
