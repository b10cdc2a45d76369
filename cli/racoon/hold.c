#include "cli/racoon/hold.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli/racoon/load.h"

enum { AGAIN_MS = 500 /* between attempts to reach a keyd that is being restarted */ };

/* -ESTALE: another configuration holds; other errors: not now. */
static int claim(struct hold *h, const struct cli *cli)
{
	struct err_text e;
	int r = h->keyd ? 0 : cli_open_service(cli, "keyd", &h->keyd, &e);

	if (r == 0)
		r = load_hold(h->keyd, h->generation, &e);
	if (r < 0)
		h->keyd = ipc_sync_close(h->keyd);
	return r;
}

void hold_take(struct hold *h, const struct cli *cli, uint64_t generation)
{
	h->generation = generation;
	(void)claim(h, cli);
}

void hold_fini(struct hold *h)
{
	h->keyd = ipc_sync_close(h->keyd);
}

bool hold_counts(struct hold *h, const struct cli *cli)
{
	return claim(h, cli) != -ESTALE;
}

/* keyd says nothing that was not asked for, so whatever can be read is its end. */
static bool is_over(struct hold *h, const struct cli *cli, const struct pollfd *keyd)
{
	if (keyd->revents)
		hold_fini(h);
	return !h->keyd && claim(h, cli) == -ESTALE;
}

int hold_wait(struct hold *h, struct follow *log, const struct cli *cli, const sigset_t *set)
{
	AUTO_CLOSE int signals = signalfd(-1, set, SFD_CLOEXEC);
	struct signalfd_siginfo info;
	int number = 0;

	/* Without one the configuration is not given up for lost, it just is not watched. */
	if (signals < 0)
		return sigwait(set, &number) == 0 ? number : SIGTERM;
	for (;;) {
		struct pollfd fd[] = {{.fd = signals, .events = POLLIN},
		    {.fd = h->keyd ? ipc_sync_fd(h->keyd) : -1, .events = POLLIN},
		    {.fd = log->keyd ? ipc_sync_fd(log->keyd) : -1, .events = POLLIN}};
		bool all = h->keyd && !follow_is_deaf(log);

		if (poll(fd, ARRAY_SIZE(fd), all ? -1 : AGAIN_MS) < 0 && errno != EINTR)
			return SIGTERM;
		follow_write(log, cli);
		if (fd[0].revents && read(signals, &info, sizeof(info)) == sizeof(info))
			return (int)info.ssi_signo;
		if (is_over(h, cli, &fd[1]))
			return HOLD_LOST;
		follow_listen(log, cli);
	}
}
