/*
 * Texts of configurations, each with all that the parser says of it.
 */
#ifndef ADIT_TESTS_CONF_ROWS_H
#define ADIT_TESTS_CONF_ROWS_H

#include <stddef.h>

#define A    "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define B    "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define C    "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
#define OWN  "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=" /* A's public key */
#define HEAD "[Interface]\nPrivateKey=" A "\n"		    /* lines 1 and 2 */
#define PEER "[Peer]\nPublicKey=" B "\n"		    /* lines 3 and 4 behind HEAD */

#define PORT "[Interface]\nListenPort=1\n"

#define KEY_EXPECTED "expected 44 characters of base64, the last one \"=\"\n"
#define IPS_EXPECTED "expected IP or IP/length, separated by commas\n"
#define OTHER_PEER   "[Peer]\nPublicKey=" C "\n"

struct conf_row {
	const char *text, *expected; /* "line:column: severity: message\n" of each */
};

void conf_check_text(const char *text, size_t len, const char *expected);
void conf_check_rows(const struct conf_row *rows, size_t count);

#define CHECK_ROWS(rows) conf_check_rows((rows), sizeof(rows) / sizeof *(rows))

#endif
