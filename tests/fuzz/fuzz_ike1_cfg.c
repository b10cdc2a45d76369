/*
 * The body of an Attributes payload: XAuth's and mode config's view of it. Slices lie inside, and values that
 * are written again are read the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ike/v1_cfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t *begin, *end;

static void check(int ok)
{
	if (!ok)
		abort();
}

static void inside(const struct ike1_text *t)
{
	check(!t->n || (t->there && t->p >= begin && t->n <= (size_t)(end - t->p)));
}

static void same_text(const struct ike1_text *a, const struct ike1_text *b)
{
	check(a->n == b->n && (!a->n || memcmp(a->p, b->p, a->n) == 0));
}

static void same(const struct ike1_values *a, const struct ike1_values *b)
{
	check(inet_addr_equal(&a->address, &b->address) && inet_addr_equal(&a->netmask, &b->netmask));
	check(a->n_dns == b->n_dns && a->n_nbns == b->n_nbns && a->expiry_s == b->expiry_s);
	check(a->save_passwd == b->save_passwd && a->pfs == b->pfs);
	check(a->include.n == b->include.n && a->local.n == b->local.n);
	for (uint8_t i = 0; i < a->include.n; i++)
		check(inet_prefix_equal(&a->include.net[i], &b->include.net[i]));
	same_text(&a->version, &b->version);
	same_text(&a->banner, &b->banner);
	same_text(&a->domain, &b->domain);
	same_text(&a->split_dns, &b->split_dns);
}

static void again(const struct ike1_values *v)
{
	static uint8_t buf[IKE_PAYLOAD_HDR_LEN + (1 << 17)];
	struct ike1_values w;
	struct ike1_config c;
	struct ike_payload p = {.type = IKE1_P_ATTRIBUTES, .body = buf + IKE_PAYLOAD_HDR_LEN};
	struct ike_out o;
	uint8_t first;
	size_t n;

	ike_out_init_chain(&o, buf, sizeof(buf), &first);
	ike1_put_config(&o, IKE1_CFG_REPLY, 7);
	ike1_put_values(&o, v);
	n = ike_out_end(&o);
	if (!n) /* what came with short lengths everywhere may be too long with ours */
		return;
	p.len = (uint32_t)(n - IKE_PAYLOAD_HDR_LEN);
	check(ike1_config_parse(&p, &c) == IKE_OK && c.type == IKE1_CFG_REPLY && c.id == 7);
	check(ike1_values_decode(&c, &w) == IKE_OK);
	same(v, &w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct ike_payload p = {.type = IKE1_P_ATTRIBUTES, .body = data, .len = (uint32_t)n};
	struct ike1_config c;
	struct ike1_xauth x;
	struct ike1_values v;

	if (n > UINT16_MAX || ike1_config_parse(&p, &c) != IKE_OK)
		return 0;
	begin = data;
	end = data + n;
	if (ike1_xauth_decode(&c, &x) == IKE_OK) {
		inside(&x.user);
		inside(&x.password);
		inside(&x.message);
		inside(&x.answer);
	}
	if (ike1_values_decode(&c, &v) == IKE_OK) {
		inside(&v.banner);
		inside(&v.domain);
		again(&v);
	}
	return 0;
}
