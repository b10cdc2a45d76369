/*
 * What certd refuses has a code in the log for each kind of reason, behind which stands the sentence with
 * what to do. The peer hears of none of them.
 */
#ifndef POSTERN_CERTD_REFUSAL_H
#define POSTERN_CERTD_REFUSAL_H

/* The log's event for a refusal with this -errno: "certd.file_mode" for -EPERM. */
const char *refusal_event(int r);

#endif
