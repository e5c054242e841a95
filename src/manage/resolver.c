#include "manage/resolver.h"

#include "io/channel.h"
#include "manage/service.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* ------------------------------------------------------------------ the child */

static bool take_address(const struct sockaddr *address, struct endpoint *out)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	*out = (struct endpoint){0};
	if (address->sa_family == AF_INET) {
		out->address.family = IP_V4;
		memcpy(out->address.bytes, &v4->sin_addr, 4);
		out->port = ntohs(v4->sin_port);
	} else if (address->sa_family == AF_INET6) {
		out->address.family = IP_V6;
		memcpy(out->address.bytes, &v6->sin6_addr, 16);
		out->port = ntohs(v6->sin6_port);
		out->scope_id = v6->sin6_scope_id;
	}
	return out->address.family != IP_NONE;
}

static int look_up(const struct to_resolver *question, struct addrinfo **found)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP};
	/* AI_ADDRCONFIG would refuse an IPv6 address on a machine that has none yet. */
	hints.ai_flags = AI_NUMERICHOST;
	int error = getaddrinfo(question->host, question->port, &hints, found);
	if (error != EAI_NONAME)
		return error;
	hints.ai_flags = AI_ADDRCONFIG;
	return getaddrinfo(question->host, question->port, &hints, found);
}

static bool is_valid(const void *question, size_t fd_count)
{
	return to_resolver_is_valid(question, fd_count);
}

static void answer_question(const void *question, void *answer)
{
	const struct to_resolver *asked = question;
	struct from_resolver *out = answer;
	struct addrinfo *found = NULL;
	*out = (struct from_resolver){.kind = FROM_RESOLVER_RESOLVED, .id = asked->id};
	out->error = look_up(asked, &found);
	if (out->error)
		return;
	for (struct addrinfo *a = found; a && out->count < MESSAGES_ENDPOINTS_MAX; a = a->ai_next)
		out->count += take_address(a->ai_addr, &out->endpoints[out->count]);
	freeaddrinfo(found);
	if (!out->count)
		out->error = EAI_NONAME;
}

int resolver_run(int channel, void *context)
{
	static const struct service resolving = {.question_len = sizeof(struct to_resolver),
		.answer_len = sizeof(struct from_resolver),
		.is_valid = is_valid,
		.answer = answer_question};
	(void)context;
	return service_run(channel, &resolving);
}

/* ------------------------------------------------------------------ the parent */

int resolver_ask(struct resolver *r, const char *host, const char *port, uint32_t *id)
{
	struct to_resolver question = {.kind = TO_RESOLVER_RESOLVE, .id = r->asked + 1};
	if (strlen(host) >= sizeof(question.host) || strlen(port) >= sizeof(question.port))
		return -ENAMETOOLONG;
	strcpy(question.host, host);
	strcpy(question.port, port);
	int error = channel_send(r->channel, &question, sizeof(question), NULL, 0);
	if (!error)
		*id = ++r->asked;
	return error;
}

int resolver_answer(struct resolver *r, struct from_resolver *answer)
{
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	int got = channel_receive(r->channel, answer, sizeof(*answer), fds, &fd_count);
	if (got != 1)
		return got;
	/* In the order of the questions, so that one number says which are open. */
	if (!from_resolver_is_valid(answer, fd_count) || r->answered == r->asked ||
		answer->id != r->answered + 1) {
		channel_close_fds(fds, fd_count);
		return -EPROTO;
	}
	r->answered++;
	return 1;
}
