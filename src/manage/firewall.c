#include "manage/firewall.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "manage/firewall_batch.h"
#include "manage/netlink_request.h"

#define TYPE(message) ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | (message)))

/* What the kernel answers about what it was built without. */
static bool is_unknown(int error)
{
	return error == -ENOENT || error == -EOPNOTSUPP || error == -EAFNOSUPPORT ||
	       error == -EPROTONOSUPPORT || error == -EINVAL;
}

static const char *lack_of(enum firewall_part part)
{
	switch (part) {
	case FIREWALL_BATCH: return "nftables (CONFIG_NF_TABLES)";
	case FIREWALL_TABLE: return "nftables' family inet (CONFIG_NF_TABLES_INET)";
	case FIREWALL_CHAIN: return "nftables' filter chains (CONFIG_NF_TABLES_INET)";
	case FIREWALL_SPOOF: return "nftables' fib expression (CONFIG_NFT_FIB_INET)";
	case FIREWALL_MARK: return "nftables' ct expression (CONFIG_NFT_CT)";
	}
	return "";
}

static void explain(
	struct netlink *n, const struct netlink *filter, int error, enum firewall_part part)
{
	if (is_unknown(error) && !filter->words[0])
		snprintf(n->words, sizeof(n->words),
			"the kernel lacks %s, which a default route needs", lack_of(part));
	else
		snprintf(n->words, sizeof(n->words), "%s",
			filter->words[0] ? filter->words : strerror(-error));
}

static int run_batch(struct netlink *n, const struct firewall_batch *batch)
{
	struct netlink filter;
	uint32_t failed = 0;
	int error = netlink_open_netfilter(&filter);
	if (!error) {
		/* The very last is the end of the batch, which is not answered. */
		error = netlink_batch_run(
			&filter, batch->bytes, batch->len, batch->count - 2, &failed);
	}
	if (error)
		explain(n, &filter, error,
			failed < batch->count ? batch->parts[failed] : FIREWALL_BATCH);
	netlink_close(&filter);
	return error;
}

int firewall_set(struct netlink *n, const struct firewall *firewall)
{
	struct firewall_batch batch;
	int error = firewall_batch_set(&batch, firewall) ? run_batch(n, &batch) : -ENOMEM;
	firewall_batch_wipe(&batch);
	return error;
}

int firewall_remove(struct netlink *n, const char *interface)
{
	struct firewall_batch batch;
	int error = firewall_batch_remove(&batch, interface) ? run_batch(n, &batch) : -ENOMEM;
	firewall_batch_wipe(&batch);
	return error;
}

struct listing {
	struct firewall_record *out;
	size_t count;
};

static int take_table(const struct nlmsghdr *message, void *context)
{
	struct listing *l = context;
	struct netlink_attrs attrs;
	char name[FIREWALL_NAME_MAX], expected[FIREWALL_NAME_MAX];
	struct firewall_record record = {0};
	if (message->nlmsg_type != TYPE(NFT_MSG_NEWTABLE))
		return 0;
	netlink_attrs_read(&attrs, message, sizeof(struct nfgenmsg));
	const struct nlattr *data = attrs.by_type[NFTA_TABLE_USERDATA];
	netlink_attr_copy_text(attrs.by_type[NFTA_TABLE_NAME], name, sizeof(name));
	if (!data || sscanf(name, "adit-%15s", record.interface) != 1)
		return 0;
	firewall_write_name(expected, record.interface);
	if (strcmp(name, expected) || !firewall_read_comment(&record, mnl_attr_get_payload(data),
					      mnl_attr_get_payload_len(data)))
		return 0;
	if (l->count == FIREWALL_RECORDS_MAX)
		return -EOVERFLOW;
	l->out[l->count++] = record;
	return 0;
}

int firewall_list(
	struct netlink *n, struct firewall_record out[static FIREWALL_RECORDS_MAX], size_t *count)
{
	struct netlink filter;
	struct listing l = {.out = out};
	union netlink_request r;
	struct nfgenmsg *m =
		netlink_request_init(&r, TYPE(NFT_MSG_GETTABLE), NLM_F_DUMP, sizeof(*m));
	m->nfgen_family = NFPROTO_INET;
	int error = netlink_open_netfilter(&filter);
	if (!error)
		error = netlink_request_run(&filter, &r, take_table, &l);
	if (is_unknown(error))
		error = 0;
	if (error)
		explain(n, &filter, error, FIREWALL_BATCH);
	netlink_close(&filter);
	*count = error ? 0 : l.count;
	return error;
}
