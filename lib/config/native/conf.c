#include "config/native/native.h"

static void conn_fini(struct native_conn *x)
{
	secret_free(x->secret);
	free(x->remote_id);
	free(x->secret_file);
	free(x->certificate);
	free(x->key);
	free(x->remote_certificate);
	free(x->remote_key);
	/* One more than they are: a faulty line ends behind its last path. */
	for (uint8_t i = 0; i < IKE_AUTHORITIES_MAX; i++)
		free(x->authority[i]);
	free(x->child);
}

struct native_conf *native_conf_free(struct native_conf *c)
{
	if (!c)
		return NULL;
	for (uint32_t i = 0; i < c->n_conns; i++)
		conn_fini(&c->conn[i]);
	for (uint32_t i = 0; i < c->n_files; i++)
		free(c->file[i]);
	free(c->conn);
	free(c->policy);
	free(c->file);
	free(c);
	return NULL;
}
