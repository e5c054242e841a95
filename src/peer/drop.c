#include "peer/drop.h"

const char *drop_reason_name(enum drop_reason reason)
{
	static const char *const names[] = {
#define DROP_NAME(constant, name, meaning) [constant] = name,
		DROP_REASONS(DROP_NAME)
#undef DROP_NAME
	};
	return names[reason];
}

const char *drop_reason_meaning(enum drop_reason reason)
{
	static const char *const meanings[] = {
#define DROP_MEANING(constant, name, meaning) [constant] = meaning,
		DROP_REASONS(DROP_MEANING)
#undef DROP_MEANING
	};
	return meanings[reason];
}
