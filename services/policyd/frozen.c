/*
 * A policy never changes under its number, and numbers are not reused, so comparing two versions is comparing
 * two sequences of numbers. Only what level `default` means is beside it.
 */
#include "policyd/frozen.h"

#include <errno.h>
#include <stdlib.h>

int frozen_new(const struct book *b, struct frozen **ret)
{
	struct frozen *f = calloc(1, sizeof(*f));

	if (!f || book_stage(b, &f->book) < 0) {
		free(f);
		return -ENOMEM;
	}
	f->refs = 1;
	*ret = f;
	return 0;
}

struct frozen *frozen_ref(struct frozen *f)
{
	f->refs++;
	return f;
}

struct frozen *frozen_unref(struct frozen *f)
{
	if (f && !--f->refs) {
		book_fini(&f->book);
		free(f);
	}
	return NULL;
}

const struct spd *frozen_effective(const struct frozen *f)
{
	return f->book.enabled ? f->book.spd : NULL;
}

/* `to` is a subsequence of `from`. */
static bool is_subsequence(const struct spd *from, const struct spd *to, enum policy_dir dir)
{
	const struct spd_entry *e = spd_first(to, dir);

	for (const struct spd_entry *x = spd_first(from, dir); x && e; x = spd_next(from, x))
		if (x->policy.id == e->policy.id)
			e = spd_next(to, e);
	return !e;
}

bool frozen_only_removes(const struct frozen *from, const struct frozen *to)
{
	const struct spd *new_spd = frozen_effective(to), *old_spd = from ? frozen_effective(from) : NULL;

	if (!new_spd)
		return true;
	if (!old_spd)
		return spd_count(new_spd, POLICY_DIR_NONE) == 0;
	if (!policy_deflev_equal(&from->book.deflev, &to->book.deflev))
		return false;
	for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++)
		if (!is_subsequence(old_spd, new_spd, d))
			return false;
	return true;
}
