/*
 * One table of options serves the parser, the words handed to a child, and every check: an option that exists
 * in one of them exists in all. Values are judged here, once, so that no service meets a device name with a
 * slash in it.
 */
#include "service/settings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "service/log.h"

enum {
	/* "/notify.certd-verify" and every socket name must still fit into sun_path behind it. */
	RUN_DIR_LEN_MAX = 80,
	INSTANCE_LEN_MAX = 24,
};

const char settings_help[] =
    "  --instance NAME      which suite this is, when several run (default \"default\")\n"
    "  --run-dir DIR        sockets and status (default /run/postern, or /run/postern-INSTANCE)\n"
    "  --config-dir DIR     configuration (default /etc/postern)\n"
    "  --state-dir DIR      what survives a reboot (default /var/lib/postern, or ...-INSTANCE)\n"
    "  --log TARGET         auto, journal, syslog, stderr or file:PATH (default auto)\n"
    "  --log-level LEVEL    error, warning, notice, info or debug (default info)\n"
    "  --device NAME        the TUN device (default ipsec0)\n"
    "  --admin-group GROUP  who may read without being root (default postern-admin)\n"
    "  --mark-mask MASK     four neighbouring bits of the packet mark (default 0xf0000000)\n"
    "  --table N            first of two routing tables (default 4500)\n"
    "  --rule-base N        preference of the first routing rule (default 98)\n"
    "  --tun-mtu N          MTU of the TUN device (default 1400)\n"
    "  --peer NAME=UID:GID  ids of a service that has no system user postern-NAME; repeatable\n";

struct option {
	const char *name;
	int (*set)(struct settings *s, const char *value, struct err_text *e);
	/* Value as text into buf; "" when there is nothing to hand on. NULL: written separately. */
	void (*get)(const struct settings *s, char *buf, size_t n);
};

static bool all_in(const char *v, const char *extra)
{
	for (; *v; v++) {
		if (!isalnum((unsigned char)*v) && !strchr(extra, *v))
			return false;
	}
	return true;
}

static int set_word(
    char *dst, size_t room, const char *option, const char *v, const char *extra, struct err_text *e)
{
	if (!*v || strlen(v) >= room || !all_in(v, extra))
		return err_set(e, -EINVAL,
		    "--%s \"%s\": give a name of at most %zu letters, digits and any of \"%s\"", option, v,
		    room - 1, extra);
	snprintf(dst, room, "%s", v);
	return 0;
}

static int set_path(char *dst, size_t max_len, const char *option, const char *v, struct err_text *e)
{
	size_t n = strlen(v);

	while (n > 1 && v[n - 1] == '/')
		n--;
	if (v[0] != '/' || n < 2)
		return err_set(e, -EINVAL, "--%s \"%s\": give an absolute path below /", option, v);
	if (n > max_len)
		return err_set(e, -EINVAL, "--%s \"%s\": at most %zu characters, choose a shorter path",
		    option, v, max_len);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)v[i] < ' ' || v[i] == 0x7f)
			return err_set(e, -EINVAL, "--%s: the path contains a control character", option);
	}
	memmove(dst, v, n);
	dst[n] = '\0';
	return 0;
}

static int set_u32(
    uint32_t *dst, const char *option, const char *v, uint32_t min, uint32_t max, struct err_text *e)
{
	char *end = NULL;
	unsigned long long n;

	errno = 0;
	n = strtoull(v, &end, 0);
	if (errno || !isdigit((unsigned char)v[0]) || *end || n < min || n > max)
		return err_set(e, -EINVAL, "--%s \"%s\": give a number from %u to %u", option, v, min, max);
	*dst = (uint32_t)n;
	return 0;
}

static int set_instance(struct settings *s, const char *v, struct err_text *e)
{
	char word[INSTANCE_LEN_MAX + 1];
	int r = set_word(word, sizeof(word), "instance", v, "_-", e);

	if (!r)
		snprintf(s->instance, sizeof(s->instance), "%s", word);
	return r;
}

static void get_instance(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%s", s->instance);
}

static int set_run_dir(struct settings *s, const char *v, struct err_text *e)
{
	return set_path(s->run_dir, RUN_DIR_LEN_MAX, "run-dir", v, e);
}

static void get_run_dir(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%s", s->run_dir);
}

static int set_config_dir(struct settings *s, const char *v, struct err_text *e)
{
	return set_path(s->config_dir, sizeof(s->config_dir) - 1, "config-dir", v, e);
}

static void get_config_dir(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%s", s->config_dir);
}

static int set_state_dir(struct settings *s, const char *v, struct err_text *e)
{
	return set_path(s->state_dir, sizeof(s->state_dir) - 1, "state-dir", v, e);
}

static void get_state_dir(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%s", s->state_dir);
}

static int set_log(struct settings *s, const char *v, struct err_text *e)
{
	static const char *const words[] = {"auto", "journal", "syslog", "stderr"};
	char path[SETTINGS_PATH_MAX];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(v, words[i])) {
			snprintf(s->log_target, sizeof(s->log_target), "%s", v);
			return 0;
		}
	}
	if (strncmp(v, "file:", 5))
		return err_set(
		    e, -EINVAL, "--log \"%s\": give auto, journal, syslog, stderr or file:/absolute/path", v);
	r = set_path(path, sizeof(path) - 6, "log", v + 5, e);
	if (r)
		return r;
	snprintf(s->log_target, sizeof(s->log_target), "file:%.*s", (int)sizeof(path) - 6, path);
	return 0;
}

static void get_log(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%s", s->log_target);
}

static int set_log_level(struct settings *s, const char *v, struct err_text *e)
{
	if (log_level_parse(v) == LOG_LEVEL_NONE)
		return err_set(
		    e, -EINVAL, "--log-level \"%s\": give error, warning, notice, info or debug", v);
	snprintf(s->log_level, sizeof(s->log_level), "%s", v);
	return 0;
}

static void get_log_level(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%s", s->log_level);
}

static int set_device(struct settings *s, const char *v, struct err_text *e)
{
	if (!strcmp(v, ".") || !strcmp(v, ".."))
		return err_set(e, -EINVAL, "--device \"%s\": not a device name", v);
	return set_word(s->device, sizeof(s->device), "device", v, "_.-", e);
}

static void get_device(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%s", s->device);
}

static int set_admin_group(struct settings *s, const char *v, struct err_text *e)
{
	return set_word(s->admin_group, sizeof(s->admin_group), "admin-group", v, "_.-", e);
}

static void get_admin_group(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%s", s->admin_group);
}

static int set_mark_mask(struct settings *s, const char *v, struct err_text *e)
{
	uint32_t m, low;
	int r = set_u32(&m, "mark-mask", v, 0xf, 0xf0000000, e);

	if (r)
		return r;
	low = m & -m;
	if (m / low != 0xf)
		return err_set(e, -EINVAL,
		    "--mark-mask \"%s\": give exactly four neighbouring bits, such as 0xf0000000", v);
	s->mark_mask = m;
	return 0;
}

static void get_mark_mask(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "0x%x", s->mark_mask);
}

static int set_table(struct settings *s, const char *v, struct err_text *e)
{
	uint32_t t;
	int r = set_u32(&t, "table", v, 1, UINT32_MAX - 2, e);

	if (r)
		return r;
	/* The pair N, N+1 must stay clear of default (253), main (254) and local (255). */
	if (t >= 252 && t <= 255)
		return err_set(
		    e, -EINVAL, "--table %u: tables 253 to 255 belong to the system, choose another pair", t);
	s->table = t;
	return 0;
}

static void get_table(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%u", s->table);
}

static int set_rule_base(struct settings *s, const char *v, struct err_text *e)
{
	return set_u32(&s->rule_base, "rule-base", v, 1, 32000, e);
}

static void get_rule_base(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%u", s->rule_base);
}

static int set_tun_mtu(struct settings *s, const char *v, struct err_text *e)
{
	return set_u32(&s->tun_mtu, "tun-mtu", v, 576, 65535, e);
}

static void get_tun_mtu(const struct settings *s, char *buf, size_t n)
{
	snprintf(buf, n, "%u", s->tun_mtu);
}

static struct settings_peer *find_peer(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_peers; i++) {
		if (!strcmp(s->peers[i].name, name))
			return (struct settings_peer *)&s->peers[i];
	}
	return NULL;
}

static int set_peer(struct settings *s, const char *v, struct err_text *e)
{
	struct settings_peer p = {0}, *at;
	unsigned uid, gid;
	int end = 0;

	if (sscanf(v, "%15[a-z-]=%9u:%9u%n", p.name, &uid, &gid, &end) != 3 || v[end])
		return err_set(
		    e, -EINVAL, "--peer \"%s\": give NAME=UID:GID, for example policyd=61200:61200", v);
	if (!uid || !gid)
		return err_set(
		    e, -EINVAL, "--peer \"%s\": a service must not run as root, give other ids", v);
	p.uid = uid;
	p.gid = gid;
	at = find_peer(s, p.name);
	if (!at && s->n_peers == SETTINGS_PEERS_MAX)
		return err_set(e, -EINVAL, "--peer \"%s\": at most %d services", v, SETTINGS_PEERS_MAX);
	if (!at)
		at = &s->peers[s->n_peers++];
	*at = p;
	return 0;
}

static const struct option options[] = {
    {"instance", set_instance, get_instance},
    {"run-dir", set_run_dir, get_run_dir},
    {"config-dir", set_config_dir, get_config_dir},
    {"state-dir", set_state_dir, get_state_dir},
    {"log", set_log, get_log},
    {"log-level", set_log_level, get_log_level},
    {"device", set_device, get_device},
    {"admin-group", set_admin_group, get_admin_group},
    {"mark-mask", set_mark_mask, get_mark_mask},
    {"table", set_table, get_table},
    {"rule-base", set_rule_base, get_rule_base},
    {"tun-mtu", set_tun_mtu, get_tun_mtu},
    {"peer", set_peer, NULL},
};

/* Folders that depend on the instance stay empty until the words have been read. */
static void fill_defaults(struct settings *s)
{
	bool plain = !strcmp(s->instance, "default");

	if (!s->run_dir[0])
		snprintf(s->run_dir, sizeof(s->run_dir), "/run/postern%s%s", plain ? "" : "-",
		    plain ? "" : s->instance);
	if (!s->state_dir[0])
		snprintf(s->state_dir, sizeof(s->state_dir), "/var/lib/postern%s%s", plain ? "" : "-",
		    plain ? "" : s->instance);
}

void settings_init(struct settings *s)
{
	*s = (struct settings){
	    .instance = "default",
	    .run_dir = "/run/postern",
	    .config_dir = "/etc/postern",
	    .state_dir = "/var/lib/postern",
	    .log_target = "auto",
	    .log_level = "info",
	    .device = "ipsec0",
	    .admin_group = "postern-admin",
	    .mark_mask = 0xf0000000,
	    .table = 4500,
	    .rule_base = 98,
	    .tun_mtu = 1400,
	};
}

/* The option a word names; `*ret_value` is behind its '=', or NULL when the value is the next word. */
static const struct option *find_option(const char *word, const char **ret_value)
{
	const char *eq;
	size_t n;

	if (strncmp(word, "--", 2))
		return NULL;
	word += 2;
	eq = strchr(word, '=');
	n = eq ? (size_t)(eq - word) : strlen(word);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strlen(options[i].name) == n && !strncmp(options[i].name, word, n)) {
			*ret_value = eq ? eq + 1 : NULL;
			return &options[i];
		}
	}
	return NULL;
}

int settings_parse(struct settings *s, int *argc, char **argv, struct err_text *e)
{
	struct settings draft = *s, fresh;
	int kept = 1, i, r;

	/* Folders nobody has chosen yet follow the instance. */
	settings_init(&fresh);
	if (!strcmp(draft.run_dir, fresh.run_dir))
		draft.run_dir[0] = '\0';
	if (!strcmp(draft.state_dir, fresh.state_dir))
		draft.state_dir[0] = '\0';
	for (i = 1; i < *argc && strcmp(argv[i], "--"); i++) {
		const char *value;
		const struct option *o = find_option(argv[i], &value);

		if (!o) {
			argv[kept++] = argv[i];
			continue;
		}
		if (!value && i + 1 == *argc)
			return err_set(e, -EINVAL, "--%s: its value is missing", o->name);
		if (!value)
			value = argv[++i];
		r = o->set(&draft, value, e);
		if (r)
			return r;
	}
	for (; i < *argc; i++)
		argv[kept++] = argv[i];
	argv[kept] = NULL;
	*argc = kept;
	fill_defaults(&draft);
	*s = draft;
	return 0;
}

char **settings_to_argv(const struct settings *s)
{
	char **words = calloc(ARRAY_SIZE(options) + SETTINGS_PEERS_MAX + 1, sizeof(*words));
	char buf[SETTINGS_PATH_MAX + 16];
	size_t n = 0;

	if (!words)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!options[i].get)
			continue;
		options[i].get(s, buf, sizeof(buf));
		if (asprintf(&words[n], "--%s=%s", options[i].name, buf) < 0)
			goto out_of_memory;
		n++;
	}
	for (size_t i = 0; i < s->n_peers; i++, n++) {
		const struct settings_peer *p = &s->peers[i];

		if (asprintf(&words[n], "--peer=%s=%u:%u", p->name, p->uid, p->gid) < 0)
			goto out_of_memory;
	}
	return words;

out_of_memory:
	while (n)
		free(words[--n]);
	free(words);
	return NULL;
}

bool settings_peer_ids(const struct settings *s, const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct settings_peer *p = find_peer(s, name);
	struct passwd pw, *found = NULL;
	char user[48], buf[4096];

	if (p) {
		*ret_uid = p->uid;
		*ret_gid = p->gid;
		return true;
	}
	snprintf(user, sizeof(user), "postern-%s", name);
	if (getpwnam_r(user, &pw, buf, sizeof(buf), &found) || !found || !found->pw_uid || !found->pw_gid)
		return false;
	*ret_uid = found->pw_uid;
	*ret_gid = found->pw_gid;
	return true;
}

const char *settings_socket_path(const struct settings *s, const char *name, char buf[108])
{
	snprintf(buf, 108, "%s/%s", s->run_dir, name);
	return buf;
}
