/*
 * Octets that their owners published; most are MD5 of a text.
 */
#include "keyd/ike1/vendor.h"

#include "keyd/ike1/nat.h"
#include "wire/ike/v1.h"

static const struct vendor {
	const char *name;
	uint8_t len; /* octets that count; more may follow (a version) */
	uint8_t id[20];
} vendors[] = {
    {"DPD", 14, {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 1, 0}},
    {"RFC 3947", 16,
        {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f}},
    {"draft-ietf-ipsec-nat-t-ike-02", 16,
        {0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f}},
    {"MS NT5 ISAKMPOAKLEY", 16,
        {0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d, 0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61}},
    {"KAME/racoon", 16,
        {0x70, 0x03, 0xcb, 0xc1, 0x09, 0x7d, 0xbe, 0x9c, 0x26, 0x00, 0xba, 0x69, 0x83, 0xbc, 0x8b, 0x35}},
    {"XAuth", 8, {0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12}},
    {"FRAGMENTATION", 16,
        {0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3, 0xc0,
            0, 0, 0}},
    {"draft-ietf-ipsec-nat-t-ike-02 (without a line's end)", 16,
        {0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd, 0xb2, 0xfc, 0x68, 0xb6, 0xa4, 0x48}},
    {"Cisco Unity", 16,
        {0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9, 0x70, 0x2d, 0x9f, 0xe2, 0x74, 0xcc, 0x01, 0x00}},
};

/* FRAGMENTATION has four octets of flags: in main and aggressive mode, in base mode. */
enum {
	DPD = 0,
	NATT_RFC,
	NATT_DRAFT,
	XAUTH = 5,
	XAUTH_LEN = 8,
	FRAGMENTATION = 6,
	NATT_DRAFT_OTHER = 7, /* the same text hashed otherwise, as some peers do */
	FRAGMENTATION_LEN = 20,
	DPD_LEN = 16 /* with its version, 1.0 */,
	NATT_LEN = 16
};

/* The answering side has chosen already. */
static bool with_xauth(const struct isakmp *sa)
{
	const struct ike_peer *p = isakmp_peer(sa);

	for (uint8_t i = 0; i < p->n_offers; i++) {
		enum ike_auth_method m = sa->terms.auth ? sa->terms.auth : p->offer[i].auth;

		if (ike_auth_asks(m) || ike_auth_is_asked(m))
			return true;
	}
	return false;
}

void vendor_put(const struct isakmp *sa, struct ike_out *o)
{
	if (isakmp_peer(sa)->nat_traversal != IKE_OFF) {
		ike_out_whole(o, IKE1_P_VENDOR, vendors[NATT_RFC].id, NATT_LEN);
		ike_out_whole(o, IKE1_P_VENDOR, vendors[NATT_DRAFT].id, NATT_LEN);
	}
	if (isakmp_peer(sa)->ike_frag != IKE_OFF)
		ike_out_whole(o, IKE1_P_VENDOR, vendors[FRAGMENTATION].id, FRAGMENTATION_LEN);
	if (with_xauth(sa))
		ike_out_whole(o, IKE1_P_VENDOR, vendors[XAUTH].id, XAUTH_LEN);
	if (isakmp_peer(sa)->dpd.announce)
		ike_out_whole(o, IKE1_P_VENDOR, vendors[DPD].id, DPD_LEN);
}

static const struct vendor *find(const struct ike_payload *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++)
		if (p->len >= vendors[i].len && memcmp(p->body, vendors[i].id, vendors[i].len) == 0)
			return &vendors[i];
	return NULL;
}

/* The newest form that both know. */
static void know_nat(struct isakmp *sa, enum nat_form form)
{
	if (isakmp_peer(sa)->nat_traversal != IKE_OFF && (int)form > sa->nat_form)
		sa->nat_form = form;
}

void vendor_take(struct isakmp *sa, const struct ike_chain *c)
{
	const struct ike_payload *p;

	for (uint32_t i = 0; (p = ike_chain_find(c, IKE1_P_VENDOR, i)); i++) {
		const struct vendor *v = find(p);

		if (!v)
			continue;
		core_note(sa->core, CORE_DEBUG, "isakmp.vendor", "received Vendor ID: %s", v->name);
		if (v == &vendors[DPD])
			sa->peer_dpd = true;
		/* Whatever our own ike_frag says: racoon's sending was always on. */
		if (v == &vendors[FRAGMENTATION])
			sa->cuts = true;
		if (v == &vendors[NATT_RFC])
			know_nat(sa, NAT_RFC);
		if (v == &vendors[NATT_DRAFT] || v == &vendors[NATT_DRAFT_OTHER])
			know_nat(sa, NAT_DRAFT_02);
	}
}
