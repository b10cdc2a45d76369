/*
 * policyd's snapshot file. What it accepts is a book that can be saved and read again as the same policies.
 */
#include <stdint.h>
#include <stdlib.h>

#include "policyd/snapshot_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct boot_id boot = {{1}};
	struct err_text e;
	struct book b;

	if (book_init(&b, 1) < 0)
		return 0;
	if (snapshot_decode(data, n, &b, &boot, &e) == 0)
		for (enum policy_dir d = POLICY_IN; d <= POLICY_FWD; d++)
			for (const struct spd_entry *x = spd_first(b.spd, d); x; x = spd_next(b.spd, x)) {
				const char *why;

				if (policy_check(&x->policy, &why) < 0 || !x->policy.id ||
				    x->policy.id >= b.next_id || spd_find(b.spd, d, &x->policy.sel) != x)
					abort();
			}
	else if (spd_count(b.spd, POLICY_DIR_NONE))
		abort();
	book_fini(&b);
	return 0;
}
