#include "unit/conf_rows.h"

#include "text/conf.h"
#include "unit/test.h"

static void list_diagnostics(struct out *out, const struct conf *conf)
{
	out_init(out, 1 << 20);
	for (size_t i = 0; i < conf->diagnostic_count; i++) {
		const struct conf_diagnostic *d = &conf->diagnostics[i];
		out_add_decimal(out, d->line);
		out_add_text(out, ":");
		out_add_decimal(out, d->column);
		out_add_text(out, d->severity == CONF_ERROR ? ": error: " : ": warning: ");
		out_add_text(out, d->message);
		out_add_text(out, "\n");
	}
}

void conf_check_text(const char *text, size_t len, const char *expected)
{
	struct conf conf;
	struct out out;
	CHECK(conf_parse(&conf, text, len));
	list_diagnostics(&out, &conf);
	CHECK_STR(expected, out_string(&out));
	CHECK_EQ(conf.diagnostic_count, conf.error_count + conf.warning_count);
	out_wipe(&out);
	conf_wipe(&conf);
}

void conf_check_rows(const struct conf_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		conf_check_text(rows[i].text, strlen(rows[i].text), rows[i].expected);
}
