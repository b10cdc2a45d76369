/*
 * Which file the loaded configuration came from. It is root's to say: keyd talks to strangers, so it is not
 * asked what root should read. The note lies in the suite's run folder, which is root's and goes at the next
 * boot.
 */
#ifndef POSTERN_CLI_RACOON_LOADED_H
#define POSTERN_CLI_RACOON_LOADED_H

#include <limits.h>

#include "cli/cli.h"

/* Remembers it; NULL: none is loaded any more. A failure is a warning. */
void loaded_remember(struct cli *cli, const char *file);
/* 0 with an absolute path; -ENOENT: none; -EPERM: the note is not root's. */
int loaded_recall(struct cli *cli, char ret[PATH_MAX]);

#endif
