/*
 * What keyd and policyd say about negotiated SAs, as a row of records: an octet that chooses the message, two
 * for its length, the body. They are decoded and done; whatever they are, every SA is then one that some
 * grant allowed.
 */
#include <stdint.h>
#include <stdlib.h>

#include "datapathd/keyd_msg.h"
#include "datapathd/moved.h"
#include "support/path_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RECORDS_MAX = 64, HEAD = 3 };

static struct path_rig rig;
static struct grants grants;
static const char keyd[1];
static const struct granted_by by = {.holder = keyd, .pid = 1};
/* The last number given out: a body cannot know it, so a message about number 0 means this one. */
static uint32_t last_spi;
static uint64_t last_serial;

static void put(const struct ipc_record *rec)
{
	struct grant g;
	struct err_text e;

	if (msg_grant_decode(rec, &g, &e) < 0)
		return;
	for (unsigned i = 0; i < g.n_requests; i++)
		if (g.req[i].mode != IPSEC_TRANSPORT && g.req[i].mode != IPSEC_TUNNEL)
			abort();
	if (!g.id || !g.n_requests || g.local.family != g.remote.family)
		abort();
	if (grants_put(&grants, &g, rig.clock.ms) == 0 && !grants_find(&grants, g.id))
		abort();
}

static void gone(const struct ipc_record *rec)
{
	struct err_text e;
	uint64_t id;

	if (msg_grant_gone_decode(rec, &id, &e) < 0)
		return;
	if (id)
		(void)grants_remove(&grants, id);
	else
		grants_clear(&grants);
}

static void reserve(const struct ipc_record *rec)
{
	struct granted_spi want;
	struct err_text e;

	if (msg_spi_reserve_decode(rec, &want, &e) < 0)
		return;
	if (granted_reserve(&rig.sad, &grants, &by, &want, &rig.rng.rng, &last_spi, &e) == 0 &&
	    !larvae_find(&rig.sad.larvae, &want.dst, want.proto, last_spi))
		abort();
}

static void release(const struct ipc_record *rec)
{
	struct sa_ident id;
	struct err_text e;

	if (msg_spi_release_decode(rec, &id, &e) < 0)
		return;
	id.spi = id.spi ? id.spi : last_spi;
	(void)granted_release(&rig.sad, &by, &id);
}

static bool is_of(const struct grant *g, const struct sa_desc *d, bool inbound)
{
	const struct inet_addr *from = inbound ? &g->remote : &g->local,
	                       *to = inbound ? &g->local : &g->remote;

	for (unsigned i = 0; i < g->n_requests; i++) {
		const struct grant_request *q = &g->req[i];

		if (q->proto == d->proto && q->mode == d->mode &&
		    d->reqid == (inbound ? q->reqid_in : q->reqid_out))
			return inet_addr_equal(from, &d->src) && inet_addr_equal(to, &d->dst);
	}
	return false;
}

static void install(const struct ipc_record *rec)
{
	AUTO(msg_sa_install_fini) struct msg_sa_install m = {0};
	struct granted_sa sa = {.desc = &m.desc};
	const struct sa *made;
	const char *why;
	struct err_text e;

	if (msg_sa_install_decode(rec, &m, &e) < 0)
		return;
	if (m.inbound && m.desc.spi == 0x100)
		m.desc.spi = last_spi;
	sa.grant = m.grant;
	sa.inbound = m.inbound;
	sa.partner = m.partner;
	if (sa_desc_check(&m.desc, &why) < 0 ||
	    granted_install(&rig.sad, &grants, &by, &sa, NULL, NULL, &last_serial, &e) < 0)
		return;
	made = sad_find_serial(&rig.sad, last_serial);
	if (!made || made->facts.manual || made->facts.partner != m.partner || !made->desc.life.hard_s ||
	    (m.inbound && m.partner) || made->desc.replay_bytes > GRANTED_WINDOW_MAX / 8 ||
	    made->desc.flags & SA_F_CYCLIC || !is_of(grants_find(&grants, m.grant), &made->desc, m.inbound))
		abort();
}

static void take_away(const struct ipc_record *rec)
{
	struct err_text e;
	uint64_t serial;

	if (msg_sa_remove_decode(rec, &serial, &e) < 0)
		return;
	serial = serial ? serial : last_serial;
	if (granted_remove(&rig.sad, serial, NULL, NULL, &e) == 0 && sad_find_serial(&rig.sad, serial))
		abort();
	(void)epoch_reclaim(&rig.epoch);
}

static void ike(const struct ipc_record *rec)
{
	AUTO(msg_ike_fini) struct msg_ike m = {0};
	struct err_text e;

	if (msg_ike_decode(rec, &m, &e) == 0 &&
	    (!m.n || m.n > IKE_LEN_MAX || !m.remote_port || m.local.family != m.remote.family))
		abort();
}

static void ask(const struct ipc_record *rec)
{
	struct msg_sa_ask m;
	struct err_text e;

	if (msg_sa_ask_decode(rec, &m, &e) == 0 && (!m.n || m.n > MSG_SA_ASK_MAX || m.n_gone || m.n_soft))
		abort();
}

static void move(const struct ipc_record *rec)
{
	struct moved_from was;
	struct msg_moved m;
	struct err_text e;

	if (msg_moved_decode(rec, &m, &e) < 0)
		return;
	if (!m.n || m.n > MSG_SA_ASK_MAX || !m.port)
		abort();
	m.serial[0] = last_serial ? last_serial : m.serial[0];
	(void)moved_follow(&rig.sad, m.serial, m.n, m.port, &was);
	if (moved_follow(&rig.sad, m.serial, m.n, m.port, &was))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const messages[])(const struct ipc_record *) = {
	    put, gone, reserve, release, install, take_away, ike, ask, move};

	path_rig_init(&rig);
	if (grants_init(&grants) < 0)
		abort();
	last_spi = 0;
	last_serial = 0;
	for (int i = 0; i < RECORDS_MAX && n >= HEAD; i++) {
		size_t len = (size_t)data[1] << 8 | data[2];
		struct ipc_record rec = {.body = data + HEAD, .body_len = len < n - HEAD ? len : n - HEAD};

		messages[data[0] % ARRAY_SIZE(messages)](&rec);
		data += HEAD + rec.body_len;
		n -= HEAD + rec.body_len;
	}
	granted_holder_gone(&rig.sad, keyd);
	if (rig.sad.larvae.n)
		abort();
	grants_fini(&grants);
	path_rig_fini(&rig);
	return 0;
}
