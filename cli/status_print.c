/*
 * First what a person looks for at night: is it on, does it run, do all parts agree. Details after that,
 * remarks last.
 */
#include "cli/status.h"

#include <inttypes.h>
#include <string.h>

#include "base/proc.h"
#include "cli/json.h"

static const char *format_uptime(uint64_t ms, char buf[32])
{
	uint64_t s = ms / 1000;

	if (s < 60)
		snprintf(buf, 32, "%us", (unsigned)s);
	else if (s < 3600)
		snprintf(buf, 32, "%um %02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(buf, 32, "%uh %02um", (unsigned)(s / 3600), (unsigned)(s % 3600 / 60));
	else
		snprintf(buf, 32, "%" PRIu64 "d %02uh", s / 86400, (unsigned)(s % 86400 / 3600));
	return buf;
}

void status_take_supervisor(struct suite_status *s, json_t *file)
{
	long long pid = json_integer_value(json_object_get(file, "pid"));
	bool all_up = true;

	s->supervisor = file;
	if (!file ||
	    proc_is_there((pid_t)pid, (uint64_t)json_integer_value(json_object_get(file, "start_ticks"))))
		return;
	json_decref(file);
	s->supervisor = NULL;
	for (size_t i = 0; i < s->n; i++)
		all_up &= s->svc[i].up;
	s->gone_pid = all_up ? 0 : pid;
}

bool status_is_good(const struct suite_status *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->svc[i].up)
			return false;
	return !s->spd.lost &&
	       (!s->spd.known || (s->spd.kernel == s->spd.version && s->spd.datapath == s->spd.version));
}

/* The supervisor's entry about a service, or NULL. */
static const json_t *supervised(const struct suite_status *s, const char *name)
{
	const json_t *list = json_object_get(s->supervisor, "services");
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		const char *n = json_string_value(json_object_get(one, "name"));

		if (n && strcmp(n, name) == 0)
			return one;
	}
	return NULL;
}

static void print_lag(const char *who, uint64_t version, FILE *out)
{
	if (version)
		fprintf(out, " the %s has %" PRIu64, who, version);
	else
		fprintf(out, " the %s has none yet", who);
}

static void print_enforcement(const struct suite_status *s, FILE *out)
{
	const struct status_spd *d = &s->spd;

	if (d->lost) {
		fprintf(out, "The saved policies are LOST: %s.\n", d->lost);
		return;
	}
	if (s->enabled_known)
		fprintf(out,
		    s->enabled
		        ? "IPsec is on.\n"
		        : "IPsec is OFF: packets pass as if there were no policies (`ipsecctl enable`).\n");
	if (!d->known)
		return;
	if (d->kernel == d->version && d->datapath == d->version) {
		fprintf(out, "The SPD, version %" PRIu64 ", is %s kernel and datapath.\n", d->version,
		    s->enabled_known && !s->enabled ? "known to" : "enforced by");
		return;
	}
	fprintf(out, "The SPD is at version %" PRIu64 ", but", d->version);
	if (d->kernel != d->version)
		print_lag("kernel", d->kernel, out);
	if (d->kernel != d->version && d->datapath != d->version)
		fprintf(out, " and");
	if (d->datapath != d->version)
		print_lag("datapath", d->datapath, out);
	fprintf(out, ". This passes within a second; if it stays, the log of policyd says why.\n");
}

static const char *text_of(const json_t *sup, const char *key)
{
	const char *v = json_string_value(json_object_get(sup, key));

	return v ? v : "";
}

/* What the launcher knows says more than that nobody answered. */
static void print_down(const struct status_service *svc, const json_t *sup, FILE *out)
{
	const char *said = text_of(sup, "status"), *end = text_of(sup, "last_exit");

	fprintf(out, "  %-10s DOWN    %s\n", svc->name, sup && *said ? said : svc->why.s);
	if (sup)
		fprintf(out, "  %-10s         %s; restarts: %lld%s%s\n", "", text_of(sup, "state"),
		    (long long)json_integer_value(json_object_get(sup, "restarts")),
		    *end ? "; last end: " : "", end);
}

static void print_up(const struct status_service *svc, const json_t *sup, FILE *out)
{
	long long restarts = (long long)json_integer_value(json_object_get(sup, "restarts"));
	const char *end = text_of(sup, "last_exit");
	char up[32];

	fprintf(out, "  %-10s up      pid %" PRIu32 ", since %s, log level %s", svc->name, svc->st.pid,
	    format_uptime(svc->st.uptime_ms, up), svc->st.log_level);
	if (restarts)
		fprintf(out, ", restarts: %lld%s%s%s", restarts, *end ? " (last end: " : "", end,
		    *end ? ")" : "");
	if (strcmp(svc->st.version, POSTERN_VERSION) != 0)
		fprintf(out, ", version %s (ipsecctl is %s)", svc->st.version, POSTERN_VERSION);
	if (svc->st.log_dropped)
		fprintf(out, ", log lines lost: %" PRIu64, svc->st.log_dropped);
	fprintf(out, "\n");
	if (svc->st.state[0])
		fprintf(out, "  %-10s         %s\n", "", svc->st.state);
}

static void print_service(const struct suite_status *s, const struct status_service *svc, FILE *out)
{
	const json_t *sup = supervised(s, svc->name);

	if (svc->up)
		print_up(svc, sup, out);
	else
		print_down(svc, sup, out);
}

static void print_field(const struct admin_field *f, FILE *out)
{
	char words[sizeof(f->key)];

	memcpy(words, f->key, sizeof(words));
	for (char *at = strchr(words, '_'); at; at = strchr(at, '_'))
		*at = ' ';
	fprintf(out, "  %-22s %s\n", words, f->value);
}

static void print_fields(const struct status_service *svc, FILE *out)
{
	if (!svc->up || svc->st.n_fields == 0)
		return;
	fprintf(out, "\n%s\n", svc->name);
	for (uint32_t i = 0; i < svc->st.n_fields; i++)
		print_field(&svc->st.fields[i], out);
}

static void print_note(FILE *out, bool *any, uint32_t n, uint32_t of, const char *what, const char *text)
{
	if (!n)
		return;
	if (!*any)
		fprintf(out, "\nworth knowing\n");
	*any = true;
	fprintf(out, "  %" PRIu32 " of %" PRIu32 " %s %s\n", n, of, what, text);
}

static void print_notes(const struct suite_status *s, FILE *out)
{
	bool any = false;

	for (size_t k = 0; k < WEAK_KINDS; k++)
		print_note(out, &any, s->weak.n[k], s->weak.n_sas, "SAs", weak_text(k));
	for (size_t k = 0; k < WEAK_IKE_KINDS; k++)
		print_note(out, &any, s->weak_ike.n[k], s->weak_ike.n_sas, "IKE SAs", weak_ike_text(k));
}

void status_print(const struct suite_status *s, FILE *out)
{
	fprintf(out, "Postern %s, instance %s, sockets in %s\n", POSTERN_VERSION, s->instance, s->run_dir);
	print_enforcement(s, out);
	fprintf(out, "\n");
	if (s->supervisor)
		fprintf(out, "  %-10s %-7s pid %lld\n", "supervisor", "up",
		    (long long)json_integer_value(json_object_get(s->supervisor, "pid")));
	if (s->gone_pid)
		fprintf(out,
		    "  %-10s GONE    pid %lld ended without stopping the suite; its services ended with it,\n"
		    "  %-10s         the kernel keeps the rules it has. Start it again with\n"
		    "  %-10s         `systemctl restart postern` or, where there is no systemd, "
		    "`postern-supervisor`\n",
		    "supervisor", s->gone_pid, "", "");
	for (size_t i = 0; i < s->n; i++)
		print_service(s, &s->svc[i], out);
	for (size_t i = 0; i < s->n; i++)
		print_fields(&s->svc[i], out);
	print_notes(s, out);
}

static json_t *service_json(const struct status_service *svc)
{
	json_t *o = json_pack("{ss, sb}", "name", svc->name, "up", svc->up), *fields = json_object();

	if (!svc->up) {
		json_object_set_new(o, "error", json_string(svc->why.s));
		json_decref(fields);
		return o;
	}
	json_object_set_new(o, "state", json_string(svc->st.state));
	json_object_set_new(o, "version", json_string(svc->st.version));
	json_object_set_new(o, "pid", json_integer(svc->st.pid));
	json_object_set_new(o, "uptime_ms", json_integer((json_int_t)svc->st.uptime_ms));
	json_object_set_new(o, "log_level", json_string(svc->st.log_level));
	json_object_set_new(o, "log_lines_lost", json_integer((json_int_t)svc->st.log_dropped));
	for (uint32_t i = 0; i < svc->st.n_fields; i++)
		json_object_set_new(fields, svc->st.fields[i].key, json_string(svc->st.fields[i].value));
	json_object_set_new(o, "fields", fields);
	return o;
}

static json_t *spd_json(const struct status_spd *d)
{
	if (!d->known)
		return json_null();
	return json_pack("{sI, sI, sI, sb}", "version", (json_int_t)d->version, "kernel",
	    (json_int_t)d->kernel, "datapath", (json_int_t)d->datapath, "agree",
	    d->kernel == d->version && d->datapath == d->version);
}

json_t *status_json(const struct suite_status *s)
{
	json_t *doc = json_new_document(), *services = json_array(), *notes = json_object(),
	       *ike = json_object();

	json_object_set_new(doc, "version", json_string(POSTERN_VERSION));
	json_object_set_new(doc, "instance", json_string(s->instance));
	json_object_set_new(doc, "run_dir", json_string(s->run_dir));
	json_object_set_new(doc, "good", json_boolean(status_is_good(s)));
	json_object_set_new(doc, "enabled", s->enabled_known ? json_boolean(s->enabled) : json_null());
	json_object_set_new(doc, "spd", spd_json(&s->spd));
	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(services, service_json(&s->svc[i]));
	json_object_set_new(doc, "services", services);
	for (size_t k = 0; k < WEAK_KINDS; k++)
		json_object_set_new(notes, weak_name(k), json_integer(s->weak.n[k]));
	json_object_set_new(doc, "weak_sas", notes);
	for (size_t k = 0; k < WEAK_IKE_KINDS; k++)
		json_object_set_new(ike, weak_ike_name(k), json_integer(s->weak_ike.n[k]));
	json_object_set_new(doc, "weak_ike_sas", ike);
	json_object_set_new(
	    doc, "supervisor_gone_pid", s->gone_pid ? json_integer(s->gone_pid) : json_null());
	json_object_set(doc, "supervisor", s->supervisor ? s->supervisor : json_null());
	return doc;
}
