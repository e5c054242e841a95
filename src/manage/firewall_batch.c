#include "manage/firewall_batch.h"

#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1024 /* bytes; the longest is a rule, of about 500 */

/* [wg-quick(8)]; the priorities are nft's raw and mangle. */
#define CHAIN_SPOOF	"preraw"
#define CHAIN_RESTORE	"premangle"
#define CHAIN_SAVE	"postmangle"
#define PRIORITY_RAW	(-300)
#define PRIORITY_MANGLE (-150)

#define REGISTER NFT_REG_1

/* ------------------------------------------------------------------ names */

void firewall_write_name(char name[static FIREWALL_NAME_MAX], const char *interface)
{
	snprintf(name, FIREWALL_NAME_MAX, "adit-%s", interface);
}

size_t firewall_write_comment(
	uint8_t out[static FIREWALL_COMMENT_MAX], const struct firewall_record *record)
{
	char text[FIREWALL_COMMENT_MAX / 2];
	snprintf(text, sizeof(text), "adit: table %u%s", record->mark,
		record->has_source_mark ? ", src_valid_mark" : "");
	/* Type, length, and the text with its end, as nft(8) writes and shows comments. */
	size_t len = strlen(text) + 1;
	out[0] = NFTNL_UDATA_TABLE_COMMENT;
	out[1] = (uint8_t)len;
	memcpy(out + 2, text, len);
	return len + 2;
}

bool firewall_read_comment(struct firewall_record *record, const uint8_t *data, size_t len)
{
	char text[FIREWALL_COMMENT_MAX], rest[32] = "";
	if (len < 3 || data[0] != NFTNL_UDATA_TABLE_COMMENT || data[1] + 2u > len ||
		data[1] >= sizeof(text))
		return false;
	memcpy(text, data + 2, data[1]);
	text[data[1]] = 0;
	if (sscanf(text, "adit: table %u%31[^\n]", &record->mark, rest) < 1)
		return false;
	record->has_source_mark = !strcmp(rest, ", src_valid_mark");
	return true;
}

/* ------------------------------------------------------------------ messages */

/* Room for one more message; NULL: no memory. */
static char *begin_message(struct firewall_batch *b, enum firewall_part part)
{
	if (b->has_failed)
		return NULL;
	char *bytes = realloc(b->bytes, b->len + MESSAGE_MAX);
	if (bytes)
		b->bytes = bytes;
	enum firewall_part *parts = realloc(b->parts, (b->count + 1) * sizeof(*parts));
	if (parts)
		b->parts = parts;
	b->has_failed = !bytes || !parts;
	if (b->has_failed)
		return NULL;
	memset(bytes + b->len, 0, MESSAGE_MAX);
	parts[b->count] = part;
	return bytes + b->len;
}

static void end_message(struct firewall_batch *b, const struct nlmsghdr *message)
{
	b->last = b->len;
	b->len += message->nlmsg_len;
	b->count++;
}

static struct nlmsghdr *build_header(
	struct firewall_batch *b, char *at, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(at, type, NFPROTO_INET, flags, b->count);
}

static void put_begin(struct firewall_batch *b)
{
	char *at = begin_message(b, FIREWALL_BATCH);
	if (at)
		end_message(b, nftnl_batch_begin(at, b->count));
}

static void put_end(struct firewall_batch *b)
{
	char *at = begin_message(b, FIREWALL_BATCH);
	if (!at)
		return;
	/* One answer for all that is right; failures are told in any case. */
	((struct nlmsghdr *)(void *)(b->bytes + b->last))->nlmsg_flags |= NLM_F_ACK;
	end_message(b, nftnl_batch_end(at, b->count));
}

/* `record`: its comment; NULL: none. */
static void put_table(struct firewall_batch *b, uint16_t type, uint16_t flags,
	const char *interface, const struct firewall_record *record)
{
	char *at = begin_message(b, FIREWALL_TABLE), name[FIREWALL_NAME_MAX];
	uint8_t comment[FIREWALL_COMMENT_MAX];
	struct nftnl_table *table = at ? nftnl_table_alloc() : NULL;
	b->has_failed |= !table;
	if (!table)
		return;
	firewall_write_name(name, interface);
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, name);
	if (record)
		nftnl_table_set_data(table, NFTNL_TABLE_USERDATA, comment,
			(uint32_t)firewall_write_comment(comment, record));
	struct nlmsghdr *message = build_header(b, at, type, flags);
	nftnl_table_nlmsg_build_payload(message, table);
	nftnl_table_free(table);
	end_message(b, message);
}

static void put_chain(struct firewall_batch *b, const char *interface, const char *name,
	uint32_t hook, int priority)
{
	char *at = begin_message(b, FIREWALL_CHAIN), table[FIREWALL_NAME_MAX];
	struct nftnl_chain *chain = at ? nftnl_chain_alloc() : NULL;
	b->has_failed |= !chain;
	if (!chain)
		return;
	firewall_write_name(table, interface);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
	struct nlmsghdr *message = build_header(b, at, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nftnl_chain_nlmsg_build_payload(message, chain);
	nftnl_chain_free(chain);
	end_message(b, message);
}

/* ------------------------------------------------------------------ expressions */

/* A rule that is being built; NULL after a failure, and everything below accepts that. */
static struct nftnl_rule *begin_rule(
	struct firewall_batch *b, const char *interface, const char *chain)
{
	char table[FIREWALL_NAME_MAX];
	struct nftnl_rule *rule = b->has_failed ? NULL : nftnl_rule_alloc();
	b->has_failed |= !rule;
	if (!rule)
		return NULL;
	firewall_write_name(table, interface);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	return rule;
}

static void end_rule(struct firewall_batch *b, enum firewall_part part, struct nftnl_rule *rule)
{
	char *at = rule ? begin_message(b, part) : NULL;
	if (at) {
		struct nlmsghdr *message =
			build_header(b, at, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
		nftnl_rule_nlmsg_build_payload(message, rule);
		end_message(b, message);
	}
	if (rule)
		nftnl_rule_free(rule);
}

/* An expression of the rule with one attribute to begin with; NULL: no memory. */
static struct nftnl_expr *add_expr(struct firewall_batch *b, struct nftnl_rule *rule,
	const char *name, uint16_t attribute, uint32_t value)
{
	struct nftnl_expr *e = b->has_failed ? NULL : nftnl_expr_alloc(name);
	b->has_failed |= !e;
	if (!e)
		return NULL;
	if (attribute)
		nftnl_expr_set_u32(e, attribute, value);
	nftnl_rule_add_expr(rule, e);
	return e;
}

static void add_load(struct firewall_batch *b, struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *e = add_expr(b, rule, "meta", NFTNL_EXPR_META_KEY, key);
	if (e)
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, REGISTER);
}

static void add_compare(struct firewall_batch *b, struct nftnl_rule *rule, uint32_t operation,
	const void *data, uint32_t len)
{
	struct nftnl_expr *e = add_expr(b, rule, "cmp", NFTNL_EXPR_CMP_SREG, REGISTER);
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, operation);
	nftnl_expr_set_data(e, NFTNL_EXPR_CMP_DATA, data, len);
}

static void add_is_byte(
	struct firewall_batch *b, struct nftnl_rule *rule, uint32_t key, uint8_t value)
{
	add_load(b, rule, key);
	add_compare(b, rule, NFT_CMP_EQ, &value, sizeof(value));
}

static void add_destination(
	struct firewall_batch *b, struct nftnl_rule *rule, const struct ip_address *address)
{
	bool v6 = address->family == IP_V6;
	uint32_t offset = v6 ? 24 : 16, len = v6 ? 16 : 4;
	struct nftnl_expr *e = add_expr(b, rule, "payload", NFTNL_EXPR_PAYLOAD_DREG, REGISTER);
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	add_compare(b, rule, NFT_CMP_EQ, address->bytes, len);
}

static void add_source_is_foreign(struct firewall_batch *b, struct nftnl_rule *rule)
{
	const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *e = add_expr(b, rule, "fib", NFTNL_EXPR_FIB_DREG, REGISTER);
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR);
	add_compare(b, rule, NFT_CMP_NEQ, &local, sizeof(local));
}

static void add_drop(struct firewall_batch *b, struct nftnl_rule *rule)
{
	add_expr(b, rule, "counter", 0, 0);
	struct nftnl_expr *e = add_expr(b, rule, "immediate", NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	if (e)
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, NF_DROP);
}

static void add_ct_mark(struct firewall_batch *b, struct nftnl_rule *rule, uint16_t direction)
{
	struct nftnl_expr *e = add_expr(b, rule, "ct", direction, REGISTER);
	if (e)
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
}

/* ------------------------------------------------------------------ the table's rules */

/* iifname != INTERFACE ip daddr ADDRESS fib saddr type != local counter drop */
static void put_spoof_rule(
	struct firewall_batch *b, const char *interface, const struct ip_address *address)
{
	char padded[IFNAMSIZ] = "";
	snprintf(padded, sizeof(padded), "%s", interface);
	struct nftnl_rule *rule = begin_rule(b, interface, CHAIN_SPOOF);
	add_load(b, rule, NFT_META_IIFNAME);
	add_compare(b, rule, NFT_CMP_NEQ, padded, sizeof(padded));
	add_is_byte(
		b, rule, NFT_META_NFPROTO, address->family == IP_V6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	add_destination(b, rule, address);
	add_source_is_foreign(b, rule);
	add_drop(b, rule);
	end_rule(b, FIREWALL_SPOOF, rule);
}

/* meta l4proto udp meta mark set ct mark */
static void put_restore_rule(struct firewall_batch *b, const char *interface)
{
	struct nftnl_rule *rule = begin_rule(b, interface, CHAIN_RESTORE);
	add_is_byte(b, rule, NFT_META_L4PROTO, IPPROTO_UDP);
	add_ct_mark(b, rule, NFTNL_EXPR_CT_DREG);
	struct nftnl_expr *e = add_expr(b, rule, "meta", NFTNL_EXPR_META_KEY, NFT_META_MARK);
	if (e)
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, REGISTER);
	end_rule(b, FIREWALL_MARK, rule);
}

/* meta l4proto udp meta mark MARK ct mark set meta mark */
static void put_save_rule(struct firewall_batch *b, const char *interface, uint32_t mark)
{
	struct nftnl_rule *rule = begin_rule(b, interface, CHAIN_SAVE);
	add_is_byte(b, rule, NFT_META_L4PROTO, IPPROTO_UDP);
	add_load(b, rule, NFT_META_MARK);
	add_compare(b, rule, NFT_CMP_EQ, &mark, sizeof(mark));
	add_ct_mark(b, rule, NFTNL_EXPR_CT_SREG);
	end_rule(b, FIREWALL_MARK, rule);
}

/* ------------------------------------------------------------------ the whole */

bool firewall_batch_set(struct firewall_batch *b, const struct firewall *firewall)
{
	const char *name = firewall->record.interface;
	*b = (struct firewall_batch){0};
	put_begin(b);
	/* Of a table that may be there or not: with one, this is no change ... */
	put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, name, NULL);
	/* ... and now it goes. */
	put_table(b, NFT_MSG_DELTABLE, 0, name, NULL);
	put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, name, &firewall->record);
	put_chain(b, name, CHAIN_SPOOF, NF_INET_PRE_ROUTING, PRIORITY_RAW);
	put_chain(b, name, CHAIN_RESTORE, NF_INET_PRE_ROUTING, PRIORITY_MANGLE);
	put_chain(b, name, CHAIN_SAVE, NF_INET_POST_ROUTING, PRIORITY_MANGLE);
	for (size_t i = 0; i < firewall->address_count; i++)
		put_spoof_rule(b, name, &firewall->addresses[i].address);
	put_restore_rule(b, name);
	put_save_rule(b, name, firewall->record.mark);
	put_end(b);
	return !b->has_failed;
}

bool firewall_batch_remove(struct firewall_batch *b, const char *interface)
{
	*b = (struct firewall_batch){0};
	put_begin(b);
	put_table(b, NFT_MSG_DELTABLE, 0, interface, NULL);
	put_end(b);
	return !b->has_failed;
}

void firewall_batch_wipe(struct firewall_batch *b)
{
	free(b->bytes);
	free(b->parts);
	*b = (struct firewall_batch){0};
}
