/*
 * Forged first messages of IKE, as many a second as asked for: past the sender's own rules, with invented
 * cookies and ports. Of version 1 half are in order as far as a stranger's can be, a quarter is rubbish
 * behind a good header, a quarter comes from addresses of others. Of version 2 all are in order, with a key
 * exchange that can be computed, and each comes from another address.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, IKE_PORT = 500, HEADER = 28, COUNT_MAX = 1000000 };

/* One proposal, one transform: 3DES, SHA-1, pre-shared key, group 2, an hour (RFC 2409 appendix A). */
static const uint8_t sa_body[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 40, 1, 1, 0, 1, 0, 0, 0, 32, 1, 1, 0, 0,
    0x80, 1, 0, 5, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 2, 0x80, 11, 0, 1, 0x80, 12, 0x0e, 0x10};

/* AES-CBC with 128 bits, HMAC-SHA-256 twice, group 31 (RFC 7296 section 3.3, RFC 8031). */
static const uint8_t sa2_body[] = {0, 0, 0, 44, 1, 1, 0, 4, 3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 0, 128, 3, 0,
    0, 8, 2, 0, 0, 5, 3, 0, 0, 8, 3, 0, 0, 12, 0, 0, 0, 8, 4, 0, 0, 31};

struct frame {
	struct iphdr ip;
	struct udphdr udp;
	uint8_t ike[480];
};
_Static_assert(offsetof(struct frame, ike) == 28, "a packet's headers have no gaps");

struct flood {
	int fd;
	struct sockaddr_ll to;
	struct in_addr src, dst;
	uint64_t random;
	bool two; /* version 2 */
	struct frame frame[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
};

/* xorshift: what matters is that no two are alike. */
static uint64_t draw(struct flood *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

static void fill(struct flood *f, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)draw(f);
}

static size_t payload(uint8_t *p, uint8_t next, size_t n)
{
	p[0] = next;
	p[1] = 0;
	p[2] = (uint8_t)((n + 4) >> 8);
	p[3] = (uint8_t)(n + 4);
	return n + 4;
}

static void set_length(uint8_t *p, size_t n)
{
	p[26] = (uint8_t)(n >> 8);
	p[27] = (uint8_t)n;
}

/* A message's octets; how many. */
static size_t forge1(struct flood *f, uint8_t *p, unsigned kind)
{
	bool aggressive = kind == 1;
	size_t n = HEADER;

	memset(p, 0, HEADER);
	fill(f, p, 8);
	p[16] = 1;
	p[17] = 0x10;
	p[18] = aggressive ? 4 : 2;
	if (kind == 2) {
		n += 100;
		fill(f, p + HEADER, 100);
	} else {
		memcpy(p + n + 4, sa_body, sizeof(sa_body));
		n += payload(p + n, aggressive ? 4 : 0, sizeof(sa_body));
	}
	if (aggressive) {
		fill(f, p + n + 4, 128);
		p[n + 4] &= 0x7f; /* below the prime of group 2 */
		n += payload(p + n, 10, 128);
		fill(f, p + n + 4, 16);
		n += payload(p + n, 5, 16);
		memcpy(p + n + 4, (uint8_t[]){1, 17, 1, 0xf4}, 4);
		memcpy(p + n + 8, &f->src, 4);
		n += payload(p + n, 0, 8);
	}
	set_length(p, n);
	return n;
}

/* The same of version 2: SA, KE, Ni, and what notifies of where it comes from and goes to. */
static size_t forge2(struct flood *f, uint8_t *p)
{
	enum { SA = 33, KE = 34, NONCE = 40, NOTIFY = 41, NAT_SOURCE = 16388, HASH = 20 };
	size_t n = HEADER;

	memset(p, 0, HEADER);
	fill(f, p, 8);
	p[16] = SA;
	p[17] = 0x20;
	p[18] = 34;
	p[19] = 0x08; /* the initiator's */
	memcpy(p + n + 4, sa2_body, sizeof(sa2_body));
	n += payload(p + n, KE, sizeof(sa2_body));
	memcpy(p + n + 4, (uint8_t[]){0, 31, 0, 0}, 4);
	fill(f, p + n + 8, 32);
	n += payload(p + n, NONCE, 36);
	fill(f, p + n + 4, 32);
	n += payload(p + n, NOTIFY, 32);
	for (unsigned i = 0; i < 2; i++) {
		uint16_t type = (uint16_t)(NAT_SOURCE + i);

		memcpy(p + n + 4, (uint8_t[]){0, 0, (uint8_t)(type >> 8), (uint8_t)type}, 4);
		fill(f, p + n + 8, HASH);
		n += payload(p + n, i ? 0 : NOTIFY, 4 + HASH);
	}
	set_length(p, n);
	return n;
}

static uint16_t sum_of(const struct iphdr *ip)
{
	const uint16_t *w = (const uint16_t *)(const void *)ip;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*ip) / 2; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void make(struct flood *f, unsigned i, uint64_t number)
{
	struct frame *fr = &f->frame[i];
	unsigned kind = number % 4;
	size_t n = f->two ? forge2(f, fr->ike) : forge1(f, fr->ike, kind);
	size_t total = sizeof(fr->ip) + sizeof(fr->udp) + n;

	fr->ip = (struct iphdr){.version = 4,
	    .ihl = 5,
	    .ttl = 64,
	    .protocol = IPPROTO_UDP,
	    .tot_len = htons((uint16_t)total),
	    .saddr = f->src.s_addr,
	    .daddr = f->dst.s_addr};
	if (f->two || kind == 3)
		fr->ip.saddr = htonl(0xc6120000 | (uint32_t)(draw(f) & 0x1ffff)); /* RFC 2544's addresses */
	fr->ip.check = sum_of(&fr->ip);
	fr->udp = (struct udphdr){.source = htons((uint16_t)(1024 + draw(f) % 60000)),
	    .dest = htons(IKE_PORT),
	    .len = htons((uint16_t)(sizeof(fr->udp) + n))};
	f->iov[i] = (struct iovec){fr, total};
	f->msg[i].msg_hdr = (struct msghdr){
	    .msg_name = &f->to, .msg_namelen = sizeof(f->to), .msg_iov = &f->iov[i], .msg_iovlen = 1};
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t ns)
{
	const struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static bool run(struct flood *f, uint64_t count, uint64_t rate, uint64_t *sent)
{
	uint64_t began = now_ns();

	for (*sent = 0; *sent < count;) {
		unsigned n = 0;
		int r;

		for (; n < BATCH && *sent + n < count; n++)
			make(f, n, *sent + n);
		r = sendmmsg(f->fd, f->msg, n, 0);
		if (r < 0 && errno != ENOBUFS)
			return false;
		*sent += r > 0 ? (unsigned)r : 0;
		wait_until(began + *sent * 1000000000u / rate);
	}
	return true;
}

static bool parse_mac(const char *text, uint8_t *mac)
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
	           &mac[5]) == 6;
}

int main(int argc, char **argv)
{
	static struct flood f;
	uint64_t count, rate, sent = 0, began;

	if (argc != 8 || !parse_mac(argv[2], f.to.sll_addr) || inet_pton(AF_INET, argv[3], &f.src) != 1 ||
	    inet_pton(AF_INET, argv[4], &f.dst) != 1) {
		fprintf(stderr, "usage: ike-flood INTERFACE MAC FROM TO COUNT RATE VERSION\n");
		return 2;
	}
	count = strtoull(argv[5], NULL, 10);
	rate = strtoull(argv[6], NULL, 10);
	f.two = strcmp(argv[7], "2") == 0;
	if (!rate || count > COUNT_MAX) {
		fprintf(stderr, "ike-flood: RATE is at least 1, COUNT at most %d\n", COUNT_MAX);
		return 2;
	}
	f.to.sll_family = AF_PACKET;
	f.to.sll_protocol = htons(ETH_P_IP);
	f.to.sll_halen = 6;
	f.to.sll_ifindex = (int)if_nametoindex(argv[1]);
	f.fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	f.random = now_ns() | 1;
	began = now_ns();
	if (f.fd < 0 || !run(&f, count, rate, &sent)) {
		perror("ike-flood");
		return 1;
	}
	printf("{\"sent\": %llu, \"ms\": %llu}\n", (unsigned long long)sent,
	    (unsigned long long)((now_ns() - began) / 1000000u));
	return 0;
}
