/*
 * What keyd, and whoever loads the configuration for key exchange, may send to policyd: the first octet
 * chooses the message, the rest is its body. What a decoder accepts is fit to be used without another look; a
 * grant is asked for by each question that is one, and never given, for nobody here can make a ticket.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "policyd/generate_rules.h"
#include "policyd/ike_file.h"
#include "policyd/keyd_msg.h"
#include "ipc/types.h"
#include "policyd/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MATCH, DONE, ASK, DROP, BEGIN, ROW, COMMIT, FILE_, OK, MAKE, POLICY_DROP, KINDS };

static void must(bool true_)
{
	if (!true_)
		abort();
}

static void match(const struct ipc_record *rec)
{
	AUTO_SPD struct spd *spd = NULL;
	struct policy p = {.id = 1, .dir = POLICY_OUT, .action = POLICY_IPSEC};
	struct selector back;
	struct msg_match m;
	struct err_text e;
	const char *why;

	if (msg_match_decode(rec, &m, &e) < 0 || spd_new(&spd) < 0)
		return;
	must(selector_check(&m.out, &why) == 0 && m.local.family && m.remote.family);
	back = match_mirror(&m.out);
	back = match_mirror(&back);
	must(selector_equal(&back, &m.out));
	p.sel = m.out;
	if (spd_insert(spd, &p, NULL) == 0)
		must(match_policy(spd, POLICY_OUT, &m.out, &m.local, &m.remote));
	must(!match_policy(spd, POLICY_IN, &m.out, &m.local, &m.remote));
}

static void ask(const struct ipc_record *rec)
{
	static const struct ticket_key key = {{1}};
	const struct ike_gens none = {0};
	AUTO_SPD struct spd *spd = NULL;
	struct grant_terms terms;
	struct msg_grant_ask m;
	struct err_text e = {{0}};

	if (msg_grant_ask_decode(rec, &m, &e) < 0 || spd_new(&spd) < 0 || ticket_init(&e) < 0)
		return;
	must(m.local.family && m.remote.family && m.ticket_len <= sizeof(m.ticket));
	must(grant_judge(&(struct grant_world){.key = &key, .gens = &none, .spd = spd},
	         &(struct grant_ask){.ticket = m.ticket,
	             .ticket_len = m.ticket_len,
	             .policy_id = m.policy_id,
	             .local = m.local,
	             .remote = m.remote},
	         &terms, &e) < 0);
	must(e.s[0]);
}

static void row(const struct ipc_record *rec)
{
	struct ike_load l = {0};
	struct ike_row r;
	struct err_text e = {{0}};

	if (msg_ike_row_decode(rec, &r, &e) < 0) {
		must(e.s[0]);
		return;
	}
	must(strnlen(r.name, sizeof(r.name)) <= IKE_CONF_TEXT_MAX &&
	     ike_sets_known(r.child.enc, r.child.auth));
	must(ike_load_begin(&l, 1, 1, &e) == 0);
	ike_load_row(&l, 0, &r);
	must(l.n_rows == 1 && l.view->n_peers == r.is_peer);
	ike_load_forget(&l);
}

static void file(const uint8_t *data, size_t n)
{
	AUTO_IKE_VIEW struct ike_view *v = NULL;
	struct err_text e = {{0}};

	if (ike_file_decode(data, n, &v, &e) < 0)
		must(!v && e.s[0]);
	else
		must(v->generation && v->n_peers <= IKE_PEERS_MAX && v->n_addrs <= v->n_peers);
}

/* Without a ticket nothing is made. */
static void make(const struct ipc_record *rec)
{
	static const struct ticket_key key = {{1}};
	const struct ike_gens none = {0};
	struct err_text e = {{0}};
	struct generate_pair pair;
	struct ticket t;
	struct msg_make m;

	if (msg_make_decode(rec, &m, &e) < 0 || ticket_init(&e) < 0)
		return;
	must(generate_judge(&(struct grant_world){.key = &key, .gens = &none},
	         &(struct generate_ask){.ticket = m.ticket,
	             .ticket_len = m.ticket_len,
	             .out = &m.out,
	             .local = m.local,
	             .remote = m.remote},
	         &t, &pair, &e) < 0);
	must(e.s[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ipc_record rec;
	struct err_text e;
	struct msg_ike_begin b;
	uint64_t id;
	uint32_t policy_id;
	bool ok;

	if (!n)
		return 0;
	rec = (struct ipc_record){.type = IPC_ERROR, .body = data + 1, .body_len = n - 1};
	switch (data[0] % KINDS) {
	case MATCH:
		match(&rec);
		break;
	case DONE:
		(void)msg_acquire_done_decode(&rec, &id, &ok);
		break;
	case ASK:
		ask(&rec);
		break;
	case DROP:
		(void)msg_grant_drop_decode(&rec, &id);
		break;
	case BEGIN:
		if (msg_ike_begin_decode(&rec, &b, &e) == 0)
			must(inet_addr_cmp(&b.pool_first, &b.pool_last) <= 0);
		break;
	case ROW:
		row(&rec);
		break;
	case MAKE:
		make(&rec);
		break;
	case POLICY_DROP:
		(void)msg_policy_drop_decode(&rec, &policy_id);
		break;
	case COMMIT:
		(void)msg_ike_commit_decode(&rec, &id);
		break;
	case FILE_:
		file(rec.body, rec.body_len);
		break;
	default:
		must(msg_ok_decode(&rec, &e) < 0);
	}
	return 0;
}
