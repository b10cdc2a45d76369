/*
 * The edge to keyd: what keyd packs comes out as it went in, and each field changed to what it may not be is
 * refused, one at a time. And what ipsecctl sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hooks/hooks_msg.h"
#include "ipc/model.h"
#include "ipc/types.h"
#include "keyd/edges/hooks.h"

#include "hooks_admin.pb-c.h"
#include "hooks_keyd.pb-c.h"

static uint8_t packed[1 << 16];
static size_t n_packed;
static unsigned int n_sent;
static int send_result;
static struct hooks_late late;

static void pack(const ProtobufCMessage *m)
{
	n_packed = protobuf_c_message_get_packed_size(m);
	assert_true(n_packed <= sizeof(packed));
	protobuf_c_message_pack(m, packed);
}

/* In place of keyd's client. */
int __wrap_ipc_client_send_row(
    struct ipc_client *c, enum ipc_type type, uint32_t row, const ProtobufCMessage *body);
int __wrap_ipc_client_send_row(
    struct ipc_client *c, enum ipc_type type, uint32_t row, const ProtobufCMessage *body)
{
	assert_null(c);
	assert_int_equal(type, IPC_HOOK_RUN);
	assert_int_equal(row, 0);
	if (send_result < 0)
		return send_result;
	pack(body);
	n_sent++;
	return 0;
}

static int decode(struct hook_event *ret)
{
	const struct ipc_record rec = {.body = packed, .body_len = n_packed};

	return hooks_event_decode(&rec, ret);
}

static const struct ike_path path = {
    .local = {INET_V4, {10, 0, 0, 1}, 0},
    .remote = {INET_V6, {0x20, 1, 0xd, 0xb8}, 0},
    .local_port = 500,
    .remote_port = 4500,
};

static struct ike1_octets octets(const char *text)
{
	return (struct ike1_octets){(const uint8_t *)text, strlen(text)};
}

static void test_msg_what_keyd_packs_comes_out(void **state)
{
	static struct inet_addr servers[HOOK_SERVERS_MAX];
	static struct inet_prefix nets[HOOK_NETS_MAX];
	struct core_hook h = {.hook = IKE_HOOK_DEAD,
	    .generation = UINT64_MAX,
	    .peer = IKE_PEERS_MAX - 1,
	    .path = &path,
	    .id = octets("who\n"),
	    .has_given = true,
	    .address = inet_addr_v4(1),
	    .netmask = inet_addr_v4(2),
	    .dns = servers,
	    .wins = servers,
	    .include = nets,
	    .kept_out = nets,
	    .n_dns = HOOK_SERVERS_MAX,
	    .n_wins = 1,
	    .n_include = HOOK_NETS_MAX,
	    .n_kept_out = 2,
	    .domain = octets("x y")};
	struct hook_event x;

	(void)state;
	for (uint32_t i = 0; i < HOOK_SERVERS_MAX; i++)
		servers[i] = inet_addr_v4(100 + i);
	for (uint8_t i = 0; i < HOOK_NETS_MAX; i++)
		nets[i] = (struct inet_prefix){inet_addr_v4(200U + i), i};
	assert_int_equal(hooks_tell(NULL, &late, &h), 0);
	assert_int_equal(decode(&x), 0);
	assert_int_equal(x.hook, IKE_HOOK_DEAD);
	assert_true(x.generation == UINT64_MAX && x.peer == h.peer);
	assert_true(inet_addr_equal(&x.local, &path.local) && inet_addr_equal(&x.remote, &path.remote));
	assert_true(x.local_port == 500 && x.remote_port == 4500);
	assert_int_equal(x.id.n, 4);
	assert_memory_equal(x.id.p, "who\n", 4);
	assert_true(x.has_given);
	assert_true(inet_addr_equal(&x.given.address, &h.address));
	assert_true(inet_addr_equal(&x.given.netmask, &h.netmask));
	assert_int_equal(x.given.dns.n, HOOK_SERVERS_MAX);
	assert_int_equal(x.given.wins.n, 1);
	assert_true(inet_addr_equal(&x.given.dns.addr[3], &servers[3]));
	assert_true(inet_addr_equal(&x.given.wins.addr[0], &servers[0]));
	assert_int_equal(x.given.include.n, HOOK_NETS_MAX);
	assert_int_equal(x.given.local.n, 2);
	assert_true(inet_prefix_equal(&x.given.include.net[31], &nets[31]));
	assert_true(inet_prefix_equal(&x.given.local.net[1], &nets[1]));
	assert_int_equal(x.given.domain.n, 3);
	assert_memory_equal(x.given.domain.p, "x y", 3);
}

static void test_msg_without_mode_config(void **state)
{
	const struct core_hook h = {.hook = IKE_HOOK_UP, .generation = 1, .path = &path};
	struct hook_event x;

	(void)state;
	assert_int_equal(hooks_tell(NULL, &late, &h), 0);
	assert_int_equal(decode(&x), 0);
	assert_false(x.has_given);
	assert_int_equal(x.id.n, 0);
}

static int tell(uint32_t peer)
{
	const struct core_hook h = {.hook = IKE_HOOK_UP, .generation = 1, .peer = peer, .path = &path};

	return hooks_tell(NULL, &late, &h);
}

static uint32_t last_peer(void)
{
	struct hook_event x;

	assert_int_equal(decode(&x), 0);
	return x.peer;
}

static void test_msg_waits_for_hooks_in_order(void **state)
{
	(void)state;
	n_sent = 0;
	send_result = -ENOTCONN;
	for (uint32_t i = 0; i < HOOKS_LATE_MAX; i++)
		assert_int_equal(tell(i), 0);
	assert_int_equal(tell(HOOKS_LATE_MAX), -ENOBUFS);
	hooks_late_tell(&late, NULL);
	assert_int_equal(n_sent, 0);
	assert_int_equal(late.n, HOOKS_LATE_MAX);
	send_result = 0;
	/* One that comes before anybody has said that hooks is back does not overtake. */
	assert_int_equal(tell(HOOKS_LATE_MAX), 0);
	assert_int_equal(n_sent, HOOKS_LATE_MAX + 1);
	assert_int_equal(late.n, 0);
	assert_int_equal(last_peer(), HOOKS_LATE_MAX);
	hooks_late_tell(&late, NULL);
	assert_int_equal(n_sent, HOOKS_LATE_MAX + 1);
}

static void test_msg_each_that_waited_comes_as_it_was(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		send_result = -ENOTCONN;
		assert_int_equal(tell(i), 0);
		send_result = 0;
		hooks_late_tell(&late, NULL);
		assert_int_equal(last_peer(), i);
	}
	send_result = -ENOTCONN;
	assert_int_equal(tell(0), 0);
	hooks_late_fini(&late);
	assert_int_equal(late.n, 0);
	send_result = 0;
}

/* Parts of a good message, for the cases to spoil. */
static uint8_t v4[4] = {10, 0, 0, 1}, many[HOOK_TEXT_MAX + 1];
static struct {
	Postern__Addr addr, bad, v6;
	Postern__Prefix net, bad_net, v6_net;
	Postern__Addr *addrs[HOOK_SERVERS_MAX + 1];
	Postern__Prefix *nets[HOOK_NETS_MAX + 1];
	Postern__HookGiven given;
	Postern__HookRun run;
} g;

static void fill(void)
{
	static uint8_t v6[16];

	g.addr = g.bad = g.v6 = (Postern__Addr)POSTERN__ADDR__INIT;
	g.addr.bytes = (ProtobufCBinaryData){4, v4};
	g.bad.bytes = (ProtobufCBinaryData){3, v4};
	g.v6.bytes = (ProtobufCBinaryData){16, v6};
	g.net = g.bad_net = g.v6_net = (Postern__Prefix)POSTERN__PREFIX__INIT;
	g.net.addr = g.bad_net.addr = &g.addr;
	g.net.plen = 32;
	g.bad_net.plen = 33;
	g.v6_net.addr = &g.v6;
	for (size_t i = 0; i < ARRAY_SIZE(g.addrs); i++)
		g.addrs[i] = &g.addr;
	for (size_t i = 0; i < ARRAY_SIZE(g.nets); i++)
		g.nets[i] = &g.net;
	g.given = (Postern__HookGiven)POSTERN__HOOK_GIVEN__INIT;
	g.given.address = g.given.netmask = &g.addr;
	g.given.dns = g.given.wins = g.addrs;
	g.given.n_dns = g.given.n_wins = HOOK_SERVERS_MAX;
	g.given.include = g.given.local = g.nets;
	g.given.n_include = g.given.n_local = HOOK_NETS_MAX;
	g.given.domain = (ProtobufCBinaryData){HOOK_TEXT_MAX, many};
	g.run = (Postern__HookRun)POSTERN__HOOK_RUN__INIT;
	g.run.event = IKE_HOOK_DOWN;
	g.run.generation = 1;
	g.run.peer = IKE_PEERS_MAX - 1;
	g.run.local = g.run.remote = &g.addr;
	g.run.local_port = g.run.remote_port = UINT16_MAX;
	g.run.remote_id = (ProtobufCBinaryData){HOOK_TEXT_MAX, many};
	g.run.given = &g.given;
}

static int try(void)
{
	struct hook_event x;

	pack(&g.run.base);
	return decode(&x);
}

#define REFUSED(spoil)                                                                                       \
	do {                                                                                                 \
		fill();                                                                                      \
		spoil;                                                                                       \
		assert_int_equal(try(), -EBADMSG);                                                           \
	} while (0)

static void test_msg_each_field_is_judged(void **state)
{
	(void)state;
	fill();
	assert_int_equal(try(), 0);
	REFUSED(g.run.event = IKE_HOOK_NONE);
	REFUSED(g.run.event = IKE_HOOKS);
	REFUSED(g.run.event = UINT32_MAX);
	REFUSED(g.run.generation = 0);
	REFUSED(g.run.peer = IKE_PEERS_MAX);
	REFUSED(g.run.local = NULL);
	REFUSED(g.run.remote = NULL);
	REFUSED(g.run.local = &g.bad);
	REFUSED(g.run.remote = &g.bad);
	REFUSED(g.run.local_port = 65536);
	REFUSED(g.run.remote_port = 65536);
	REFUSED(g.run.remote_id.len = HOOK_TEXT_MAX + 1);
	REFUSED(g.given.address = &g.bad);
	REFUSED(g.given.address = &g.v6);
	REFUSED(g.given.netmask = &g.bad);
	REFUSED(g.given.netmask = &g.v6);
	REFUSED(g.given.n_dns = HOOK_SERVERS_MAX + 1);
	REFUSED(g.given.n_wins = HOOK_SERVERS_MAX + 1);
	REFUSED(g.addrs[1] = &g.bad);
	REFUSED(g.addrs[1] = &g.v6);
	REFUSED(g.given.n_include = HOOK_NETS_MAX + 1);
	REFUSED(g.given.n_local = HOOK_NETS_MAX + 1);
	REFUSED(g.nets[31] = &g.bad_net);
	REFUSED(g.nets[31] = &g.v6_net);
	REFUSED(g.given.domain.len = HOOK_TEXT_MAX + 1);
	n_packed = 3;
	memset(packed, 0xff, n_packed);
	assert_int_equal(decode(&(struct hook_event){0}), -EBADMSG);
}

static int put(uint32_t peer, uint32_t event, const char *file, struct hook_put *ret)
{
	Postern__HookPut m = POSTERN__HOOK_PUT__INIT;
	struct ipc_record rec = {.body = packed};

	m.peer = peer;
	m.event = event;
	m.path = (char *)(uintptr_t)file;
	m.place = (char *)(uintptr_t) "f:1:\033[2J";
	pack(&m.base);
	rec.body_len = n_packed;
	return hooks_put_decode(&rec, ret);
}

static void test_msg_what_ipsecctl_sends(void **state)
{
	char file[IKE_CONF_TEXT_MAX + 2];
	struct hook_put p;

	(void)state;
	assert_int_equal(put(3, IKE_HOOK_UP, "/a b/\xc3\xa9", &p), 0);
	assert_true(p.peer == 3 && p.hook == IKE_HOOK_UP);
	assert_string_equal(p.path, "/a b/\xc3\xa9");
	assert_string_equal(p.place, "f:1:?[2J");
	assert_int_equal(put(IKE_PEERS_MAX, IKE_HOOK_UP, "/a", &p), -EBADMSG);
	assert_int_equal(put(0, IKE_HOOK_NONE, "/a", &p), -EBADMSG);
	assert_int_equal(put(0, IKE_HOOKS, "/a", &p), -EBADMSG);
	assert_int_equal(put(0, IKE_HOOK_UP, "a", &p), -EBADMSG);
	assert_int_equal(put(0, IKE_HOOK_UP, "", &p), -EBADMSG);
	memset(file, '/', sizeof(file));
	file[IKE_CONF_TEXT_MAX + 1] = '\0';
	assert_int_equal(put(0, IKE_HOOK_UP, file, &p), -EBADMSG);
	file[IKE_CONF_TEXT_MAX] = '\0';
	assert_int_equal(put(0, IKE_HOOK_UP, file, &p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_msg_what_keyd_packs_comes_out),
	    cmocka_unit_test(test_msg_without_mode_config),
	    cmocka_unit_test(test_msg_waits_for_hooks_in_order),
	    cmocka_unit_test(test_msg_each_that_waited_comes_as_it_was),
	    cmocka_unit_test(test_msg_each_field_is_judged),
	    cmocka_unit_test(test_msg_what_ipsecctl_sends),
	};

	hooks_late_init(&late);
	return cmocka_run_group_tests_name("hooks/msg", tests, NULL, NULL);
}
