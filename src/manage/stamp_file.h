/*
 * The high-water mark of our stamps [WP 5.4.2] on disk, so that a machine whose
 * clock was set back, or that has none, still sends greater stamps than in its
 * earlier lives: peers refuse all others. One line of text in one small file per
 * interface: "adit-stamp 1 @" and the stamp in hexadecimal [TAI64N].
 */
#ifndef ADIT_MANAGE_STAMP_FILE_H
#define ADIT_MANAGE_STAMP_FILE_H

#include "noise/tai64n.h"

#define STAMP_FILE_DIRECTORY "/var/lib/adit"
#define STAMP_FILE_PATH_MAX  256

/* DIRECTORY/INTERFACE.stamp. 0 or -ENAMETOOLONG. */
int stamp_file_path(
	char out[static STAMP_FILE_PATH_MAX], const char *directory, const char *interface);

/* 0; -ENOENT: there is none; -EBADMSG: it is damaged; other -errno. */
int stamp_file_read(const char *path, struct tai64n *mark);

/*
 * Replaces the file, which is never half a file; it is on the disk when this
 * returns 0 and not -errno. The directory is created where it is missing (0700;
 * the one above must be there).
 */
int stamp_file_write(const char *path, const struct tai64n *mark);

#endif
