#include "cli/weak_ike.h"

#include "ipsec/ike_weak.h"

static bool by_cipher(const struct ike_row_sa *sa)
{
	return ike_weak_cipher(sa->enc);
}

static bool by_hash(const struct ike_row_sa *sa)
{
	return ike_weak_hash(sa->prf);
}

static bool by_group(const struct ike_row_sa *sa)
{
	return ike_weak_group(sa->group);
}

static bool by_mode(const struct ike_row_sa *sa)
{
	return sa->version == 1 && ike_weak_guess(sa->mode, sa->auth);
}

static const struct {
	const char *name;
	bool (*applies)(const struct ike_row_sa *sa);
	const char *text;
} kinds[WEAK_IKE_KINDS] = {
    {"cipher", by_cipher, "negotiate under des, 3des, blowfish or cast128 (RFC 8247 wants aes)"},
    {"hash", by_hash, "negotiate with md5 or sha1 (RFC 8247: must not; must, but will not stay so)"},
    {"group", by_group,
        "made their keys in a group of 1536 bits or less, or one of RFC 5114 (RFC 8247: should or must not)"},
    {"guess", by_mode,
        "came up in a mode in which others can guess at the pre-shared key: main mode does not let them"},
};

void weak_ike_judge(struct weak_ike_notes *w, const struct ike_row_sa *sa)
{
	if (!sa->agreed)
		return;
	w->n_sas++;
	for (size_t i = 0; i < WEAK_IKE_KINDS; i++)
		w->n[i] += kinds[i].applies(sa);
}

const char *weak_ike_name(size_t kind)
{
	return kinds[kind].name;
}

const char *weak_ike_text(size_t kind)
{
	return kinds[kind].text;
}
