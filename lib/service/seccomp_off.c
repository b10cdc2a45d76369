/*
 * For sanitizer builds only (chosen by meson): the sanitizers' run time makes calls of its own that no honest
 * list would hold.
 */
#include "service/sandbox.h"

/* The sanitizers look for this name. An undumpable process cannot be traced, and the leak check at exit works
 * by tracing. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int sandbox_seccomp(const int *extra, size_t n_extra, bool files, bool sockets, struct err_text *e)
{
	return err_set(
	    e, 1, "built with a sanitizer: system calls are not limited; never run this build in earnest");
}
