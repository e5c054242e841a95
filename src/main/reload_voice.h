/*
 * Who hears of a reload, and how: a client, the log, or nobody.
 */
#ifndef ADIT_MAIN_RELOAD_VOICE_H
#define ADIT_MAIN_RELOAD_VOICE_H

enum reload_words {
	RELOAD_LINE,	/* a change, as lines */
	RELOAD_MISTAKE, /* in the file, as lines that name it */
	RELOAD_REMARK,	/* anything else: one sentence, without an end */
};

/* `finish` is called once, with an enum verb_exit, and nothing after it. */
struct reload_voice {
	void (*say)(void *context, enum reload_words kind, const char *text);
	void (*finish)(void *context, int status);
	void *context;
};

extern const struct reload_voice reload_voice_nobody;
extern const struct reload_voice reload_voice_log; /* says remarks as errors */

/* Of this sentence, the first kilobyte. */
void reload_voice_remark(const struct reload_voice *voice, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
