#include "main/reload_voice.h"

#include <stdarg.h>
#include <stdio.h>

#include "io/log.h"

#define REMARK_MAX 1024 /* bytes */

static void say_nothing(void *context, enum reload_words kind, const char *text)
{
	(void)context;
	(void)kind;
	(void)text;
}

static void log_words(void *context, enum reload_words kind, const char *text)
{
	(void)context;
	if (kind == RELOAD_REMARK)
		log_error("%s", text);
}

static void finish_nothing(void *context, int status)
{
	(void)context;
	(void)status;
}

const struct reload_voice reload_voice_nobody = {say_nothing, finish_nothing, NULL};
const struct reload_voice reload_voice_log = {log_words, finish_nothing, NULL};

void reload_voice_remark(const struct reload_voice *voice, const char *format, ...)
{
	char text[REMARK_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	voice->say(voice->context, RELOAD_REMARK, text);
}
