/*
 * jansson's setters take NULL values quietly and report it, so a document that lacks a member for want of
 * memory is found once, at the end, by its missing schema_version or its failed dump.
 */
#include "cli/json.h"

#include <string.h>

json_t *json_new_document(void)
{
	return json_pack("{si}", "schema_version", 1);
}

static int write_doc(struct cli *cli, json_t *doc, size_t flags)
{
	int r = doc ? json_dumpf(doc, cli->out, flags | JSON_PRESERVE_ORDER) : -1;

	json_decref(doc);
	if (r < 0)
		return cli_fail(
		    cli, "could not write the JSON document (out of memory, or the output is closed).");
	fputc('\n', cli->out);
	return CLI_OK;
}

int json_write(struct cli *cli, json_t *doc)
{
	return write_doc(cli, doc, JSON_INDENT(2));
}

int json_write_line(struct cli *cli, json_t *doc)
{
	int r = write_doc(cli, doc, JSON_COMPACT);

	fflush(cli->out);
	return r;
}
