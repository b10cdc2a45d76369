/*
 * The statements of a file (racoon-conf.md section 3).
 */
#include "config/racoon/reader.h"

static bool path(struct rc_cur *c, void *block)
{
	enum { INCLUDE, PSK, CERT, BACKUP, SCRIPT, PID };
	static const struct rc_choice kinds[] = {{"include", INCLUDE}, {"pre_shared_key", PSK},
	    {"certificate", CERT}, {"backupsa", BACKUP}, {"script", SCRIPT}, {"pidfile", PID}};
	struct ike_conf *conf = block;
	char *unused = NULL;
	char **to[] = {[INCLUDE] = &c->r->include_dir,
	    [PSK] = &conf->psk_file,
	    [CERT] = &conf->cert_dir,
	    [BACKUP] = &unused,
	    [SCRIPT] = &conf->script_dir,
	    [PID] = &conf->pidfile};
	uint32_t kind;
	const struct rc_word *w;
	bool ok;

	if (!rc_pick(c, "a kind of path: include, pre_shared_key, certificate, script, pidfile or backupsa",
	        kinds, ARRAY_SIZE(kinds), &kind))
		return false;
	w = rc_peek(c);
	ok = rc_string(c, to[kind]) && rc_end(c);
	if (ok && kind == CERT && conf->cert_dir[0] != '/')
		ok = rc_fault(c, w, "is relative, to nothing that is certain: write the folder from / on");
	if (ok && kind == BACKUP)
		ok = rc_fault(c, NULL, "backupsa is refused: session keys are not written to files");
	free(unused);
	return ok;
}

static bool log_level(struct rc_cur *c, void *block)
{
	static const struct rc_choice levels[] = {{"error", IKE_LOG_ERROR}, {"warning", IKE_LOG_WARNING},
	    {"notify", IKE_LOG_NOTIFY}, {"info", IKE_LOG_INFO}, {"debug", IKE_LOG_DEBUG},
	    {"debug2", IKE_LOG_DEBUG2}, {"debug3", IKE_LOG_DEBUG2}, {"debug4", IKE_LOG_DEBUG2}};
	struct ike_conf *conf = block;
	uint32_t v;

	if (!rc_pick(c, "a log level: error, warning, notify, info, debug or debug2", levels,
	        ARRAY_SIZE(levels), &v) ||
	    !rc_end(c))
		return false;
	conf->log = v;
	return true;
}

static bool identifier(struct rc_cur *c, void *block)
{
	rc_warn(c, NULL, "is an old word for `my_identifier`, which belongs into `remote`");
	return rc_identifier(c, &c->r->default_id) && rc_end(c);
}

/* Read, and without use here. */
static bool ignored(struct rc_cur *c, void *block)
{
	rc_warn(c, NULL, "is ignored: not supported");
	return true;
}

static bool pfkey_buffer(struct rc_cur *c, void *block)
{
	uint64_t kib;

	if (!rc_number(c, 0, UINT32_MAX, &kib) || !rc_end(c))
		return false;
	rc_warn(c, NULL, "is ignored: there is no PF_KEY socket");
	return true;
}

void rc_top(struct rc_read *r)
{
	static const struct rc_verb verbs[] = {
	    {"path", path, false},
	    {"include", rc_include, false},
	    {"log", log_level, false},
	    {"privsep", rc_privsep, true},
	    {"timer", rc_timer, true},
	    {"listen", rc_listen, true},
	    {"padding", rc_padding, true},
	    {"remote", rc_remote, true},
	    {"sainfo", rc_sainfo, true},
	    {"mode_cfg", rc_mode_cfg, true},
	    {"radiuscfg", ignored, true},
	    {"ldapcfg", ignored, true},
	    {"complex_bundle", ignored, false},
	    {"gss_id_enc", ignored, false},
	    {"pfkey_buffer", pfkey_buffer, false},
	    {"identifier", identifier, false},
	    {"policy", ignored, true},
	    {"static_sa", ignored, true},
	    {"algorithm_strength", ignored, true},
	    {"vendor_id", ignored, false},
	};

	rc_run(r, 0, r->tree->n_stmts, verbs, ARRAY_SIZE(verbs), r->conf);
}
