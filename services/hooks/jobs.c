/*
 * Two short lists: their bounds are the bounds of the search.
 */
#include "hooks/jobs.h"

#include <string.h>

struct job *job_new(const struct hook_event *x, const char *path, const char *place)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	list_init(&j->node);
	j->remote = x->remote;
	j->hook = x->hook;
	j->path = strdup(path);
	j->place = strdup(place);
	if (!j->path || !j->place || hook_env_make(x, &j->env) < 0) {
		job_free(j);
		return NULL;
	}
	return j;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	list_remove(&j->node);
	hook_env_fini(&j->env);
	free(j->path);
	free(j->place);
	free(j);
}

void jobs_init(struct jobs *js, const struct hook_limits *limits)
{
	*js = (struct jobs){.limits = *limits};
	list_init(&js->waiting);
	list_init(&js->running);
}

static struct job *unlink_waiting(struct jobs *js, struct job *j)
{
	list_remove(&j->node);
	js->n_waiting--;
	return j;
}

struct job *jobs_add(struct jobs *js, struct job *j)
{
	struct job *oldest = NULL;
	uint32_t n = 0;

	list_foreach (other, &js->waiting, struct job, node) {
		if (!inet_addr_equal(&other->remote, &j->remote))
			continue;
		if (n++ == 0)
			oldest = other;
	}
	if (n >= js->limits.waiting_of_one || (n && js->n_waiting >= js->limits.waiting))
		unlink_waiting(js, oldest);
	else if (js->n_waiting >= js->limits.waiting)
		return j;
	else
		oldest = NULL;
	list_append(&js->waiting, &j->node);
	js->n_waiting++;
	return oldest;
}

static bool is_running(const struct jobs *js, const struct inet_addr *remote)
{
	list_foreach (j, &js->running, struct job, node)
		if (inet_addr_equal(&j->remote, remote))
			return true;
	return false;
}

struct job *jobs_start(struct jobs *js)
{
	if (js->n_running >= js->limits.running)
		return NULL;
	list_foreach (j, &js->waiting, struct job, node) {
		if (is_running(js, &j->remote))
			continue;
		unlink_waiting(js, j);
		list_append(&js->running, &j->node);
		js->n_running++;
		return j;
	}
	return NULL;
}

void jobs_end(struct jobs *js, struct job *j)
{
	list_remove(&j->node);
	js->n_running--;
}

struct job *jobs_give_up(struct jobs *js)
{
	return list_is_empty(&js->waiting)
	           ? NULL
	           : unlink_waiting(js, list_entry(js->waiting.next, struct job, node));
}
