#include "unit/turn.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void on_stopper(void *context, uint32_t events)
{
	(void)events;
	loop_stop(context);
}

static bool is_ready(const struct loop *loop, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = loop->epoll_fd, .events = POLLIN};
	return poll(&poll_fd, 1, timeout_ms) > 0;
}

/* An event of our own, ready from the beginning, stops the loop in it. */
void loop_turn(struct loop *loop)
{
	struct watch stopper = {eventfd(1, EFD_CLOEXEC), on_stopper, loop};
	if (!loop_add(loop, &stopper, EPOLLIN))
		loop_run(loop);
	loop_remove(loop, &stopper);
	close(stopper.fd);
}

void loop_settle(struct loop *loop)
{
	for (int i = 0; is_ready(loop, 0) && i < TURNS_MAX; i++)
		loop_turn(loop);
}

bool loop_wait(struct loop *loop, bool (*is_done)(void))
{
	while (!is_done()) {
		if (!is_ready(loop, TURN_TIMEOUT_MS))
			return false;
		loop_turn(loop);
	}
	return true;
}
