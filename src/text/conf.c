#include "text/conf.h"

#include <stdlib.h>

static void free_texts(struct conf_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
	free(texts->items);
}

void conf_wipe(struct conf *conf)
{
	struct conf_link *link = &conf->link;
	change_wipe(&conf->change);
	free(link->addresses.items);
	free(link->dns_servers.items);
	free_texts(&link->dns_search);
	free_texts(&link->pre_up);
	free_texts(&link->post_up);
	free_texts(&link->pre_down);
	free_texts(&link->post_down);
	free(link->table_name);
	free(link->listen_service);
	for (size_t i = 0; i < link->name_count; i++) {
		free(link->names[i].host);
		free(link->names[i].port);
	}
	free(link->names);
	for (size_t i = 0; i < conf->key_file_count; i++)
		free(conf->key_files[i].path);
	free(conf->key_files);
	free(conf->peers_at);
	free(conf->diagnostics);
	*conf = (struct conf){0};
}
