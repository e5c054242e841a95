#include "unit/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/sandbox.h"

char folder_path[64];

static bool (*current)(void);

static bool enter(void)
{
	REQUIRE(chmod(folder_path, 0755) == 0 && chdir(folder_path) == 0);
	return current();
}

static int remove_entry(const char *path, const struct stat *s, int kind, struct FTW *place)
{
	(void)s;
	(void)kind;
	(void)place;
	return remove(path);
}

void folder_run(bool (*body)(void))
{
	strcpy(folder_path, "/tmp/adit-unit-XXXXXX");
	CHECK(mkdtemp(folder_path));
	current = body;
	sandbox_run_child(enter);
	CHECK(nftw(folder_path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}
