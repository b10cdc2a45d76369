/*
 * What only root may open, and what must outlive this process: the TUN device (500 packets wait in it while
 * nobody reads), and the raw sockets (inbound ESP waits in them). Each comes back from the launcher's store
 * under its name; a descriptor that is not what its name says is closed and made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/mb/mb.h"
#include "datapathd/datapathd.h"
#include "datapathd/sa/prints_file.h"

enum {
	TUN_MAJOR = 10,
	TUN_MINOR = 200,
	SOCKET_BUFFER = 4 << 20, /* octets that may wait in a raw socket */
	/* Of Linux 6.2: headers may be older than the kernel. */
	OFFLOAD_USO4 = 0x20,
	OFFLOAD_USO6 = 0x40,
};

/* What a socket is for. */
enum role {
	ROLE_RECEIVE, /* raw */
	ROLE_SEND,    /* raw, marked BYPASS, header included */
	ROLE_UDP,     /* bound to the port of RFC 3948, marked BYPASS: IKE goes out here too */
	ROLE_REPORTS, /* raw: ICMPv6 "too big" and nothing else */
};

struct socket_kind {
	const char *name;
	int family, protocol;
	enum role role;
};

static const struct socket_kind receivers[SOURCE_SOCKETS] = {
    [SOURCE_ESP4] = {"raw-esp4", AF_INET, IPPROTO_ESP, ROLE_RECEIVE},
    [SOURCE_AH4] = {"raw-ah4", AF_INET, IPPROTO_AH, ROLE_RECEIVE},
    [SOURCE_COMP4] = {"raw-comp4", AF_INET, IPPROTO_COMP, ROLE_RECEIVE},
    [SOURCE_UDP4] = {"udp4", AF_INET, IPPROTO_UDP, ROLE_UDP},
    [SOURCE_ESP6] = {"raw-esp6", AF_INET6, IPPROTO_ESP, ROLE_RECEIVE},
    [SOURCE_AH6] = {"raw-ah6", AF_INET6, IPPROTO_AH, ROLE_RECEIVE},
    [SOURCE_COMP6] = {"raw-comp6", AF_INET6, IPPROTO_COMP, ROLE_RECEIVE},
    [SOURCE_UDP6] = {"udp6", AF_INET6, IPPROTO_UDP, ROLE_UDP},
    [SOURCE_ICMP6] = {"raw-icmp6", AF_INET6, IPPROTO_ICMPV6, ROLE_REPORTS},
};
static const struct socket_kind sender4 = {"send4", AF_INET, IPPROTO_RAW, ROLE_SEND};
static const struct socket_kind sender6 = {"send6", AF_INET6, IPPROTO_RAW, ROLE_SEND};

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

static bool is_socket(int fd, const struct socket_kind *k, uint32_t mark)
{
	return option(fd, SOL_SOCKET, SO_TYPE) == (k->role == ROLE_UDP ? SOCK_DGRAM : SOCK_RAW) &&
	       option(fd, SOL_SOCKET, SO_DOMAIN) == k->family &&
	       option(fd, SOL_SOCKET, SO_PROTOCOL) == k->protocol &&
	       (k->role != ROLE_SEND || (uint32_t)option(fd, SOL_SOCKET, SO_MARK) == mark);
}

/* A row of options to be switched on. */
struct switched {
	int level, name, value;
};

static int set_all(int fd, const struct switched *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (setsockopt(fd, o[i].level, o[i].name, &o[i].value, sizeof(o[i].value)) < 0)
			return -errno;
	return 0;
}

/* The error queue gets the first hop's MTU when the kernel refuses a packet; strangers' ICMP does not come
 * here. */
static int prepare_sender(int fd, const struct socket_kind *k, uint32_t mark)
{
	const struct switched both[] = {
	    {SOL_SOCKET, SO_MARK, (int)mark},
	    {SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER},
	    {SOL_SOCKET, SO_BROADCAST, 1},
	};
	static const struct switched four[] = {
	    {IPPROTO_IP, IP_NODEFRAG, 1},
	    {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE},
	    {IPPROTO_IP, IP_RECVERR, 1},
	};
	static const struct switched six[] = {
	    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE},
	    {IPPROTO_IPV6, IPV6_RECVERR, 1},
	};
	int r = set_all(fd, both, ARRAY_SIZE(both));

	if (r < 0)
		return r;
	return k->family == AF_INET ? set_all(fd, four, ARRAY_SIZE(four)) : set_all(fd, six, ARRAY_SIZE(six));
}

/*
 * Routers' "too big" about what we sent comes to the socket of its protocol (error_io.c). It stays between it
 * and us: but for IP_PMTUDISC_INTERFACE (or _OMIT, which cuts a long IKE message) the kernel would believe
 * every one, forged ones too, and shorten what this host sends there for itself. IPv6 has no such choice that
 * leaves us the report; there a forger gets no further than 1280.
 */
static int prepare_receiver(int fd, const struct socket_kind *k, uint32_t mark)
{
	const struct switched both[] = {
	    {SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER},
	    {SOL_SOCKET, SO_MARK, k->role == ROLE_UDP ? (int)mark : 0},
	};
	const struct switched four[] = {
	    {IPPROTO_IP, IP_RECVERR, 1},
	    {IPPROTO_IP, IP_MTU_DISCOVER, k->role == ROLE_UDP ? IP_PMTUDISC_OMIT : IP_PMTUDISC_INTERFACE},
	    {IPPROTO_IP, IP_PKTINFO, 1},
	    {IPPROTO_IP, IP_RECVTOS, 1},
	};
	static const struct switched six[] = {
	    {IPPROTO_IPV6, IPV6_RECVERR, 1},
	    {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
	    {IPPROTO_IPV6, IPV6_RECVTCLASS, 1},
	    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1},
	    {IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1},
	    {IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1},
	    {IPPROTO_IPV6, IPV6_RECVRTHDR, 1},
	};
	static const struct switched udp[] = {{SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER}};
	static const struct switched gro[] = {{SOL_UDP, UDP_GRO, 1}};
	int r = set_all(fd, both, ARRAY_SIZE(both));

	if (r == 0 && k->role == ROLE_UDP) {
		r = set_all(fd, udp, ARRAY_SIZE(udp));
		(void)set_all(fd, gro, ARRAY_SIZE(gro)); /* before Linux 5.0 datagrams come one by one */
	}
	if (r < 0)
		return r;
	return k->family == AF_INET ? set_all(fd, four, ARRAY_SIZE(four)) : set_all(fd, six, ARRAY_SIZE(six));
}

/* The kernel takes AH for an extension header and looks for a socket of what is behind it, so no error queue
 * gets reports about AH over IPv6. They are taken from ICMPv6 itself. */
static int prepare_reports(int fd)
{
	struct icmp6_filter only;

	ICMP6_FILTER_SETBLOCKALL(&only);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &only);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only, sizeof(only)) < 0 ? -errno : 0;
}

static int prepare(int fd, const struct socket_kind *k, uint32_t mark)
{
	switch (k->role) {
	case ROLE_SEND:
		return prepare_sender(fd, k, mark);
	case ROLE_REPORTS:
		return prepare_reports(fd);
	default:
		return prepare_receiver(fd, k, mark);
	}
}

static int bind_udp(int fd, const struct socket_kind *k)
{
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(SA_UDP_PORT)};
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(SA_UDP_PORT)};
	static const struct switched only[] = {{IPPROTO_IPV6, IPV6_V6ONLY, 1}};
	int r = k->family == AF_INET6 ? set_all(fd, only, ARRAY_SIZE(only)) : 0;

	if (r < 0)
		return r;
	r = k->family == AF_INET ? bind(fd, (const struct sockaddr *)&any4, sizeof(any4))
	                         : bind(fd, (const struct sockaddr *)&any6, sizeof(any6));
	return r < 0 ? -errno : 0;
}

static int make_socket(const struct socket_kind *k, uint32_t mark, struct err_text *e)
{
	int type = k->role == ROLE_UDP ? SOCK_DGRAM : SOCK_RAW;
	AUTO_CLOSE int fd = socket(k->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, k->protocol);
	int r;

	if (fd < 0)
		return err_set(e, -errno, "cannot open the socket %s: %s", k->name, err_name(-errno));
	r = prepare(fd, k, mark);
	if (r == 0 && k->role == ROLE_UDP)
		r = bind_udp(fd, k);
	if (r < 0)
		return err_set(e, r, "cannot set up the socket %s: %s", k->name, err_name(r));
	return take_fd(&fd);
}

static bool is_tun(int fd, const struct settings *s)
{
	struct ifreq ifr = {0};
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(TUN_MAJOR, TUN_MINOR) &&
	       ioctl(fd, TUNGETIFF, &ifr) == 0 && strncmp(ifr.ifr_name, s->device, IFNAMSIZ) == 0 &&
	       (ifr.ifr_flags & (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE)) ==
	           (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
}

/* Superpackets of TCP, and of UDP where the kernel has them. Without either it works packet by packet. */
static bool offload_tun(int fd)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	if (ioctl(fd, TUNSETOFFLOAD, tcp | OFFLOAD_USO4 | OFFLOAD_USO6) == 0)
		return true;
	if (ioctl(fd, TUNSETOFFLOAD, tcp) < 0)
		log_notice("tun.offload",
		    "the kernel hands over single packets only (%s): transfers are slower", err_name(-errno));
	return false;
}

static int make_tun(const struct settings *s, struct err_text *e)
{
	AUTO_CLOSE int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

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

/* What the suite can do without: IPv6 on a host that has none, and a port that another program has. */
static bool can_lack(const struct socket_kind *k, int r)
{
	if (k->family == AF_INET6 && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL))
		return true;
	return k->role == ROLE_UDP && r == -EADDRINUSE;
}

static int open_socket(struct service *s, const struct socket_kind *k, int *ret, struct err_text *e)
{
	uint32_t mark = bypass_mark(service_settings(s));
	int fd = service_take_fd(s, k->name), r;

	if (fd >= 0 && !is_socket(fd, k, mark)) {
		refuse_stored(k->name, fd);
		fd = -1;
	}
	if (fd < 0) {
		fd = make_socket(k, mark, e);
		if (fd < 0 && can_lack(k, fd)) {
			log_notice("socket.none", "%s; what needs it is refused", e->s);
			*ret = -1;
			return 0;
		}
		if (fd < 0)
			return fd;
		store(s, k->name, fd);
	} else if (k->role == ROLE_UDP && (r = prepare(fd, k, mark)) < 0) {
		/* An earlier release set it up for less, and its port is not to be had a second time. */
		return err_set(e, r, "cannot set up the socket %s: %s", k->name, err_name(r));
	}
	*ret = fd;
	return 0;
}

static int open_tun(struct service *s, struct worker_fds *ret, struct err_text *e)
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
	ret->tun = fd;
	ret->tun_udp = offload_tun(fd);
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
		    "%s; keys of counter modes (aes-gcm, aes-ccm, aes-ctr, chacha20-poly1305, aes-gmac) are "
		    "refused until that is mended",
		    e.s);
	return fd;
}

/* Before the sandbox: OpenSSL reads its configuration and loads a module. */
static int start_crypto(struct err_text *e)
{
	struct err_text why = {0};
	int r = crypto_init(e);

	for (size_t i = 0; r == 0 && crypto_absent_at(i, &why); i++)
		log_warning("crypto.absent", "%s", why.s);
	if (r == 0 && crypto_mb() && !crypto_use_engine(crypto_mb()))
		log_notice("crypto.engine", "ipsec-mb is not for this processor: OpenSSL does all");
	return r;
}

int datapathd_open_privileged(struct service *s, struct err_text *e)
{
	struct datapathd *d = service_data(s);
	int r = start_crypto(e);

	if (r == 0)
		r = open_tun(s, &d->fd, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(receivers); i++)
		r = open_socket(s, &receivers[i], &d->fd.in[i], e);
	if (r == 0)
		r = open_socket(s, &sender4, &d->fd.send4, e);
	if (r == 0)
		r = open_socket(s, &sender6, &d->fd.send6, e);
	d->used_keys = open_used_keys(service_settings(s));
	return r;
}
