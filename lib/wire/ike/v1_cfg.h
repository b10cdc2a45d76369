/*
 * What the attributes of version 1's transaction exchange say: XAuth's (draft-beaulieu-ike-xauth-02 section
 * 4) and mode config's (draft-ietf-ipsec-isakmp-mode-cfg-05 section 3.3, and Cisco's Unity numbers beside
 * them). Slices point into the message.
 */
#ifndef POSTERN_WIRE_IKE_V1_CFG_H
#define POSTERN_WIRE_IKE_V1_CFG_H

#include "inet/addr.h"
#include "wire/ike/v1_payload.h"
#include "wire/ike/v1_sa.h"

enum ike1_cfg_type { IKE1_CFG_REQUEST = 1, IKE1_CFG_REPLY, IKE1_CFG_SET, IKE1_CFG_ACK };

enum ike1_xauth_attr {
	IKE1_XAUTH_TYPE = 16520,
	IKE1_XAUTH_USER_NAME,
	IKE1_XAUTH_USER_PASSWORD,
	IKE1_XAUTH_PASSCODE,
	IKE1_XAUTH_MESSAGE,
	IKE1_XAUTH_CHALLENGE,
	IKE1_XAUTH_DOMAIN,
	IKE1_XAUTH_STATUS,
	IKE1_XAUTH_NEXT_PIN,
	IKE1_XAUTH_ANSWER,
};
enum { IKE1_XAUTH_GENERIC = 0, IKE1_XAUTH_FAIL = 0, IKE1_XAUTH_OK = 1 };

enum ike1_mode_attr {
	IKE1_CFG_IP4_ADDRESS = 1,
	IKE1_CFG_IP4_NETMASK,
	IKE1_CFG_IP4_DNS,
	IKE1_CFG_IP4_NBNS,
	IKE1_CFG_EXPIRY,
	IKE1_CFG_VERSION = 7,
	IKE1_CFG_UNITY_BANNER = 28672,
	IKE1_CFG_UNITY_SAVE_PASSWD,
	IKE1_CFG_UNITY_DEF_DOMAIN,
	IKE1_CFG_UNITY_SPLIT_DNS,
	IKE1_CFG_UNITY_SPLIT_INCLUDE,
	IKE1_CFG_UNITY_NATT_PORT,
	IKE1_CFG_UNITY_LOCAL_LAN,
	IKE1_CFG_UNITY_PFS,
};

struct ike1_text {
	const uint8_t *p;
	uint16_t n;
	bool there; /* the attribute was there, perhaps empty */
};

struct ike1_xauth {
	bool any;      /* at least one of XAuth's was there */
	uint16_t type; /* GENERIC unless said */
	bool has_status;
	uint16_t status;
	struct ike1_text user, password, passcode, message, challenge, domain, answer, next_pin;
};

/* IKE_OK, or IKE_BAD_VALUE: an attribute that is there twice, or a number that is none. Attributes of other
 * kinds are passed over. */
must_check enum ike_fault ike1_xauth_decode(const struct ike1_config *c, struct ike1_xauth *ret);

/* Bits of a set of mode config's attributes. */
enum ike1_cfg_bit {
	IKE1_HAS_ADDRESS = 1 << 0,
	IKE1_HAS_NETMASK = 1 << 1,
	IKE1_HAS_DNS = 1 << 2,
	IKE1_HAS_NBNS = 1 << 3,
	IKE1_HAS_EXPIRY = 1 << 4,
	IKE1_HAS_VERSION = 1 << 5,
	IKE1_HAS_BANNER = 1 << 6,
	IKE1_HAS_SAVE_PASSWD = 1 << 7,
	IKE1_HAS_DOMAIN = 1 << 8,
	IKE1_HAS_SPLIT_DNS = 1 << 9,
	IKE1_HAS_SPLIT_INCLUDE = 1 << 10,
	IKE1_HAS_LOCAL_LAN = 1 << 11,
	IKE1_HAS_PFS = 1 << 12,
	IKE1_HAS_NATT_PORT = 1 << 13, /* known, and never given */
};
/* What a client may ask us for. */
enum { IKE1_CFG_ALL = (1 << 13) - 1 };

enum { IKE1_CFG_SERVERS_MAX = 4, IKE1_CFG_NETS_MAX = 32 };

struct ike1_nets {
	struct inet_prefix net[IKE1_CFG_NETS_MAX];
	uint8_t n;
};

struct ike1_values {
	uint32_t has;                      /* which were there; in a request they are usually empty */
	struct inet_addr address, netmask; /* INET_NONE: empty */
	struct inet_addr dns[IKE1_CFG_SERVERS_MAX], nbns[IKE1_CFG_SERVERS_MAX];
	uint8_t n_dns, n_nbns;
	uint32_t expiry_s;
	uint16_t save_passwd, pfs;
	struct ike1_text version, banner, domain, split_dns;
	struct ike1_nets include, local;
};

/* IKE_OK, or IKE_BAD_VALUE: an address that is none, a mask that is not one of leading ones, an attribute
 * that can be there once and is there twice. More servers or networks than there is room for are left out;
 * attributes that we do not know are passed over. */
must_check enum ike_fault ike1_values_decode(const struct ike1_config *c, struct ike1_values *ret);

/* Opens the Attributes payload; attributes follow, then the next payload or the end. */
void ike1_put_config(struct ike_out *o, enum ike1_cfg_type type, uint16_t id);
/* Empty ones: what a request asks for, or an acknowledgement repeats. `has`: bits. */
void ike1_put_asked(struct ike_out *o, uint32_t has);
/* Those of v->has with their values. */
void ike1_put_values(struct ike_out *o, const struct ike1_values *v);

/* The number of leading ones; false: it is no mask. */
must_check bool ike1_mask_len(const struct inet_addr *mask, uint8_t *ret);

#endif
