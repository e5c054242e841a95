/* Changes as the control socket writes them, so that two can be compared. */
#ifndef ADIT_TESTS_CHANGE_TEXT_H
#define ADIT_TESTS_CHANGE_TEXT_H

#include "device/change.h"

/* Requires that the change, written as set=1, is read as the same change. */
void change_require_round_trip(const struct change *change);

/* Requires that both are written alike. */
void change_require_same(const struct change *a, const struct change *b);

#endif
