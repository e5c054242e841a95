/*
 * Changes to the device: peers that come, go and change, and the link's state.
 * A change is prepared (everything that can fail) and then committed.
 */
#ifndef ADIT_DEVICE_APPLY_H
#define ADIT_DEVICE_APPLY_H

#include "device/state.h"

/* Takes the peer out of everything; its memory goes at the last unpin. */
void apply_remove_peer(struct device *d, struct peer *peer);

#endif
