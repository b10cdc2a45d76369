/*
 * Not strftime(3): the names of months must not follow the locale.
 */
#include "cli/dump/stamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *dump_stamp(uint64_t wall_ms, char buf[DUMP_STAMP_LEN + 1])
{
	static const char months[12][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)(wall_ms / 1000);
	char text[64];
	struct tm tm;

	memset(buf, ' ', DUMP_STAMP_LEN);
	buf[DUMP_STAMP_LEN] = '\0';
	if (!wall_ms || !localtime_r(&t, &tm))
		return buf;
	snprintf(text, sizeof(text), "%s %2d %02d:%02d:%02d %4d", months[tm.tm_mon % 12], tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
	memcpy(buf, text, DUMP_STAMP_LEN);
	return buf;
}
