/*
 * Two parties can have one identity: clients of a group, or one client that began anew behind another port.
 * They stay two also where they meet at one place, as nothing would tell them apart again.
 */
#include "keyd/core/party.h"

#include "base/wr.h"
#include "keyd/core/child.h"
#include "keyd/core/versions.h"

static bool is_named(const struct party *p, struct ike1_octets name)
{
	return p->name.n == name.n && memcmp(p->name.p, name.p, name.n) == 0;
}

static struct party *find(struct core *c, const struct ike_path *path, struct ike1_octets name)
{
	struct party *last = NULL;

	list_foreach (p, core_of_peer(c->parties, &path->remote), struct party, node)
		if (is_named(p, name) && ike_path_same_place(&p->path, path))
			last = p;
	return last;
}

struct party *party_back(struct core *c, const struct ike_path *path, struct ike1_octets name)
{
	struct party *p = find(c, path, name);

	if (p)
		return party_ref(p);
	p = calloc(1, sizeof(*p));
	if (!p || octets_set(&p->name, name.p, name.n) < 0) {
		free(p);
		return NULL;
	}
	p->core = c;
	p->refs = 1;
	p->path = *path;
	list_append(core_of_peer(c->parties, &path->remote), &p->node);
	return p;
}

struct party *party_join(
    struct core *c, const struct ike_path *path, const struct ike_id *id, struct ike1_octets user)
{
	uint8_t name[PARTY_NAME_MAX];
	struct wr w = wr_init(name, sizeof(name));

	wr_u8(&w, (uint8_t)id->kind);
	wr_u16(&w, id->len);
	wr_bytes(&w, id->data, id->len);
	wr_bytes(&w, user.p, user.n);
	return wr_ok(&w) ? party_back(c, path, (struct ike1_octets){name, wr_len(&w)}) : NULL;
}

struct party *party_ref(struct party *p)
{
	p->refs++;
	return p;
}

struct party *party_unref(struct party *p)
{
	if (!p || --p->refs)
		return NULL;
	list_remove(&p->node);
	octets_fini(&p->name);
	free(p);
	return NULL;
}

bool party_same(const struct party *a, const struct party *b)
{
	if (!a || !b)
		return false;
	return a == b || (is_named(a, octets_slice(&b->name)) && ike_path_same_place(&a->path, &b->path));
}

void party_moved(struct party *p, uint16_t port)
{
	struct core *c = p->core;

	p->path.local_port = IKE_PORT_NATT;
	p->path.remote_port = port;
	list_remove(&p->node);
	list_append(core_of_peer(c->parties, &p->path.remote), &p->node);
	for (size_t i = 0; i < IKE_VERSIONS; i++)
		ike_versions[i]->moved(p, port);
	child_moved(p, port);
}
