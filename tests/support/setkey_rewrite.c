#include "support/setkey_rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_ROOM = 512, KEY_ROOM = 256 };

struct alg {
	char name[64], key[KEY_ROOM]; /* digits without blanks */
};

/* One block of -D, as text. */
struct sa_block {
	char src[96], dst[96], proto[16], mode[16], oa[64], options[LINE_ROOM];
	unsigned spi, flags;
	struct alg enc, auth, comp;
	struct alg *open; /* whose key goes on in the next line */
};

static void add_option(struct sa_block *b, const char *name, unsigned long long value)
{
	size_t n = strlen(b->options);

	if (value)
		snprintf(b->options + n, sizeof(b->options) - n, " %s %llu", name, value);
}

static void add_flag(struct sa_block *b, unsigned bit, bool when, const char *word)
{
	size_t n = strlen(b->options);

	if (!(b->flags & bit) == !when)
		snprintf(b->options + n, sizeof(b->options) - n, " -f %s", word);
}

static void add_digits(struct alg *a, const char *p)
{
	size_t n = strlen(a->key);

	for (; *p; p++)
		if (*p != ' ' && n + 1 < sizeof(a->key))
			a->key[n++] = *p;
	a->key[n] = '\0';
}

/* "3des-cbc  30313233 ..." */
static void take_alg(struct sa_block *b, struct alg *a, const char *text)
{
	size_t n = strcspn(text, " ");

	snprintf(a->name, sizeof(a->name), "%.*s", (int)n, text);
	a->key[0] = '\0';
	add_digits(a, text + n);
	b->open = a;
}

static bool is_counter_mode(const char *name)
{
	static const char *const begin[] = {"aes-ctr", "aes-gcm", "aes-ccm", "aes-gmac", "chacha20"};

	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (strncmp(name, begin[i], strlen(begin[i])) == 0)
			return true;
	return false;
}

static void take_state(struct sa_block *b, const char *line)
{
	unsigned replay;

	if (sscanf(strstr(line, "replay="), "replay=%u flags=0x%x", &replay, &b->flags) != 2)
		fail_msg("%s", line);
	add_option(b, "-r", replay);
	add_flag(b, 0x0040 | 0x0400, false, "nocyclic-seq");
	add_flag(b, 0x0400, true, "esn");
	add_flag(b, 0x0100, true, "random-pad");
	add_flag(b, 0x0200, true, "zero-pad");
	if (is_counter_mode(b->enc.name) || is_counter_mode(b->auth.name))
		strcat(b->options, " -f fresh-key");
}

static void take_limits(struct sa_block *b, const char *line, const char *hard, const char *soft)
{
	unsigned long long h, s;

	if (sscanf(strstr(line, "hard: "), "hard: %llu", &h) != 1 ||
	    sscanf(strstr(line, "soft: "), "soft: %llu", &s) != 1)
		fail_msg("%s", line);
	add_option(b, hard, h);
	add_option(b, soft, s);
}

static void put_alg(FILE *to, const char *opt, const struct alg *a)
{
	if (a->name[0])
		fprintf(to, " %s %s%s%s", opt, a->name, a->key[0] ? " 0x" : "", a->key);
}

static void put_sa(const struct sa_block *b, FILE *to)
{
	bool udp = strcmp(b->proto, "esp-udp") == 0;
	int n_src = (int)strcspn(b->src, "["), n_dst = (int)strcspn(b->dst, "[");

	if (!b->enc.name[0] && !b->auth.name[0] && !b->comp.name[0])
		return;
	fprintf(to, "add %.*s %.*s %s %s %u -m %s%s", udp ? 95 : n_src, b->src, udp ? 95 : n_dst, b->dst,
	    b->proto, b->oa, b->spi, b->mode, b->options);
	put_alg(to, "-E", &b->enc);
	put_alg(to, "-A", &b->auth);
	put_alg(to, "-C", &b->comp);
	fputs(b->comp.name[0] && b->flags & 0x0080 ? " -R;\n" : ";\n", to);
}

static void sa_line(struct sa_block *b, const char *line, FILE *to)
{
	unsigned reqid, frag;

	if (line[0] != '\t' && line[0] != ' ') {
		memset(b, 0, sizeof(*b));
		if (sscanf(line, "%95s %95s", b->src, b->dst) != 2)
			fail_msg("%s", line);
	} else if (line[0] == ' ' && b->open) {
		add_digits(b->open, line);
	} else if (strstr(line, " mode=")) {
		if (sscanf(line, "\t%15s mode=%15s spi=%u(%*[^)]) reqid=%u", b->proto, b->mode, &b->spi,
		        &reqid) != 4)
			fail_msg("%s", line);
		add_option(b, "-u", reqid);
	} else if (sscanf(line, "\tNAT OA=%63s", b->oa) == 1 || strncmp(line, "\tsadb_seq=", 10) == 0) {
		if (line[1] == 's')
			put_sa(b, to);
	} else if (sscanf(line, "\tNAT-T esp_frag=%u", &frag) == 1) {
		add_option(b, "-esp_frag", frag);
	} else if (strncmp(line, "\tE: ", 4) == 0) {
		take_alg(b, &b->enc, line + 4);
	} else if (strncmp(line, "\tA: ", 4) == 0) {
		take_alg(b, &b->auth, line + 4);
	} else if (strncmp(line, "\tC: ", 4) == 0) {
		take_alg(b, &b->comp, line + 4);
	} else if (strncmp(line, "\tseq=", 5) == 0) {
		take_state(b, line);
	} else if (strncmp(line, "\tdiff: ", 7) == 0) {
		take_limits(b, line, "-lh", "-ls");
	} else if (strncmp(line, "\tcurrent: ", 10) == 0) {
		take_limits(b, line, "-bh", "-bs");
	} else if (strncmp(line, "\tallocated: ", 12) == 0) {
		take_limits(b, line, "-ph", "-ps");
	} else if (strncmp(line, "\tcreated: ", 10) != 0 && strncmp(line, "\tlast: ", 7) != 0) {
		fail_msg("%s", line);
	}
}

/* Calls back for each line, without its newline. */
static void each_line(const char *text, void (*fn)(void *arg, const char *line), void *arg)
{
	char line[LINE_ROOM];

	while (*text) {
		size_t n = strcspn(text, "\n");

		assert_true(n < sizeof(line));
		memcpy(line, text, n);
		line[n] = '\0';
		fn(arg, line);
		text += n + (text[n] == '\n');
	}
}

struct sad {
	struct sa_block block;
	FILE *to;
};

static void on_sa_line(void *arg, const char *line)
{
	struct sad *s = (struct sad *)arg;

	sa_line(&s->block, line, s->to);
}

void setkey_rewrite_sad(const char *dump, FILE *to)
{
	struct sad s = {.to = to};

	each_line(dump, on_sa_line, &s);
}

struct spd {
	char selector[LINE_ROOM], rules[8 * LINE_ROOM];
	FILE *to;
};

static void put_policy(struct spd *s, const char *line)
{
	unsigned life, valid;

	if (sscanf(line, "\tlifetime: %u(s) validtime: %u(s)", &life, &valid) != 2)
		fail_msg("%s", line);
	fprintf(s->to, "spdadd %s", s->selector);
	if (life)
		fprintf(s->to, " -lh %u", life);
	if (valid)
		fprintf(s->to, " -lv %u", valid);
	fprintf(s->to, " -P%s;\n", s->rules);
}

static void on_policy_line(void *arg, const char *line)
{
	struct spd *s = (struct spd *)arg;
	size_t n = strlen(s->rules);

	if (line[0] != '\t') {
		snprintf(s->selector, sizeof(s->selector), "%s", line);
		s->rules[0] = '\0';
	} else if (strncmp(line, "\tlifetime: ", 11) == 0) {
		put_policy(s, line);
	} else if (strncmp(line, "\tcreated: ", 10) != 0 && strncmp(line, "\tspid=", 6) != 0 &&
	           strncmp(line, "\trefcnt=", 8) != 0) {
		/* An id behind # was given by the service, which gives one again. */
		snprintf(s->rules + n, sizeof(s->rules) - n, "%.*s", (int)strcspn(line, "#"), line);
	}
}

void setkey_rewrite_spd(const char *dump, FILE *to)
{
	struct spd s = {.to = to};

	each_line(dump, on_policy_line, &s);
}
