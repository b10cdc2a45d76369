#include "support/setkey_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

static const struct {
	const char *name, *addr[2];
} hosts[] = {
    {"hostA", {"10.0.0.1"}},
    {"DNSserver", {"10.0.0.53"}},
    {"six", {"2001:db8::6"}},
    {"dual", {"192.0.2.1", "2001:db8::1"}},
    {"pair", {"192.0.2.1", "192.0.2.2"}},
    {"twice", {"192.0.2.3", "192.0.2.3"}},
    {"esp", {"192.0.2.50"}},
    {"ah", {"192.0.2.51"}},
    {"get", {"192.0.2.52"}},
    {"all", {"192.0.2.53"}},
    {"any", {"192.0.2.54"}},
    {"tunnel", {"192.0.2.55"}},
};

static const struct {
	const char *name;
	uint16_t number;
} protos[] = {
    {"icmp", 1},
    {"ip4", 4},
    {"tcp", 6},
    {"udp", 17},
    {"gre", 47},
    {"esp", 50},
    {"ah", 51},
    {"icmp6", 58},
    {"ipv6-icmp", 58},
    {"ospf", 89},
    {"ipcomp", 108},
    {"sctp", 132},
    {"mh", 135},
};

static const struct {
	const char *name;
	uint16_t proto, port;
} services[] = {{"domain", 17, 53}, {"domain", 6, 53}, {"http", 6, 80}, {"ike", 17, 500}};

static int rig_host(const char *name, bool numeric_only, enum inet_family family, struct inet_addr *ret,
    size_t room, struct err_text *e)
{
	size_t n = 0;

	for (size_t i = 0; !numeric_only && i < ARRAY_SIZE(hosts); i++) {
		if (strcmp(hosts[i].name, name) != 0)
			continue;
		for (size_t j = 0; j < 2 && hosts[i].addr[j] && n < room; j++) {
			inet_addr_parse(hosts[i].addr[j], &ret[n]);
			n += family == INET_NONE || family == ret[n].family;
		}
	}
	return n ? (int)n : err_set(e, -ENOENT, "Name or service not known");
}

static int rig_service(const char *name, uint16_t proto, uint16_t *ret_port)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (strcmp(services[i].name, name) == 0 &&
		    (proto == IPPROTO_ANY_ || proto == services[i].proto)) {
			*ret_port = services[i].port;
			return 0;
		}
	}
	return -ENOENT;
}

static int rig_proto(const char *name, uint16_t *ret_number)
{
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		if (strcmp(protos[i].name, name) == 0) {
			*ret_number = protos[i].number;
			return 0;
		}
	}
	return -ENOENT;
}

const struct setkey_names setkey_rig_names = {.host = rig_host, .service = rig_service, .proto = rig_proto};

static int keep(void *arg, struct setkey_stmt *s)
{
	struct setkey_rig *r = (struct setkey_rig *)arg;

	if (r->n == RIG_STMTS)
		abort();
	setkey_stmt_move(&r->stmts[r->n++], s);
	return r->stop_after && r->n >= r->stop_after;
}

static void note(void *arg, enum setkey_severity sev, const char *text)
{
	struct setkey_rig *r = (struct setkey_rig *)arg;
	size_t n = strlen(r->messages);

	r->n_errors += sev == SETKEY_ERROR;
	r->n_warnings += sev == SETKEY_WARNING;
	snprintf(r->messages + n, sizeof(r->messages) - n, "%s\n", text);
}

void setkey_rig_init(struct setkey_rig *r)
{
	struct err_text e;

	memset(r, 0, sizeof(*r));
	if (secret_init(1024 * 1024, &e) < 0) {
		fprintf(stderr, "%s\n", e.s);
		exit(1);
	}
}

void setkey_rig_fini(struct setkey_rig *r)
{
	for (size_t i = 0; i < r->n; i++)
		setkey_stmt_fini(&r->stmts[i]);
	r->n = 0;
	r->messages[0] = '\0';
	r->n_errors = r->n_warnings = 0;
}

void setkey_rig_read_bytes(struct setkey_rig *r, const void *text, size_t n)
{
	const struct setkey_reader reader = {
	    .file = "f",
	    .first = r->first,
	    .strict = r->strict,
	    .names = r->names ? r->names : &setkey_rig_names,
	    .arg = r,
	    .on_stmt = keep,
	    .on_message = note,
	};

	setkey_rig_fini(r);
	r->code = setkey_read(&reader, text, n);
}

void setkey_rig_read(struct setkey_rig *r, const char *text)
{
	setkey_rig_read_bytes(r, text, strlen(text));
}
