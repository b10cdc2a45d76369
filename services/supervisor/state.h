/*
 * One service's life as a table: state and event give what to do and the next state.
 */
#ifndef POSTERN_SUPERVISOR_STATE_H
#define POSTERN_SUPERVISOR_STATE_H

enum unit_state {
	UNIT_DOWN,      /* not wanted, not there */
	UNIT_STARTING,  /* started, not yet ready */
	UNIT_RUNNING,   /* ready */
	UNIT_RESTING,   /* waits out the back-off */
	UNIT_ABORTING,  /* hung: got SIGABRT */
	UNIT_KILLING,   /* got SIGKILL, to be started again */
	UNIT_STOPPING,  /* got SIGTERM, for good */
	UNIT_FINISHING, /* got SIGKILL, for good */
	UNIT_STATES,
};

enum unit_event {
	UNIT_EV_START, /* the suite wants it */
	UNIT_EV_READY, /* READY=1 */
	UNIT_EV_PING,  /* WATCHDOG=1 */
	UNIT_EV_TIMER, /* the state's time is over */
	UNIT_EV_EXIT,  /* the process is gone, or could not be made */
	UNIT_EV_STOP,  /* the suite ends */
	UNIT_EVENTS,
};

enum unit_action {
	UNIT_DO_NOTHING,
	UNIT_DO_SPAWN,
	UNIT_DO_READY, /* note it, and start watching */
	UNIT_DO_PET,   /* watch anew */
	UNIT_DO_REST,  /* choose the back-off */
	UNIT_DO_ABORT,
	UNIT_DO_TERM,
	UNIT_DO_KILL,
	UNIT_DO_GONE, /* tell whoever waits for the end */
	UNIT_ACTIONS,
};

struct unit_step {
	enum unit_action action;
	enum unit_state next;
};

struct unit_step unit_step(enum unit_state s, enum unit_event e);

const char *unit_state_name(enum unit_state s);

#endif
