/*
 * Names whose numbers stand in files of the machine: services and routing tables.
 */
#ifndef ADIT_MANAGE_LOOKUP_H
#define ADIT_MANAGE_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

/* A UDP service of services(5). */
bool lookup_port(const char *service, uint16_t *port);

/* main, local, default, or what rt_tables of iproute2 names. */
bool lookup_table(const char *name, uint32_t *table);

#endif
