#include "manage/dns_process.h"

#include <errno.h>
#include <string.h>

#include "io/channel.h"
#include "manage/dns.h"
#include "manage/service.h"

/* ------------------------------------------------------------------ the child */

/* Of this process, which does nothing else. */
static const struct dns_system *system_here;
static bool was_asked;
static char interface_set[MESSAGES_INTERFACE_MAX]; /* "": nothing to undo was asked for */

static bool is_valid(const void *question, size_t fd_count)
{
	return to_dns_is_valid(question, fd_count);
}

static void answer_question(const void *question, void *answer)
{
	const struct to_dns *wanted = question;
	struct from_dns *out = answer;
	*out = (struct from_dns){.kind = FROM_DNS_DONE, .id = wanted->id};
	bool is_leftover = !was_asked && !wanted->server_count;
	was_asked = true;
	memcpy(interface_set, wanted->interface, sizeof interface_set);
	if (!wanted->server_count)
		interface_set[0] = 0; /* what fails now would fail again */
	if (is_leftover)
		dns_undo_leftover(system_here, wanted->interface, out->text);
	else
		out->error = dns_set(system_here, wanted, out->text);
}

int dns_process_run(int channel, void *system)
{
	static const struct service setting = {.question_len = sizeof(struct to_dns),
		.answer_len = sizeof(struct from_dns),
		.is_valid = is_valid,
		.answer = answer_question};
	char text[DNS_TEXT_MAX];
	system_here = system;
	int status = service_run(channel, &setting);
	if (interface_set[0])
		dns_undo(system_here, interface_set, text);
	return status;
}

/* ------------------------------------------------------------------ the parent */

int dns_process_ask(struct dns_process *p, struct to_dns *wanted)
{
	wanted->kind = TO_DNS_SET;
	wanted->id = p->asked + 1;
	int error = channel_send(p->channel, wanted, sizeof *wanted, NULL, 0);
	if (!error)
		p->asked++;
	return error;
}

int dns_process_answer(struct dns_process *p, struct from_dns *answer)
{
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	int got;
	while ((got = channel_receive(p->channel, answer, sizeof *answer, fds, &fd_count)) == 1) {
		if (!from_dns_is_valid(answer, fd_count) || p->answered == p->asked ||
			answer->id != p->answered + 1) {
			channel_close_fds(fds, fd_count);
			return -EPROTO;
		}
		if (++p->answered == p->asked)
			return 1;
	}
	return got;
}
