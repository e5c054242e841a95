#include "manage/lookup.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TABLE_NAME_MAX 64

bool lookup_port(const char *service, uint16_t *port)
{
	const struct servent *entry = getservbyname(service, "udp");
	if (entry)
		*port = ntohs((uint16_t)entry->s_port);
	return entry;
}

/* Lines of "NUMBER NAME", as ip(8) reads them: decimal, also with zeros in front, or 0x. */
static bool find_in_file(const char *path, const char *name, uint32_t *table)
{
	char line[256], found[TABLE_NAME_MAX];
	bool is_found = false;
	FILE *file = fopen(path, "re");
	while (file && !is_found && fgets(line, sizeof line, file)) {
		unsigned number;
		bool is_entry = sscanf(line, " 0x%x %63s", &number, found) == 2 ||
				sscanf(line, "%u %63s", &number, found) == 2;
		is_found = is_entry && !strcmp(found, name);
		if (is_found)
			*table = number;
	}
	if (file)
		fclose(file);
	return is_found;
}

bool lookup_table(const char *name, uint32_t *table)
{
	static const struct {
		const char *name;
		uint32_t table;
	} known[] = {
		{"main", RT_TABLE_MAIN}, {"local", RT_TABLE_LOCAL}, {"default", RT_TABLE_DEFAULT}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!strcmp(known[i].name, name)) {
			*table = known[i].table;
			return true;
		}
	}
	return find_in_file("/etc/iproute2/rt_tables", name, table) ||
	       find_in_file("/usr/share/iproute2/rt_tables", name, table);
}
