/*
 * policyd's part of the configuration for key exchange on disk, for the next start. No secret is in it.
 */
#ifndef POSTERN_POLICYD_IKE_FILE_H
#define POSTERN_POLICYD_IKE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "policyd/ike_view.h"

/* Replaces DIR/ike.snapshot. 0 or -errno with a sentence. */
int ike_file_save(const char *dir, const struct ike_view *v, struct err_text *e);
/* 0; -ENOENT: there is none; -EBADMSG: it is not one, the sentence says where; -errno. */
int ike_file_load(const char *dir, struct ike_view **ret, struct err_text *e);
/* For tests: the file's octets. */
int ike_file_decode(const uint8_t *buf, size_t n, struct ike_view **ret, struct err_text *e);

#endif
