/*
 * `ipsecctl pki`: what every one of its acts is given, and what they share: the authority's folder, files
 * that are never overwritten by accident, and a host's folder that is ready for `path certificate`.
 */
#ifndef POSTERN_CLI_PKI_ACT_H
#define POSTERN_CLI_PKI_ACT_H

#include <limits.h>

#include "cli/cli.h"
#include "cli/passphrase.h"
#include "pki/pki.h"

enum { PKI_ALTS_MAX = 16, PKI_CA_DAYS = 3650, PKI_HOST_DAYS = 730, PKI_LIST_DAYS = 180 };

struct pki_options {
	const char *dir; /* -d: the authority's folder */
	const char *out; /* -o: a folder, or p12's file; NULL: not said */
	const char *name, *reason;
	struct pki_alt alt[PKI_ALTS_MAX];
	size_t n_alts;
	enum pki_key_type type;
	unsigned bits; /* 0: not said */
	uint32_t days; /* 0: not said */
	int passphrase_fd;
	bool encrypt, legacy, force;
	char **word;
	int n_words;
	char dir_room[PATH_MAX];
};

struct pki_act {
	const char *name, *args, *options; /* letters of the options that it takes, as in options.c */
	int words_min, words_max;
	bool json;
	int (*run)(struct cli *cli, struct pki_options *o);
};
extern const struct pki_act pki_acts[]; /* ends with a row whose name is NULL */

int pki_act_ca(struct cli *cli, struct pki_options *o);
int pki_act_issue(struct cli *cli, struct pki_options *o);
int pki_act_request(struct cli *cli, struct pki_options *o);
int pki_act_sign(struct cli *cli, struct pki_options *o);
int pki_act_p12(struct cli *cli, struct pki_options *o);
int pki_act_revoke(struct cli *cli, struct pki_options *o);
int pki_act_crl(struct cli *cli, struct pki_options *o);
int pki_act_key(struct cli *cli, struct pki_options *o);
int pki_act_public(struct cli *cli, struct pki_options *o);
int pki_act_list(struct cli *cli, struct pki_options *o);
int pki_act_show(struct cli *cli, struct pki_options *o);

/* An exit code; what was wrong has been said. */
int pki_options_parse(
    struct cli *cli, const struct pki_act *act, int argc, char **argv, struct pki_options *ret);

int64_t pki_now(void);
/* "2028-11-26"; returns buf. */
enum { PKI_DATE_STRLEN = 32 };
const char *pki_date(int64_t s, char buf[PKI_DATE_STRLEN]);
void pki_autofree_key(struct pki_key **k);
void pki_autofree_cert(struct pki_cert **c);
void pki_autofree_list(struct pki_list **l);
#define AUTO_PKI_KEY  AUTO(pki_autofree_key)
#define AUTO_PKI_CERT AUTO(pki_autofree_cert)
#define AUTO_PKI_LIST AUTO(pki_autofree_list)

#endif
