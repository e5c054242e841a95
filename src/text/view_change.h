/*
 * A view as a whole description, see text/reconcile.h: the change that would make
 * an empty tunnel what the view shows. Holds keys, as the view does.
 */
#ifndef ADIT_TEXT_VIEW_CHANGE_H
#define ADIT_TEXT_VIEW_CHANGE_H

#include <stdbool.h>

#include "device/change.h"
#include "text/view.h"

/* Overwrites *change, the caller's to wipe in any case. false: no memory. */
bool view_to_change(struct change *change, const struct view *view);

#endif
