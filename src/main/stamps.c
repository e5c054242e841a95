#include "main/stamps.h"

#include <errno.h>
#include <string.h>

#include "io/log.h"

static void give_up(struct stamps *stamps, int error)
{
	log_info("%s cannot be written (%s): if the clock is set back before the next start, peers "
		 "will refuse us until it is right",
		stamps->path, strerror(-error));
	stamps->is_limited = false;
}

static void read_mark(struct stamps *stamps)
{
	int error = stamp_file_read(stamps->path, &stamps->floor);
	if (!error)
		return;
	stamps->floor = (struct tai64n){0};
	if (error == -EBADMSG)
		log_error("%s is damaged and ignored: it should be one line, \"adit-stamp 1 @\" "
			  "and 24 hexadecimal digits",
			stamps->path);
	else if (error != -ENOENT)
		log_error("%s cannot be read and is ignored: %s", stamps->path, strerror(-error));
}

void stamps_open(
	struct stamps *stamps, const char *directory, const char *interface, nanos realtime)
{
	*stamps = (struct stamps){.is_limited = true};
	int error = stamp_file_path(stamps->path, directory, interface);
	if (error) {
		give_up(stamps, error);
		return;
	}
	read_mark(stamps);
	stamps_grant(stamps, &stamps->floor, realtime);
}

void stamps_grant(struct stamps *stamps, const struct tai64n *sent, nanos realtime)
{
	struct tai64n after_clock =
		tai64n_from_realtime(nanos_add(realtime, STAMPS_AHEAD_OF_CLOCK));
	struct tai64n after_sent =
		tai64n_from_realtime(nanos_add(tai64n_to_realtime(sent), STAMPS_AHEAD_OF_SENT));
	if (!stamps->is_limited)
		return;
	stamps->limit = tai64n_is_after(&after_clock, &after_sent) ? after_clock : after_sent;
	int error = stamp_file_write(stamps->path, &stamps->limit);
	if (error)
		give_up(stamps, error);
}

void stamps_close(struct stamps *stamps, const struct tai64n *sent)
{
	int error = stamps->is_limited ? stamp_file_write(stamps->path, sent) : 0;
	if (error)
		give_up(stamps, error);
}
