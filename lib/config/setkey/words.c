/*
 * Suggestions come from these lists, so they hold every spelling that any setkey accepts, whether or not this
 * version provides what it names.
 */
#include "config/setkey/words.h"

#include <stddef.h>

const char *const sk_words_verb[] = {"add", "update", "get", "getspi", "delete", "deleteall", "flush", "dump",
    "spdadd", "spdupdate", "spddelete", "spdflush", "spddump", "exit", "quit", "bye", NULL};
const char *const sk_words_option[] = {"-m", "-r", "-u", "-f", "-lh", "-ls", "-bh", "-bs", "-ph", "-ps",
    "-lv", "-esp_frag", "-ctx", "-E", "-A", "-C", "-R", "-P", NULL};
const char *const sk_words_proto[] = {"esp", "esp-old", "esp-udp", "ah", "ah-old", "ipcomp", "tcp", NULL};
const char *const sk_words_mode[] = {"transport", "tunnel", "any", NULL};
const char *const sk_words_flag[] = {
    "zero-pad", "random-pad", "seq-pad", "nocyclic-seq", "fresh-key", "esn", NULL};
const char *const sk_words_dir[] = {"in", "out", "fwd", NULL};
const char *const sk_words_action[] = {
    "discard", "none", "ipsec", "entrust", "bypass", "priority", "prio", NULL};
const char *const sk_words_request[] = {"esp", "ah", "ipcomp", NULL};
const char *const sk_words_request_mode[] = {"transport", "tunnel", NULL};
const char *const sk_words_level[] = {"default", "use", "require", "unique", NULL};
const char *const sk_words_priority[] = {"low", "def", "high", NULL};
const char *const sk_words_upper[] = {"any", "all", "tcp", "udp", "icmp", "icmp6", "ipv6-icmp", "ip4", "gre",
    "esp", "ah", "sctp", "igmp", "ospf", "mh", NULL};
const char *const sk_words_enc[] = {"3des-cbc", "des-cbc", "blowfish-cbc", "cast128-cbc", "aes-cbc",
    "rijndael-cbc", "null", "simple", "twofish-cbc", "des-deriv", "des-32iv", "3des-deriv", "aes-ctr",
    "aes-gcm-8", "aes-gcm-12", "aes-gcm-16", "aes-ccm-8", "aes-ccm-12", "aes-ccm-16", "aes-gmac",
    "camellia-cbc", "chacha20-poly1305", "rc5-cbc", NULL};
const char *const sk_words_auth[] = {"hmac-md5", "hmac-sha1", "keyed-md5", "keyed-sha1", "null",
    "hmac-sha256", "hmac-sha2-256", "hmac-sha384", "hmac-sha2-384", "hmac-sha512", "hmac-sha2-512",
    "hmac-sha256-96", "hmac-sha2-256-96", "hmac-sha384-96", "hmac-sha2-384-96", "hmac-sha512-96",
    "hmac-sha2-512-96", "hmac-ripemd160", "aes-xcbc-mac", "aes-cmac", "aes-gmac", "md5", "sha", "tcp-md5",
    NULL};
const char *const sk_words_comp[] = {"deflate", "lzs", "oui", NULL};
