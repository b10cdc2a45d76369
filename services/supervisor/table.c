/*
 * A name that is not here cannot be stored: a service that has been taken over can neither fill the
 * supervisor with descriptors nor plant something for its successor that the successor does not expect.
 */
#include "supervisor/table.h"

#include <sys/stat.h>

const struct unit_def unit_table[UNITS] = {
    {
        .name = "keyd",
        .sockets = {{.name = "keyd.admin"}},
        .stored = {{.name = "conf", .type = S_IFREG}},
    },
    /* Behind keyd, whose last words are about what ends with it. */
    {
        .name = "hooks",
        .root = true,
        .sockets =
            {
                {.name = "hooks.admin"},
                {.name = "hooks.keyd", .connector = "keyd"},
            },
        .stored = {{.name = "conf", .type = S_IFREG}},
    },
    {
        .name = "certd-verify",
        .sockets =
            {
                {.name = "certd-verify.admin"},
                {.name = "certd-verify.keyd", .connector = "keyd"},
            },
        .stored = {{.name = "conf", .type = S_IFREG}},
    },
    {
        .name = "certd",
        .sockets =
            {
                {.name = "certd.admin"},
                {.name = "certd.keyd", .connector = "keyd"},
            },
        /* Files with keys, as ipsecctl opened them: what is in them is never read here. */
        .stored =
            {
                {.name = "conf", .type = S_IFREG},
                {.name = "psk", .type = S_IFREG},
                {.name = "users", .type = S_IFREG},
                {.name = "unlocked", .type = S_IFREG},
                {.name = "cert-", .numbered = 100, .type = S_IFREG},
                {.name = "key-", .numbered = 100, .type = S_IFREG},
            },
    },
    {
        .name = "datapathd",
        .sockets =
            {
                {.name = "datapathd.admin"},
                {.name = "datapathd.spd", .connector = "policyd"},
                {.name = "datapathd.keyd", .connector = "keyd"},
            },
        .stored =
            {
                {.name = "tun", .type = S_IFCHR},
                {.name = "raw-esp4", .type = S_IFSOCK},
                {.name = "raw-ah4", .type = S_IFSOCK},
                {.name = "raw-comp4", .type = S_IFSOCK},
                {.name = "udp4", .type = S_IFSOCK},
                {.name = "raw-esp6", .type = S_IFSOCK},
                {.name = "raw-ah6", .type = S_IFSOCK},
                {.name = "raw-comp6", .type = S_IFSOCK},
                {.name = "udp6", .type = S_IFSOCK},
                {.name = "raw-icmp6", .type = S_IFSOCK},
                {.name = "send4", .type = S_IFSOCK},
                {.name = "send6", .type = S_IFSOCK},
                {.name = "sad-", .numbered = 256, .type = S_IFREG},
            },
    },
    {
        .name = "policyd",
        .sockets =
            {
                {.name = "policyd.admin"},
                {.name = "policyd.acquire", .connector = "datapathd"},
                {.name = "policyd.keyd", .connector = "keyd"},
            },
        .withdraw = "--withdraw",
    },
};
