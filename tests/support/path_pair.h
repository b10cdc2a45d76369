/*
 * Two ends, A and B, and the policies and SAs most tests of the pipelines begin with.
 */
#ifndef POSTERN_TESTS_PATH_PAIR_H
#define POSTERN_TESTS_PATH_PAIR_H

#include "support/path_rig.h"

#define A      "10.0.0.1"
#define B      "10.0.0.2"
#define NET_A  "192.168.1.0/24"
#define NET_B  "192.168.2.0/24"
#define HOST_A "192.168.1.5"
#define HOST_B "192.168.2.6"

extern struct path_rig pair_a, pair_b;
extern uint8_t pair_buf[PKT_LEN_MAX]; /* the last clear packet, or what a test puts there */

int pair_setup(void **state);
int pair_teardown(void **state);

/* The SA in both SADs. */
void pair_add(const struct sa_desc *d);
/* Policies out of A and into B for this selector, with the requests that `fill` adds. */
void pair_protect(const struct selector *sel, void (*fill)(struct policy *p));

/* Requests of level require, but for use_tunnel_bundle(). */
void tunnel_esp(struct policy *p);
void tunnel_ah(struct policy *p);
void transport_esp(struct policy *p);
void transport_ah(struct policy *p);
void transport_bundle(struct policy *p);
void tunnel_bundle(struct policy *p);
void use_tunnel_bundle(struct policy *p);

struct selector pair_nets(void);
struct selector pair_hosts(void);
/* AES-CBC with HMAC-SHA-256 from A to B. */
struct sa_desc pair_esp(uint32_t spi, enum ipsec_mode mode);

/* Puts one packet of 64 octets through A's outbound pipeline; its length. */
size_t pair_send(const char *src, const char *dst);
/* Sends one packet of `n` octets from A to B; it must arrive as it was. */
void pair_expect_arrives(const char *src, const char *dst, size_t n);

#endif
