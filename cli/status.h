/*
 * The state of the whole suite as one value: gathered first, printed after, so that text and JSON cannot
 * disagree.
 */
#ifndef POSTERN_CLI_STATUS_H
#define POSTERN_CLI_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"
#include "cli/admin.h"
#include "cli/weak.h"
#include "cli/weak_ike.h"

enum { STATUS_SERVICES_MAX = 8 };

struct status_service {
	const char *name;
	bool up;                /* answered */
	struct err_text why;    /* when not */
	struct admin_status st; /* when so */
};

/* Where the SPD stands; from policyd's status fields. */
struct status_spd {
	bool known;
	uint64_t version, kernel, datapath; /* the newest, and which of them each enforcer has */
	const char *lost; /* policyd could not read its saved policies: its sentence, borrowed; else NULL */
};

struct suite_status {
	const char *instance, *run_dir;
	size_t n;
	struct status_service svc[STATUS_SERVICES_MAX];
	bool enabled_known, enabled;
	struct status_spd spd;
	struct weak_notes weak;
	struct weak_ike_notes weak_ike;
	json_t *supervisor; /* RUN_DIR/supervisor.status, or NULL: another launcher, or nobody */
	long long gone_pid; /* of the supervisor that left a status file and is no more; 0: none did */
};

/* True when every service answered and every enforcer has the newest SPD. */
bool status_is_good(const struct suite_status *s);
void status_print(const struct suite_status *s, FILE *out);
/* The caller owns it; NULL without memory. */
json_t *status_json(const struct suite_status *s);

/* The supervisor as its status file has it (taken, may be NULL), if that process still is. With every service
 * up another launcher has taken over, and the file says nothing. */
void status_take_supervisor(struct suite_status *s, json_t *file);

#endif
