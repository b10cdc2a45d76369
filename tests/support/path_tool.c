/*
 * The data path's pipelines for tests written in other languages: one JSON object a line in, one a line out.
 * SAs and policies are told in setkey's own language; packets go through the same stages as in the service.
 *
 *   {"setkey": TEXT}                        flush, spdflush, add, spdadd -> {}
 *   {"out": [HEX...]}                       clear packets -> {"packets": [{"verdict", "reason", "data"}...]}
 *   {"in": [HEX...], "sport": N}            wire packets, from UDP port N if there -> the same
 *   {"report": {"dst", "proto", "spi", "seq", "mtu"}}  a router's "too big" -> {"learnt": BOOL}
 *   {"seq": {"dst", "proto", "spi", "last", "top"}}    an SA's last number sent and highest received -> {}
 *   {"tune": {NAME: VALUE}}, {"clock": MS}, {"counters": true}
 *
 * What went wrong is {"error": WHY}.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "config/setkey/setkey.h"
#include "support/path_rig.h"

enum { POLICIES_MAX = 64, ARENA = 1 << 20 };

static struct path_rig rig;
static struct policy policies[POLICIES_MAX];
static uint32_t n_policies;
static struct err_text why;

static void flush_sas(void)
{
	list_foreach_safe (sa, tmp, &rig.sad.all, struct sa, link)
		sad_remove(&rig.sad, sa, false);
	(void)epoch_reclaim(&rig.epoch);
	(void)epoch_reclaim(&rig.epoch);
}

static int on_stmt(void *arg, struct setkey_stmt *s)
{
	(void)arg;
	switch (s->verb) {
	case SETKEY_FLUSH:
		flush_sas();
		return 0;
	case SETKEY_SPDFLUSH:
		n_policies = 0;
		return 0;
	case SETKEY_ADD:
		return path_rig_add(&rig, &s->sa.desc, &why) ? 0 : -1;
	case SETKEY_SPDADD:
		if (n_policies == POLICIES_MAX)
			return err_set(&why, -1, "too many policies");
		policies[n_policies] = s->policy;
		policies[n_policies].id = n_policies + 1;
		n_policies++;
		return 0;
	default:
		return err_set(&why, -1, "this statement is not for here");
	}
}

static void on_message(void *arg, enum setkey_severity sev, const char *text)
{
	(void)arg;
	if (sev == SETKEY_ERROR)
		(void)err_set(&why, -1, "%s", text);
}

static json_t *run_setkey(const char *text)
{
	const struct setkey_reader reader = {
	    .file = "f", .names = &setkey_names_system, .on_stmt = on_stmt, .on_message = on_message};

	(void)setkey_read(&reader, text, strlen(text));
	path_rig_spd(&rig, policies, n_policies);
	return json_object();
}

static size_t unhex(const char *hex, uint8_t *out, size_t room)
{
	size_t n = 0;
	unsigned v;

	for (; hex[0] && hex[1] && n < room && sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static json_t *hex_of(const uint8_t *p, size_t n)
{
	static char text[2 * (PKT_LEN_MAX + PKT_HEADROOM) + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	text[2 * n] = '\0';
	return json_string(text);
}

static const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {[VERDICT_GO] = "go",
	    [VERDICT_DROP] = "drop",
	    [VERDICT_SEND] = "send",
	    [VERDICT_CLEAR] = "clear",
	    [VERDICT_DELIVER] = "deliver",
	    [VERDICT_HELD] = "held",
	    [VERDICT_CUT] = "cut",
	    [VERDICT_IKE] = "ike"};

	return names[v];
}

static json_t *result(void)
{
	json_t *all = json_array();

	batch_foreach(p, &rig.batch)
	{
		const struct drop_info *d = drop_info(p->reason);

		json_array_append_new(all, json_pack("{s:s, s:s, s:o}", "verdict", verdict_name(p->verdict),
		                               "reason", d ? d->name : "", "data", hex_of(p->data, p->len)));
	}
	return json_pack("{s:o}", "packets", all);
}

static json_t *run_packets(json_t *o, json_t *list, bool out)
{
	static uint8_t buf[PKT_LEN_MAX];
	uint16_t sport = (uint16_t)json_integer_value(json_object_get(o, "sport"));
	json_t *item;
	size_t i;

	path_rig_clear(&rig);
	json_array_foreach(list, i, item)
	{
		struct pkt *p = path_rig_put(&rig, buf, unhex(json_string_value(item), buf, sizeof(buf)));

		if (!sport)
			continue;
		p->udp_sport = sport;
		p->udp_dport = SA_UDP_PORT;
	}
	if (out)
		path_rig_out(&rig);
	else
		path_rig_in(&rig);
	return result();
}

static uint32_t number(json_t *o, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(o, key));
}

static json_t *run_report(json_t *o)
{
	const struct path_report r = {.dst = path_rig_addr(json_string_value(json_object_get(o, "dst"))),
	    .proto = (enum ipsec_proto)number(o, "proto"),
	    .spi = number(o, "spi"),
	    .seq = number(o, "seq"),
	    .has_seq = true,
	    .mtu = number(o, "mtu")};

	rig.path.now_ms = rig.clock.ms;
	return json_pack("{s:b}", "learnt", path_report(&rig.path, &r) == REPORT_LEARNT);
}

static json_t *run_seq(json_t *o)
{
	const struct inet_addr dst = path_rig_addr(json_string_value(json_object_get(o, "dst")));
	struct sa_rt *sa =
	    sad_find_in(&rig.sad, &dst, (enum ipsec_proto)number(o, "proto"), number(o, "spi"));
	uint64_t last = strtoull(json_string_value(json_object_get(o, "last")), NULL, 10);
	uint64_t top = strtoull(json_string_value(json_object_get(o, "top")), NULL, 10);

	if (!sa) {
		(void)err_set(&why, -1, "no such SA");
		return json_object();
	}
	atomic_store(&sa->run->seq, last);
	atomic_store(&sa->run->seq_not, ~last);
	sa->window->top = top;
	return json_object();
}

static json_t *run_dummy(json_t *o)
{
	const struct dummy_due due = {
	    .dst = path_rig_addr(json_string_value(json_object_get(o, "dst"))), .spi = number(o, "spi")};
	struct batch *b = &rig.batch;

	path_rig_clear(&rig);
	rig.path.now_ms = rig.clock.ms;
	for (uint32_t n = number(o, "times"); n && b->n < BATCH_MAX; n--)
		b->n += path_dummy(&rig.path, batch_slot(b, b->n), &due);
	path_seal(&rig.path, b);
	return result();
}

static json_t *run_tune(json_t *o)
{
	const char *name;
	json_t *v;

	json_object_foreach(
	    o, name, v) if (tunables_set(&rig.path.tune, name, (uint64_t)json_integer_value(v), &why) < 0 &&
	                    !why.s[0])(void) err_set(&why, -1, "no such tunable");
	return json_object();
}

static void add_counter(void *arg, const char *name, uint64_t value)
{
	json_object_set_new(arg, name, json_integer((json_int_t)value));
}

static json_t *run_counters(void)
{
	json_t *all = json_object();

	counters_each(&rig.counters, add_counter, all);
	return all;
}

static json_t *run(json_t *o)
{
	json_t *v;

	if ((v = json_object_get(o, "setkey")))
		return run_setkey(json_string_value(v));
	if ((v = json_object_get(o, "out")))
		return run_packets(o, v, true);
	if ((v = json_object_get(o, "in")))
		return run_packets(o, v, false);
	if ((v = json_object_get(o, "report")))
		return run_report(v);
	if ((v = json_object_get(o, "seq")))
		return run_seq(v);
	if ((v = json_object_get(o, "dummy")))
		return run_dummy(v);
	if ((v = json_object_get(o, "tune")))
		return run_tune(v);
	if ((v = json_object_get(o, "clock"))) {
		rig.clock.ms += (uint64_t)json_integer_value(v);
		return json_object();
	}
	if (json_object_get(o, "counters"))
		return run_counters();
	(void)err_set(&why, -1, "no such request");
	return json_object();
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;

	if (secret_init(ARENA, &why) < 0) {
		fprintf(stderr, "%s\n", why.s);
		return 1;
	}
	path_rig_init(&rig);
	while (getline(&line, &room, stdin) > 0) {
		json_t *o = json_loads(line, 0, NULL), *answer;

		why.s[0] = '\0';
		answer = o ? run(o) : json_object();
		if (!o)
			(void)err_set(&why, -1, "not JSON");
		if (why.s[0])
			json_object_set_new(answer, "error", json_string(why.s));
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(answer);
		json_decref(o);
	}
	free(line);
	path_rig_fini(&rig);
	return 0;
}
