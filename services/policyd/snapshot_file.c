/*
 * Layout, big endian: "PSPD", version u16, flags u16, boot id, SPD version u64, next spid u32, next reqid
 * u32, number of rows u32; then per row flags u8, length u16, a packed Policy, and where the flags say so
 * three times of CLOCK_BOOTTIME, i64 each: added, last used, saved; and whose a generated one is, 16 octets;
 * then "DPSP". Read as if a stranger had
 * written it.
 */
#include "policyd/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/rd.h"
#include "base/sbuf.h"
#include "base/wr.h"
#include "policyd/lives.h"
#include "policyd/policyd_msg.h"
#include "policyd/state_file.h"

#define FILE_NAME    "spd.snapshot"
#define FILE_DAMAGED "spd.snapshot.damaged"

enum { MAGIC = 0x50535044, MAGIC_END = 0x44505350, FORMAT = 1, HEAD_LEN = 44, FLAGS_AT = 6 };
enum { F_LEFT = 1, F_DISABLED = 2, F_KNOWN = 63 };
/* Level `default` means require for these; use without the flag. */
enum { F_ESP_TRANS = 4, F_ESP_NET = 8, F_AH_TRANS = 16, F_AH_NET = 32 };
enum { ROW_INHERITED = 1, ROW_TIMES = 2, ROW_OWNER = 4, ROW_KNOWN = 7, TIMES_LEN = 24 };
enum { FILE_MAX = 256 << 20 };
static const int64_t TIME_MAX_MS = INT64_C(1) << 53; /* so that sums stay in range */

int boot_id_read(struct boot_id *ret)
{
	AUTO_CLOSE int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	struct boot_id id = {{0}};
	char text[37] = {0};
	size_t n = 0;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	for (const char *p = text; *p && n < 2 * (size_t)BOOT_ID_LEN; p++) {
		int digit = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : -1;

		if (digit < 0)
			continue;
		id.b[n / 2] = (uint8_t)(id.b[n / 2] << 4 | digit);
		n++;
	}
	*ret = id;
	return n == 2 * (size_t)BOOT_ID_LEN ? 0 : -EBADMSG;
}

static uint16_t flags_of(const struct book *b)
{
	const struct policy_deflev *d = &b->deflev;

	return (uint16_t)((b->enabled ? 0 : F_DISABLED) | (d->esp_trans == LEVEL_REQUIRE ? F_ESP_TRANS : 0) |
	                  (d->esp_net == LEVEL_REQUIRE ? F_ESP_NET : 0) |
	                  (d->ah_trans == LEVEL_REQUIRE ? F_AH_TRANS : 0) |
	                  (d->ah_net == LEVEL_REQUIRE ? F_AH_NET : 0));
}

static enum policy_level level_of(uint16_t flags, uint16_t flag)
{
	return flags & flag ? LEVEL_REQUIRE : LEVEL_USE;
}

static void encode_head(struct sbuf *to, const struct book *b, const struct boot_id *boot)
{
	uint8_t head[HEAD_LEN];
	struct wr w = wr_init(head, sizeof(head));

	wr_u32(&w, MAGIC);
	wr_u16(&w, FORMAT);
	wr_u16(&w, flags_of(b));
	wr_bytes(&w, boot->b, BOOT_ID_LEN);
	wr_u64(&w, b->version);
	wr_u32(&w, b->next_id);
	wr_u32(&w, b->next_reqid);
	wr_u32(&w, (uint32_t)spd_count(b->spd, POLICY_DIR_NONE));
	sbuf_add_bytes(to, head, wr_len(&w));
}

static void encode_times(struct sbuf *to, const struct spd_entry *x, uint64_t now)
{
	uint8_t times[TIMES_LEN];
	struct wr w = wr_init(times, sizeof(times));

	wr_u64(&w, (uint64_t)x->born_ms);
	wr_u64(&w, (uint64_t)x->used_ms);
	wr_u64(&w, now);
	sbuf_add_bytes(to, times, sizeof(times));
}

static int encode_row(struct sbuf *to, const struct spd_entry *x, uint64_t now)
{
	bool times = x->policy.lifetime_s || x->policy.validtime_s;
	uint8_t row[3 + MSG_POLICY_MAX];
	struct wr w = wr_init(row, 3);
	int n = msg_policy_pack(&x->policy, row + 3, MSG_POLICY_MAX);

	if (n < 0)
		return n;
	wr_u8(&w, (x->inherited ? ROW_INHERITED : 0) | (times ? ROW_TIMES : 0) |
	              (x->policy.generated ? ROW_OWNER : 0));
	wr_u16(&w, (uint16_t)n);
	sbuf_add_bytes(to, row, 3 + (size_t)n);
	if (times)
		encode_times(to, x, now);
	if (x->policy.generated)
		sbuf_add_bytes(to, x->owner, sizeof(x->owner));
	return 0;
}

static int encode(struct sbuf *to, const struct book *b, const struct boot_id *boot)
{
	const uint8_t end[] = {
	    MAGIC_END >> 24, MAGIC_END >> 16 & 0xff, MAGIC_END >> 8 & 0xff, MAGIC_END & 0xff};
	int r = 0;

	encode_head(to, b, boot);
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++)
		for (const struct spd_entry *x = spd_first(b->spd, d); r == 0 && x; x = spd_next(b->spd, x))
			r = encode_row(to, x, clock_now_ms(b->clock));
	sbuf_add_bytes(to, end, sizeof(end));
	return r < 0 ? r : to->bad ? -ENOMEM : 0;
}

int snapshot_save(const char *dir, const struct book *b, const struct boot_id *boot, struct err_text *e)
{
	AUTO_SBUF struct sbuf text = {0};
	int r = encode(&text, b, boot);

	if (r < 0)
		return err_set(e, r, "%s: %s", dir, err_name(r));
	return state_file_replace(dir, FILE_NAME, &text, e);
}

/* How what is read becomes what is in force. */
struct restoring {
	bool inherited, same_boot;
	int64_t now_ms;
};

struct head {
	uint16_t flags;
	struct boot_id boot;
	uint64_t version;
	uint32_t next_id, next_reqid, n_rows;
};

static int decode_head(struct rd *r, struct head *ret, struct err_text *e)
{
	uint32_t magic = rd_u32(r);
	uint16_t format = rd_u16(r);
	struct head h;

	h.flags = rd_u16(r);
	rd_copy(r, h.boot.b, BOOT_ID_LEN);
	h.version = rd_u64(r);
	h.next_id = rd_u32(r);
	h.next_reqid = rd_u32(r);
	h.n_rows = rd_u32(r);
	if (!rd_ok(r) || magic != MAGIC)
		return err_set(e, -EBADMSG, "it is no SPD snapshot");
	if (format != FORMAT || h.flags & ~F_KNOWN)
		return err_set(e, -EBADMSG, "it was written by another release (format %u, flags 0x%x)",
		    format, h.flags);
	if (h.n_rows > BOOK_POLICIES_MAX || !h.next_id || h.next_reqid < POLICY_REQID_AUTO_FIRST)
		return err_set(e, -EBADMSG, "its head makes no sense");
	*ret = h;
	return 0;
}

static bool numbers_fit(const struct policy *p, const struct head *h)
{
	if (!p->id || p->id >= h->next_id)
		return false;
	for (uint8_t i = 0; i < p->n_requests; i++)
		if (p->req[i].reqid_auto
		        ? p->req[i].reqid < POLICY_REQID_AUTO_FIRST || p->req[i].reqid >= h->next_reqid
		        : p->req[i].reqid > POLICY_REQID_MANUAL_MAX)
			return false;
	return true;
}

/* How old something is that was `then` of the clock's time when `saved` was: by the clock of this boot, or
 * over a reboot, which stopped it, by the wall clock, but never younger than it was. */
static int64_t age_of(const struct restoring *x, int64_t then, int64_t saved, uint64_t then_wall_ms)
{
	int64_t by_wall = (int64_t)(clock_wall_ms() - then_wall_ms), was = saved > then ? saved - then : 0;

	if (x->same_boot)
		return x->now_ms > then ? x->now_ms - then : 0;
	return by_wall > was ? by_wall : was;
}

static bool in_range(int64_t ms)
{
	return ms >= -TIME_MAX_MS && ms <= TIME_MAX_MS;
}

static int decode_times(struct rd *r, const struct restoring *x, struct spd_entry *e)
{
	int64_t born = (int64_t)rd_u64(r), used = (int64_t)rd_u64(r), saved = (int64_t)rd_u64(r);
	const struct policy *p = &e->policy;
	int64_t news;

	if (!rd_ok(r) || !in_range(born) || !in_range(used) || !in_range(saved))
		return -EBADMSG;
	e->born_ms = x->now_ms - age_of(x, born, saved, p->created_wall_ms);
	if (used && p->last_used_wall_ms)
		e->used_ms = x->now_ms - age_of(x, used, saved, p->last_used_wall_ms);
	/* It may have been used since, and datapathd needs a moment to say so. */
	news = x->now_ms + LIVES_NEWS_MS - (int64_t)p->validtime_s * 1000;
	if (p->validtime_s && e->used_ms < news && e->born_ms < news)
		e->used_ms = news;
	return 0;
}

static int decode_row(
    struct rd *r, const struct head *h, struct spd *spd, const struct restoring *how, struct err_text *e)
{
	uint8_t flags = rd_u8(r);
	uint16_t n = rd_u16(r);
	const uint8_t *p = rd_bytes(r, n);
	struct spd_entry *x;
	struct policy policy;
	int err;

	if (!p || flags & ~ROW_KNOWN)
		return err_set(e, -EBADMSG, "it ends in the middle of a row");
	err = msg_policy_unpack(p, n, &policy, e);
	if (err == 0 && !numbers_fit(&policy, h))
		err = err_set(e, -EBADMSG, "its numbers do not fit its head");
	if (err == 0) {
		err = spd_insert(spd, &policy, &x);
		if (err < 0)
			return err_set(e, err == -ENOMEM ? err : -EBADMSG, "it is there twice");
		x->inherited = how->inherited || flags & ROW_INHERITED;
		x->born_ms = how->now_ms;
		if (flags & ROW_TIMES && decode_times(r, how, x) < 0)
			return err_set(e, -EBADMSG, "its times make no sense");
		if (flags & ROW_OWNER)
			rd_copy(r, x->owner, sizeof(x->owner));
	}
	return err < 0 ? -EBADMSG : 0;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A number given twice would make two versions look alike. */
static bool ids_unique(const struct spd *spd)
{
	AUTO_FREE uint32_t *ids = calloc(spd_count(spd, POLICY_DIR_NONE) + 1, sizeof(*ids));
	size_t n = 0;

	if (!ids)
		return false;
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++)
		for (const struct spd_entry *x = spd_first(spd, d); x; x = spd_next(spd, x))
			ids[n++] = x->policy.id;
	qsort(ids, n, sizeof(*ids), by_number);
	for (size_t i = 1; i < n; i++)
		if (ids[i - 1] == ids[i])
			return false;
	return true;
}

int snapshot_decode(
    const uint8_t *buf, size_t n, struct book *b, const struct boot_id *boot, struct err_text *e)
{
	struct rd r = rd_init(buf, n);
	AUTO_SPD struct spd *spd = NULL;
	struct head h;
	struct restoring how = {.now_ms = (int64_t)clock_now_ms(b->clock)};
	int err = decode_head(&r, &h, e);

	if (err == 0)
		err = spd_new(&spd);
	if (err < 0)
		return err;
	how.same_boot = memcmp(h.boot.b, boot->b, BOOT_ID_LEN) == 0;
	how.inherited = h.flags & F_LEFT || !how.same_boot;
	for (uint32_t i = 0; i < h.n_rows; i++) {
		err = decode_row(&r, &h, spd, &how, e);
		if (err < 0)
			return err_prefix(e, err, "policy %u of %u", i + 1, h.n_rows);
	}
	if (rd_u32(&r) != MAGIC_END || !rd_done(&r))
		return err_set(e, -EBADMSG, "its end is missing");
	if (!ids_unique(spd))
		return err_set(e, -EBADMSG, "two of its policies have one number");
	spd_free(b->spd);
	b->spd = take_ptr(spd);
	b->next_id = h.next_id;
	b->next_reqid = h.next_reqid;
	b->enabled = !(h.flags & F_DISABLED);
	b->deflev = (struct policy_deflev){.esp_trans = level_of(h.flags, F_ESP_TRANS),
	    .esp_net = level_of(h.flags, F_ESP_NET),
	    .ah_trans = level_of(h.flags, F_AH_TRANS),
	    .ah_net = level_of(h.flags, F_AH_NET)};
	if (h.version >= b->version)
		b->version = h.version + 1;
	return 0;
}

int snapshot_load(const char *dir, struct book *b, const struct boot_id *boot, struct err_text *e)
{
	AUTO_SBUF struct sbuf text = {0};
	int r = state_file_read(dir, FILE_NAME, FILE_MAX, &text, e);

	if (r < 0)
		return r;
	r = snapshot_decode((const uint8_t *)sbuf_str(&text), text.len, b, boot, e);
	return r < 0 ? err_prefix(e, r, "cannot use %s/%s", dir, FILE_NAME) : 0;
}

int snapshot_set_aside(const char *dir, struct err_text *e)
{
	AUTO_CLOSE int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd >= 0 && unlinkat(dir_fd, FILE_DAMAGED, 0) && errno != ENOENT)
		return err_set(e, -errno, "cannot remove %s/%s: %s", dir, FILE_DAMAGED, err_name(-errno));
	if (dir_fd < 0 || linkat(dir_fd, FILE_NAME, dir_fd, FILE_DAMAGED, 0))
		return err_set(
		    e, -errno, "cannot keep %s/%s as %s: %s", dir, FILE_NAME, FILE_DAMAGED, err_name(-errno));
	return 0;
}

int snapshot_mark_left(const char *dir, struct err_text *e)
{
	char path[160];
	AUTO_CLOSE int fd = -1;
	uint8_t head[HEAD_LEN];
	struct rd r;
	struct wr w;
	uint16_t flags;

	snprintf(path, sizeof(path), "%s/%s", dir, FILE_NAME);
	fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head))
		return err_set(e, fd < 0 ? -errno : -EBADMSG, "cannot mark %s as left behind", path);
	r = rd_init(head, sizeof(head));
	if (rd_u32(&r) != MAGIC || rd_u16(&r) != FORMAT)
		return err_set(e, -EBADMSG, "%s is no SPD snapshot of this release", path);
	flags = (uint16_t)(rd_u16(&r) | F_LEFT);
	w = wr_init(head, 2);
	wr_u16(&w, flags);
	if (pwrite(fd, head, 2, FLAGS_AT) != 2 || fsync(fd))
		return err_set(e, -errno, "cannot mark %s as left behind: %s", path, err_name(-errno));
	return 0;
}
