/*
 * Reads policies from its command line, or one a line from standard input; shows each as the library writes
 *it and how many bytes it has, makes sure that text and bytes stand for each other, and says what a socket of
 *this host answers when it is given the policy.
 *
 *	cc -o policy-text policy-text.c $(pkg-config --cflags --libs libipsec)
 *	./policy-text "out ipsec esp/transport//require"
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet6/ipsec.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *reason(int error)
{
	switch (error) {
	case 0:
		return "taken";
	case EPERM:
	case EACCES:
		return "refused: this needs root (CAP_NET_ADMIN)";
	case ENOPROTOOPT:
		return "not there: this kernel has no IPsec (CONFIG_XFRM)";
	case EOPNOTSUPP:
		return "not there: this kernel has no PF_KEY (CONFIG_NET_KEY), which reads such policies";
	default:
		return strerror(error);
	}
}

/* The errno of the socket option, 0 when it was taken. */
static int give(int family, const void *policy, int len)
{
	bool six = family == AF_INET6;
	int s = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r, error;

	if (s < 0)
		return errno;
	r = setsockopt(s, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_IPSEC_POLICY : IP_IPSEC_POLICY, policy,
	    (socklen_t)len);
	error = r < 0 ? errno : 0;
	close(s);
	return error;
}

/* The text gives the same bytes again. */
static bool comes_back(const char *text, const void *policy, int len)
{
	char *again = ipsec_set_policy(text, (int)strlen(text));
	bool same = again && ipsec_get_policylen(again) == len && memcmp(again, policy, (size_t)len) == 0;

	if (!again)
		fprintf(stderr, "%s: %s\n", text, ipsec_strerror());
	else if (!same)
		fprintf(stderr, "%s: other bytes than before\n", text);
	free(again);
	return same;
}

static bool show(const char *typed)
{
	char *policy = ipsec_set_policy(typed, (int)strlen(typed));
	char *text = policy ? ipsec_dump_policy_withports(policy, NULL) : NULL;
	int len = policy ? ipsec_get_policylen(policy) : -1;
	bool ok = false;

	if (!text || len < 0) {
		fprintf(stderr, "%s: %s\n", typed, ipsec_strerror());
	} else {
		ok = comes_back(text, policy, len);
		printf("%s\n    %d bytes\n", text, len);
		printf("    IPv4 socket: %s\n", reason(give(AF_INET, policy, len)));
		printf("    IPv6 socket: %s\n", reason(give(AF_INET6, policy, len)));
	}
	free(text);
	free(policy);
	return ok;
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;
	bool ok = true;

	for (int i = 1; i < argc; i++)
		ok = show(argv[i]) && ok;
	if (argc > 1)
		return ok ? 0 : 1;
	while (getline(&line, &room, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			ok = show(line) && ok;
	}
	free(line);
	return ok ? 0 : 1;
}
