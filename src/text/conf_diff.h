/*
 * What of two files neither the engine nor the link can tell apart, as lines for
 * people: endpoints given by name, where to listen, hooks, name servers, how the
 * engine works. The rest of a reload's lines is text/reconcile.h's and manage/link.h's.
 */
#ifndef ADIT_TEXT_CONF_DIFF_H
#define ADIT_TEXT_CONF_DIFF_H

#include "text/conf.h"
#include "text/out.h"

/*
 * "+ ", "- " or "~ ", as in reconcile_render. Both files are without errors.
 * Failures show in `out`.
 */
void conf_diff_names(struct out *out, const struct conf *from, const struct conf *to);
void conf_diff_listen(struct out *out, const struct conf *from, const struct conf *to);
void conf_diff_hooks(struct out *out, const struct conf *from, const struct conf *to);
void conf_diff_dns(struct out *out, const struct conf *from, const struct conf *to);
void conf_diff_tuning(struct out *out, const struct conf *from, const struct conf *to);

#endif
