/*
 * What only root may open, and what must outlive this process: the TUN device (500 packets wait in it while
 * nobody reads), and the raw sockets (inbound ESP waits in them). Each comes back from the launcher's store
 * under its name; a descriptor that is not what its name says is closed and made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "datapathd/datapathd.h"
#include "datapathd/sa/prints_file.h"

enum {
	TUN_MAJOR = 10,
	TUN_MINOR = 200,
	SOCKET_BUFFER = 4 << 20, /* octets that may wait in a raw socket */
};

struct raw_kind {
	const char *name;
	int family, protocol;
	bool sends; /* marked BYPASS, header included; the others receive */
};

static const struct raw_kind kinds[] = {
    {"raw-esp4", AF_INET, IPPROTO_ESP, false},
    {"raw-ah4", AF_INET, IPPROTO_AH, false},
    {"send4", AF_INET, IPPROTO_RAW, true},
    {"send6", AF_INET6, IPPROTO_RAW, true},
};

/* The first of the four marks: the mask's lowest bit. */
static uint32_t bypass_mark(const struct settings *s)
{
	return s->mark_mask & -s->mark_mask;
}

static int option(int fd, int level, int name)
{
	int v = -1;
	socklen_t n = sizeof(v);

	return getsockopt(fd, level, name, &v, &n) < 0 ? -1 : v;
}

static bool is_raw(int fd, const struct raw_kind *k, uint32_t mark)
{
	return option(fd, SOL_SOCKET, SO_TYPE) == SOCK_RAW &&
	       option(fd, SOL_SOCKET, SO_DOMAIN) == k->family &&
	       option(fd, SOL_SOCKET, SO_PROTOCOL) == k->protocol &&
	       (!k->sends || (uint32_t)option(fd, SOL_SOCKET, SO_MARK) == mark);
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int prepare_sender(int fd, const struct raw_kind *k, uint32_t mark)
{
	int r = set(fd, SOL_SOCKET, SO_MARK, (int)mark);

	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER);
	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_BROADCAST, 1);
	if (k->family == AF_INET6)
		return r;
	if (r == 0)
		r = set(fd, IPPROTO_IP, IP_NODEFRAG, 1);
	if (r == 0)
		r = set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	/* Only for the first hop's MTU in the error queue; what a stranger's ICMP puts there is not looked
	 * at.
	 */
	return r < 0 ? r : set(fd, IPPROTO_IP, IP_RECVERR, 1);
}

static int make_raw(const struct raw_kind *k, uint32_t mark, struct err_text *e)
{
	AUTO_CLOSE int fd = socket(k->family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, k->protocol);
	int r;

	if (fd < 0)
		return err_set(e, -errno, "cannot open the raw socket %s: %s", k->name, err_name(-errno));
	r = k->sends ? prepare_sender(fd, k, mark) : set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER);
	if (r < 0)
		return err_set(e, r, "cannot set up the raw socket %s: %s", k->name, err_name(r));
	return take_fd(&fd);
}

static bool is_tun(int fd, const struct settings *s)
{
	struct ifreq ifr = {0};
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(TUN_MAJOR, TUN_MINOR) &&
	       ioctl(fd, TUNGETIFF, &ifr) == 0 && strncmp(ifr.ifr_name, s->device, IFNAMSIZ) == 0 &&
	       (ifr.ifr_flags & (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE)) ==
	           (IFF_TUN | IFF_NO_PI);
}

static int make_tun(const struct settings *s, struct err_text *e)
{
	AUTO_CLOSE int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	if (fd < 0)
		return err_set(e, -errno,
		    "cannot open /dev/net/tun: %s; load the kernel module tun, or let the container have it",
		    err_name(-errno));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", s->device);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return err_set(e, -errno, "cannot make the device %s: %s; does another program hold it?",
		    s->device, err_name(-errno));
	return take_fd(&fd);
}

static void store(struct service *s, const char *name, int fd)
{
	int r = service_store_fd(s, name, fd);

	if (r < 0)
		log_notice(
		    "store.none", "nobody keeps %s for a restart of this service: %s", name, err_name(r));
}

static void refuse_stored(const char *name, int fd)
{
	log_warning("store.refused", "what came back as %s is not that: closed and made anew", name);
	close(fd);
}

static int open_raw(struct service *s, const struct raw_kind *k, int *ret, struct err_text *e)
{
	uint32_t mark = bypass_mark(service_settings(s));
	int fd = service_take_fd(s, k->name);

	if (fd >= 0 && !is_raw(fd, k, mark)) {
		refuse_stored(k->name, fd);
		fd = -1;
	}
	if (fd < 0) {
		fd = make_raw(k, mark, e);
		if (fd < 0)
			return fd;
		store(s, k->name, fd);
	}
	*ret = fd;
	return 0;
}

static int open_tun(struct service *s, int *ret, struct err_text *e)
{
	int fd = service_take_fd(s, "tun");

	if (fd >= 0 && !is_tun(fd, service_settings(s))) {
		refuse_stored("tun", fd);
		(void)service_unstore_fd(s, "tun");
		fd = -1;
	}
	if (fd < 0) {
		fd = make_tun(service_settings(s), e);
		if (fd < 0)
			return fd;
		store(s, "tun", fd);
	}
	*ret = fd;
	return 0;
}

static int open_used_keys(const struct settings *s)
{
	char path[SETTINGS_PATH_MAX + 16];
	struct err_text e = {0};
	int fd;

	if (mkdir(s->state_dir, 0755) < 0 && errno != EEXIST)
		log_warning("sad.used-keys", "cannot make %s: %s", s->state_dir, err_name(errno));
	snprintf(path, sizeof(path), "%s/used-keys", s->state_dir);
	fd = prints_file_open(path, &e);
	if (fd < 0)
		log_warning("sad.used-keys",
		    "%s; counter-mode keys (aes-gcm-16) are refused until that is mended", e.s);
	return fd;
}

int datapathd_open_privileged(struct service *s, struct err_text *e)
{
	struct datapathd *d = service_data(s);
	int *const raw[] = {&d->fd.esp4, &d->fd.ah4, &d->fd.send4, &d->fd.send6};
	int r = crypto_init(e);

	if (r == 0)
		r = open_tun(s, &d->fd.tun, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
		r = open_raw(s, &kinds[i], raw[i], e);
	d->used_keys = open_used_keys(service_settings(s));
	return r;
}
