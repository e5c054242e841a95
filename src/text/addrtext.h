/*
 * Numbers, addresses, prefixes and endpoints as text, both ways. Numeric only:
 * looking up a name, of a host, a service or an interface, is I/O and happens
 * elsewhere. What is read need not end with a zero byte and may contain one.
 */
#ifndef ADIT_TEXT_ADDRTEXT_H
#define ADIT_TEXT_ADDRTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "peer/endpoint.h"

/* Bytes that the longest takes, with the zero at the end. */
#define ADDRTEXT_ADDRESS_MAX  46 /* as INET6_ADDRSTRLEN */
#define ADDRTEXT_PREFIX_MAX   50 /* ADDRESS/128 */
#define ADDRTEXT_ENDPOINT_MAX 65 /* [ADDRESS%4294967295]:65535 */

enum addrtext_verdict { ADDRTEXT_OK, ADDRTEXT_BAD_ADDRESS, ADDRTEXT_BAD_LENGTH };

/* Digits only, leading zeros allowed, at most `max`. false leaves *out alone. */
bool addrtext_read_decimal(uint64_t *out, const char *text, size_t len, uint64_t max);

/* Dotted IPv4, or IPv6 without a zone. false leaves *out alone. */
bool addrtext_read_address(struct ip_address *out, const char *text, size_t len);

/*
 * IP[/len]; without a length, one host. Host bits stay: where they do not belong,
 * ip_prefix_mask clears them and tells whether there were any. On ADDRTEXT_BAD_LENGTH
 * the address is right and in *out.
 */
enum addrtext_verdict addrtext_read_prefix(struct ip_prefix *out, const char *text, size_t len);

/* IPv4, or IPv6 with or without %zone, a number. false leaves *out alone. */
bool addrtext_read_host(struct endpoint *out, const char *text, size_t len);

/* IPv4:port, or [IPv6]:port, [IPv6%zone]:port. No cached source. false leaves *out alone. */
bool addrtext_read_endpoint(struct endpoint *out, const char *text, size_t len);

/* Each of a family that is not IP_NONE. */
void addrtext_write_address(
	char text[static ADDRTEXT_ADDRESS_MAX], const struct ip_address *address);
void addrtext_write_prefix(char text[static ADDRTEXT_PREFIX_MAX], const struct ip_prefix *prefix);
void addrtext_write_endpoint(
	char text[static ADDRTEXT_ENDPOINT_MAX], const struct endpoint *endpoint);

#endif
