/*
 * From what is to what should be: the least change between two whole descriptions
 * of a tunnel, so that a reload touches only what is different, and the lines that
 * tell people about it. Pure; sorts, so that 10,000 peers cost no more than their
 * text does. Everything here holds keys: wipe it.
 *
 * A whole description is a change with one entry for each peer, all its allowed IPs
 * in it, and neither `remove` nor `update_only`: what conf_parse makes of a file.
 *
 *   reconcile.c   the change     reconcile_whole.c   files to whole descriptions
 *   reconcile_render.c   lines
 */
#ifndef ADIT_TEXT_RECONCILE_H
#define ADIT_TEXT_RECONCILE_H

#include <stdbool.h>

#include "device/change.h"
#include "text/out.h"

/*
 * Makes *out (overwritten, the caller's to wipe in any case) the least change that
 * leads from `from` to `to`: peers that go, then the others in the order of `to`,
 * new ones whole, known ones with what is different. Each prefix stands in it at
 * most once, so one that moves between peers never lies with nobody. What `to` does
 * not say of private key, port, mark and endpoints stays; a preshared key or
 * keepalive that it does not say is none, and so is a policy. false: no memory.
 */
bool reconcile(struct change *out, const struct change *from, const struct change *to);

/*
 * Makes *out what `file` means for a tunnel that is now `from` and was told `said`
 * by the last file: as `file`, but
 *   - an endpoint that both files say alike is where the peer is now: it may roam;
 *   - an endpoint that the file does not say stays;
 *   - a private or preshared key of which neither file says anything stays: a PostUp
 *     command has set it; one that only the last file says goes;
 *   - the same for the mark and for PostQuantum, which our socket may set; a port that the file
 * leaves open stays;
 *   - a peer with our own public key is left out, as the device does.
 * false: no memory.
 */
bool reconcile_complete(struct change *out, const struct change *file, const struct change *from,
	const struct change *said);

/* Wipes all keys but the public ones, and leaves whether there were any: for `said`. */
void reconcile_forget_secrets(struct change *file);

/*
 * A line for each difference, in the change's order: "+ " what comes, "- " what
 * goes, "~ " what is different, with its old and new value. Never a secret: of a
 * private key the public ones are shown, of a preshared key that it is another.
 * Failures show in `out`.
 */
void reconcile_render(struct out *out, const struct change *from, const struct change *change);

#endif
