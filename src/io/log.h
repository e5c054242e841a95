/*
 * Lines for people: on stderr, one write(2) each, with the priority in front
 * when stderr is the journal; or to the log daemon once the program is in the
 * background. Neither is waited for: what is not taken is lost. Never secrets.
 * One thread; a forked child inherits the settings.
 */
#ifndef ADIT_IO_LOG_H
#define ADIT_IO_LOG_H

#define LOG_LINE_MAX 1024 /* bytes; a longer line is cut */

enum log_level { LEVEL_SILENT, LEVEL_ERROR, LEVEL_INFO, LEVEL_VERBOSE };

/*
 * `name`, usually the interface's, stands before every line (copied). The level
 * comes from LOG_LEVEL=silent|error|info|verbose (also "debug"), else info,
 * with a line about a level that is none of these;
 * whether stderr is the journal from JOURNAL_STREAM [sd-daemon(3)].
 */
void log_init(const char *name);

/* From now on as by syslog(3), opened at once, so that it hardly needs a path later. */
void log_use_syslog(void);

/* To save the work of composing a line that nobody wants. */
int log_is_on(enum log_level level);

/* printf's format; no newline at the end. Control characters become '?'. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whole lines that say themselves whose they are; where they go to syslog, as errors. */
void log_text(const char *text);

#endif
