#include "io/demotion.h"

#include <errno.h>

bool demotion_is_reason(int error)
{
	return error == -EINVAL || error == -EIO || error == -EMSGSIZE;
}

static struct demotion *find(const struct demotions *demotions, const struct endpoint *to)
{
	for (uint32_t i = 0; i < demotions->count; i++)
		if (endpoint_is_same_remote(&demotions->items[i].to, to))
			return (struct demotion *)&demotions->items[i];
	return NULL;
}

bool demotions_hold(
	const struct demotions *demotions, const struct endpoint *to, uint32_t len, nanos boottime)
{
	const struct demotion *item = find(demotions, to);
	return item && boottime < item->until && len >= item->len;
}

/* A place for one more: the one that was refused longest ago has to go. */
static struct demotion *place(struct demotions *demotions)
{
	struct demotion *oldest = &demotions->items[0];
	if (demotions->count < DEMOTIONS_MAX)
		return &demotions->items[demotions->count++];
	for (uint32_t i = 1; i < DEMOTIONS_MAX; i++)
		if (demotions->items[i].until < oldest->until)
			oldest = &demotions->items[i];
	return oldest;
}

bool demotions_add(struct demotions *demotions, const struct endpoint *to, uint32_t len, int error,
	nanos boottime)
{
	struct demotion *item = find(demotions, to);
	bool is_news = !item || item->error != error;
	uint32_t shortest = error == -EIO ? 0 : len; /* that is no matter of the length */
	if (!item) {
		item = place(demotions);
		*item = (struct demotion){.to = *to, .len = shortest};
	}
	item->error = error;
	item->until = nanos_add(boottime, DEMOTION_TIME);
	if (shortest < item->len)
		item->len = shortest;
	return is_news;
}

void demotions_lift(struct demotions *demotions, const struct endpoint *to, uint32_t len)
{
	struct demotion *item = find(demotions, to);
	if (item && len >= item->len)
		item->until = 0;
}
