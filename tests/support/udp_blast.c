/*
 * Datagrams for the benchmark, many to a system call: a paced sender, a sink that counts, a ping-pong and its
 * echo. Every run has an end, in time and in number. Results are one line of JSON each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, BURSTS_PER_S = 4000, SIZE_MAX_OCTETS = 9000, RATE_MAX = 10000000, SECONDS_MAX = 60 };
enum { PINGS_MAX = 100000, SINK_BUFFER = 4 << 20, BODY_MAX = 9216 };

static const uint64_t second_ns = 1000000000, late_ns = 2000000;
static const int quiet_ms = 50, drain_ms = 2000, ping_ms = 200;
static const char marker[] = "POSTERN-CLEAR-"; /* what the wire must not show */

/* In front of each datagram; both ends are this program on one machine. */
struct head {
	uint32_t run;
	uint32_t number;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t ns)
{
	const struct timespec t = {.tv_sec = (time_t)(ns / second_ns), .tv_nsec = (long)(ns % second_ns)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static int die(const char *what)
{
	fprintf(stderr, "udp-blast: %s: %s\n", what, strerror(errno));
	return 1;
}

/* A number within bounds; otherwise the program ends. */
static double number(const char *text, const char *name, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= least && value <= most)) {
		fprintf(stderr, "udp-blast: %s is %s; it must be %g to %g\n", name, text, least, most);
		exit(2);
	}
	return value;
}

/* A socket connected to a numeric address; -1 and errno. */
static int connected(const char *address, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
	                *found;
	int fd, r;

	if (getaddrinfo(address, port, &hints, &found)) {
		fprintf(stderr, "udp-blast: %s port %s is no numeric address and port\n", address, port);
		exit(2);
	}
	fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = fd < 0 ? -1 : connect(fd, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return r ? -1 : fd;
}

/* A socket for both families, on a port of the kernel's choice for "0"; says "ready PORT". -1 and errno. */
static int bound(const char *port)
{
	struct sockaddr_in6 at = {
	    .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)number(port, "PORT", 0, 65535))};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), off = 0, room = SINK_BUFFER;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)))
		return -1;
	/* The same room for everybody; without the privilege it is what the machine allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)))
		return -1;
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || getsockname(fd, (struct sockaddr *)&at, &len))
		return -1;
	printf("ready %u\n", ntohs(at.sin6_port));
	fflush(stdout);
	return fd;
}

struct sender {
	int fd;
	size_t size;
	uint64_t rate, sent, refused;
	uint8_t body[BATCH][BODY_MAX];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
};

static void prepare(struct sender *s)
{
	uint32_t run;

	if (getrandom(&run, sizeof(run), 0) != sizeof(run))
		run = (uint32_t)now_ns();
	for (unsigned i = 0; i < BATCH; i++) {
		for (size_t at = sizeof(struct head); at < s->size; at++)
			s->body[i][at] = (uint8_t)marker[(at - sizeof(struct head)) % (sizeof(marker) - 1)];
		memcpy(s->body[i], &run, sizeof(run));
		s->iov[i] = (struct iovec){s->body[i], s->size};
		s->msg[i].msg_hdr = (struct msghdr){.msg_iov = &s->iov[i], .msg_iovlen = 1};
	}
}

/* One burst. What the kernel refuses for want of room counts as offered; false: an error that lasts. */
static bool burst(struct sender *s, unsigned n)
{
	int r;

	for (unsigned i = 0; i < n; i++) {
		uint32_t sequence = (uint32_t)(s->sent + s->refused + i);

		memcpy(s->body[i] + offsetof(struct head, number), &sequence, sizeof(sequence));
	}
	r = sendmmsg(s->fd, s->msg, n, 0);
	if (r >= 0) {
		s->sent += (unsigned)r;
		return true;
	}
	if (errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED && errno != EINTR)
		return false;
	s->refused += errno != EINTR;
	return true;
}

/*
 * Keeps to the rate by bursts of at most a quarter of a millisecond's worth, or 64. A sender that was kept
 * from running does not make up for it with one long burst, which would measure the queues and not the rate:
 * it goes on from now.
 */
static bool blast(struct sender *s, double seconds, uint64_t *spent)
{
	uint64_t began = now_ns(), end = began + (uint64_t)(seconds * 1e9), next = began, now = began;
	uint64_t count = (uint64_t)((double)s->rate * seconds);
	unsigned n = (unsigned)(s->rate / BURSTS_PER_S);

	n = n < 1 ? 1 : n > BATCH ? BATCH : n;
	while (now < end && s->sent + s->refused < count) {
		uint64_t done = s->sent + s->refused, left = count - done;

		if (!burst(s, left < n ? (unsigned)left : n))
			return false;
		next += (s->sent + s->refused - done) * second_ns / s->rate;
		now = now_ns();
		if (now < next)
			wait_until(next < end ? next : end);
		else if (now > next + late_ns)
			next = now;
		now = now_ns();
	}
	*spent = now - began;
	return true;
}

static int send_main(char **word)
{
	static struct sender s;
	uint64_t spent;
	double seconds;

	s.size = (size_t)number(word[2], "SIZE", sizeof(struct head), SIZE_MAX_OCTETS);
	s.rate = (uint64_t)number(word[3], "RATE", 1, RATE_MAX);
	seconds = number(word[4], "SECONDS", 0.001, SECONDS_MAX);
	s.fd = connected(word[0], word[1]);
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	prepare(&s);
	if (s.fd < 0 || !blast(&s, seconds, &spent))
		return die("send");
	printf("{\"sent\": %llu, \"refused\": %llu, \"ns\": %llu}\n", (unsigned long long)s.sent,
	    (unsigned long long)s.refused, (unsigned long long)spent);
	return 0;
}

struct sink {
	int fd;
	bool began, ended_one;
	uint32_t run, ended, highest;
	uint64_t received, octets, late, first_ns, last_ns;
	uint8_t body[BATCH][BODY_MAX];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
};

static void count(struct sink *s, const uint8_t *body, size_t n, uint64_t now)
{
	struct head head;

	if (n < sizeof(head))
		return;
	memcpy(&head, body, sizeof(head));
	if (s->ended_one && head.run == s->ended)
		return; /* a straggler of what was reported already */
	if (!s->began) {
		s->began = true;
		s->run = head.run;
		s->highest = head.number;
		s->first_ns = now;
	}
	if (head.number < s->highest)
		s->late++;
	else
		s->highest = head.number;
	s->received++;
	s->octets += n;
	s->last_ns = now;
}

static void take(struct sink *s)
{
	int n = recvmmsg(s->fd, s->msg, BATCH, MSG_DONTWAIT, NULL);
	uint64_t now = now_ns();

	for (int i = 0; i < n; i++)
		count(s, s->body[i], s->msg[i].msg_len, now);
}

/* What is still under way, for a while; then the result, and all counts from zero. */
static void report(struct sink *s)
{
	struct pollfd one = {.fd = s->fd, .events = POLLIN};
	uint64_t end = now_ns() + (uint64_t)drain_ms * 1000000u;

	while (now_ns() < end && poll(&one, 1, quiet_ms) > 0)
		take(s);
	printf("{\"received\": %llu, \"octets\": %llu, \"late\": %llu, \"ns\": %llu}\n",
	    (unsigned long long)s->received, (unsigned long long)s->octets, (unsigned long long)s->late,
	    (unsigned long long)(s->last_ns - s->first_ns));
	fflush(stdout);
	s->ended_one = s->ended_one || s->began;
	s->ended = s->began ? s->run : s->ended;
	s->received = s->octets = s->late = s->first_ns = s->last_ns = 0;
	s->began = false;
}

/* Counts until its standard input ends; each line there asks for the counts. */
static int sink_main(char **word)
{
	static struct sink s;
	struct pollfd watch[2] = {{.events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};

	for (unsigned i = 0; i < BATCH; i++) {
		s.iov[i] = (struct iovec){s.body[i], BODY_MAX};
		s.msg[i].msg_hdr = (struct msghdr){.msg_iov = &s.iov[i], .msg_iovlen = 1};
	}
	s.fd = watch[0].fd = bound(word[0]);
	if (s.fd < 0)
		return die("receive");
	for (;;) {
		char line[64];

		if (poll(watch, 2, -1) < 0 && errno != EINTR)
			return die("poll");
		if (watch[0].revents)
			take(&s);
		if (watch[1].revents) {
			if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
				return 0;
			report(&s);
		}
	}
}

/* Sends each datagram back to where it came from, until its standard input ends. */
static int echo_main(char **word)
{
	struct pollfd watch[2] = {{.events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	int fd = watch[0].fd = bound(word[0]);

	if (fd < 0)
		return die("receive");
	for (;;) {
		static uint8_t body[BODY_MAX];
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n;

		if (poll(watch, 2, -1) < 0 && errno != EINTR)
			return die("poll");
		if (watch[1].revents)
			return 0;
		n = recvfrom(fd, body, sizeof(body), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
		/* No room to answer is a lost ping, which the other end counts. */
		if (n >= 0 && sendto(fd, body, (size_t)n, 0, (struct sockaddr *)&from, len) < 0 &&
		    errno != ENOBUFS)
			return die("answer");
	}
}

/* The round trip of ping `sequence` in ns; 0 when no answer came in time. */
static uint64_t ping(int fd, uint8_t *body, size_t size, uint32_t sequence)
{
	static uint8_t answer[BODY_MAX];
	struct pollfd one = {.fd = fd, .events = POLLIN};
	uint64_t began = now_ns(), end = began + (uint64_t)ping_ms * 1000000u, now;
	struct head head;

	memcpy(body + offsetof(struct head, number), &sequence, sizeof(sequence));
	if (send(fd, body, size, 0) < 0)
		return 0;
	while ((now = now_ns()) < end && poll(&one, 1, (int)((end - now) / 1000000u) + 1) > 0) {
		ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);

		now = now_ns();
		if (n < (ssize_t)sizeof(head))
			continue;
		memcpy(&head, answer, sizeof(head));
		if (head.number == sequence)
			return now - began;
	}
	return 0;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int ping_main(char **word)
{
	static uint64_t took[PINGS_MAX];
	static uint8_t body[BODY_MAX];
	size_t size = (size_t)number(word[2], "SIZE", sizeof(struct head), SIZE_MAX_OCTETS), got = 0;
	uint32_t pings = (uint32_t)number(word[3], "COUNT", 1, PINGS_MAX);
	uint64_t pause = (uint64_t)number(word[4], "PAUSE", 0, 1000000) * 1000;
	int fd = connected(word[0], word[1]);

	if (fd < 0)
		return die("connect");
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	for (uint32_t i = 0; i < pings; i++) {
		uint64_t ns = ping(fd, body, size, i);

		if (ns)
			took[got++] = ns;
		if (pause)
			wait_until(now_ns() + pause);
	}
	qsort(took, got, sizeof(took[0]), by_size);
	printf("{\"answered\": %zu, \"lost\": %zu, \"min_ns\": %llu, \"median_ns\": %llu, \"p99_ns\": %llu, "
	       "\"max_ns\": %llu}\n",
	    got, pings - got, (unsigned long long)took[0], (unsigned long long)took[got / 2],
	    (unsigned long long)took[got * 99 / 100], (unsigned long long)took[got ? got - 1 : 0]);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		int (*run)(char **word);
	} mode[] = {
	    {"send", 5, send_main}, {"sink", 1, sink_main}, {"echo", 1, echo_main}, {"ping", 5, ping_main}};

	for (size_t i = 0; i < sizeof(mode) / sizeof(mode[0]); i++)
		if (argc == mode[i].words + 2 && !strcmp(argv[1], mode[i].name))
			return mode[i].run(argv + 2);
	fputs(
	    "usage: udp-blast send ADDRESS PORT SIZE RATE SECONDS   datagrams of SIZE octets, RATE a second\n"
	    "       udp-blast sink PORT                            counts; a line on its standard input asks "
	    "for them\n"
	    "       udp-blast echo PORT                            sends back\n"
	    "       udp-blast ping ADDRESS PORT SIZE COUNT PAUSE   round trips, PAUSE microseconds between "
	    "them\n",
	    stderr);
	return 2;
}
