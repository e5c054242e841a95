#include "manage/service.h"

#include "io/channel.h"

#include <errno.h>
#include <poll.h>

static int receive_patiently(int channel, void *message, size_t len, size_t *fd_count)
{
	int fds[CHANNEL_FDS_MAX];
	int got = -EAGAIN;
	while (got == -EAGAIN) {
		got = channel_wait(channel, POLLIN);
		if (!got)
			got = channel_receive(channel, message, len, fds, fd_count);
	}
	channel_close_fds(fds, got == 1 ? *fd_count : 0);
	return got;
}

static int send_patiently(int channel, const void *message, size_t len)
{
	int error = -EAGAIN;
	while (error == -EAGAIN) {
		error = channel_wait(channel, POLLOUT);
		if (!error)
			error = channel_send(channel, message, len, NULL, 0);
	}
	return error;
}

int service_run(int channel, const struct service *service)
{
	_Alignas(8) char question[CHANNEL_MESSAGE_MAX], answer[CHANNEL_MESSAGE_MAX];
	size_t fd_count;
	int got;
	while ((got = receive_patiently(channel, question, service->question_len, &fd_count)) ==
		1) {
		if (!service->is_valid(question, fd_count))
			return 1;
		service->answer(question, answer);
		int error = send_patiently(channel, answer, service->answer_len);
		if (error)
			return error == -EPIPE ? 0 : 1;
	}
	return got == 0 ? 0 : 1;
}
