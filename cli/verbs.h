/*
 * What the rows of the verb table point to: one function per verb, one file per function.
 */
#ifndef POSTERN_CLI_VERBS_H
#define POSTERN_CLI_VERBS_H

#include "cli/cli.h"

/* The whole command line is setkey's; `compat`: under the names setkey and ipseckey (cli/setkey). */
int setkey_main(struct cli *cli, int argc, char **argv, bool compat);
int verb_setkey(struct cli *cli, int argc, char **argv);
/* The whole command line is racoon's; `compat`: under its name, staying until it is ended (cli/racoon). */
int racoon_main(struct cli *cli, int argc, char **argv, bool compat);
/* The whole command line is racoonctl's (cli/racoonctl). */
int racoonctl_main(struct cli *cli, int argc, char **argv);
int verb_racoon(struct cli *cli, int argc, char **argv);
int verb_check(struct cli *cli, int argc, char **argv);
int verb_convert(struct cli *cli, int argc, char **argv);
int verb_load(struct cli *cli, int argc, char **argv);
int verb_show(struct cli *cli, int argc, char **argv);
int verb_up(struct cli *cli, int argc, char **argv);
int verb_down(struct cli *cli, int argc, char **argv);
int verb_rekey(struct cli *cli, int argc, char **argv);
int verb_delete(struct cli *cli, int argc, char **argv);
int verb_reload(struct cli *cli, int argc, char **argv);
int verb_pki(struct cli *cli, int argc, char **argv);
int verb_sad(struct cli *cli, int argc, char **argv);
int verb_spd(struct cli *cli, int argc, char **argv);
int verb_stats(struct cli *cli, int argc, char **argv);
int verb_netstat(struct cli *cli, int argc, char **argv);
int verb_status(struct cli *cli, int argc, char **argv);
int verb_monitor(struct cli *cli, int argc, char **argv);
int verb_log(struct cli *cli, int argc, char **argv);
int verb_enable(struct cli *cli, int argc, char **argv);
int verb_disable(struct cli *cli, int argc, char **argv);
int verb_set(struct cli *cli, int argc, char **argv);
int verb_help(struct cli *cli, int argc, char **argv);
int verb_version(struct cli *cli, int argc, char **argv);

#endif
