/*
 * A policyd and a datapathd that only keep lists: the admin sockets of a suite in a folder of its own, served
 * by a child process. They note every request they get, so that a test can ask what was said and in which
 * order.
 */
#ifndef POSTERN_TESTS_FAKE_SUITE_H
#define POSTERN_TESTS_FAKE_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fake_suite {
	char dir[64]; /* the run directory */
	pid_t pid;
	/* Set before start. */
	bool refuse_policy_commit, refuse_sa_commit, refuse_barrier;
	unsigned refuse_policy_commits, end_policy_commits; /* so many of them, then they work */
	bool sad_full, refuse_settings;
	bool hide_keys;     /* rows as a reader who is not root gets them */
	unsigned end_after; /* policyd ends the connection instead of answering this request (1: the first);
	                       0: never */
};

void fake_suite_start(struct fake_suite *f);
/* Ends the child and removes the folder. */
void fake_suite_stop(struct fake_suite *f);
/* What was asked since the last call, a word for each request: "d.begin d.add p.put p.barrier". */
void fake_suite_said(const struct fake_suite *f, char *buf, size_t room);

#endif
