/*
 * What an authority has issued, read from its folder.
 */
#ifndef POSTERN_CLI_PKI_ISSUED_H
#define POSTERN_CLI_PKI_ISSUED_H

#include "cli/pki/authority.h"
#include "pki/look.h"

struct issued {
	struct issued_row {
		char *path;
		struct pki_look look; /* one item */
		bool is_revoked;
	} * row; /* by the end of their validity, the earliest first */
	size_t n;
};

/* 0, or -errno with a sentence. Files that cannot be read are told and passed over. */
must_check int issued_read(
    struct cli *cli, const struct authority *a, struct issued *ret, struct err_text *e);
void issued_fini(struct issued *x);
#define AUTO_ISSUED AUTO(issued_fini)

/* A serial number, or a name that one certificate that is not revoked has, as `list` shows them. -ENOENT;
 * -EEXIST: several have it, and all of that is in the sentence. */
must_check int issued_find(
    const struct issued *x, const char *word, const struct pki_item **ret, struct err_text *e);

#endif
