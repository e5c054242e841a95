#include "unit/programs.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/sandbox.h"

bool programs_make(const char *folder, const char *name, const char *script)
{
	char path[128];
	mkdir(folder, 0755);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	REQUIRE(file && fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
	REQUIRE(fclose(file) == 0 && chmod(path, 0755) == 0);
	return true;
}

const char *programs_read(const char *file)
{
	static char text[16384];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[len < 0 ? 0 : len] = 0;
	return len < 0 ? "none" : text;
}
