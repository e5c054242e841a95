/*
 * The loop of a child that answers questions one after another, in their order:
 * the resolver and the hook runner.
 */
#ifndef ADIT_MANAGE_SERVICE_H
#define ADIT_MANAGE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

struct service {
	size_t question_len, answer_len; /* of the structs of io/messages.h */
	bool (*is_valid)(const void *question, size_t fd_count);
	void (*answer)(const void *question, void *answer); /* fills the whole struct */
};

/* Until the channel is closed: then 0. 1 when a message breaks the rules. Any time it takes. */
int service_run(int channel, const struct service *service);

#endif
