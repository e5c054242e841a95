#include "main/interface.h"

#include <errno.h>
#include <string.h>

#include "io/log.h"
#include "io/tun.h"

/* Who creates the interface owns the name: only then is a socket without a listener stale. */
static int create_interface(struct supervisor *s)
{
	s->tun = s->options->tun >= 0 ? s->options->tun : tun_create(s->options->name);
	if (s->tun == -EBUSY && control_connect(CONTROL_DIRECTORY, s->options->name) >= 0)
		log_error("is running already; \"adit down %s\" ends it", s->options->name);
	else if (s->tun < 0)
		log_error("cannot create the interface: %s", tun_explain(s->tun));
	return s->tun < 0 ? s->tun : 0;
}

static int listen_for_control(struct supervisor *s)
{
	int fd = s->options->listener;
	int error = fd >= 0 ? control_adopt(&s->control, fd)
			    : control_open(&s->control, CONTROL_DIRECTORY, s->options->name);
	if (error && fd >= 0)
		log_error("cannot use descriptor %d as control socket: %s", fd, strerror(-error));
	else if (error)
		log_error("cannot listen at %s/%s.sock: %s", CONTROL_DIRECTORY, s->options->name,
			strerror(-error));
	return error;
}

_Static_assert(TUNING_QUEUE_LEN_USUAL == TUN_QUEUE_LEN, "what tun_create sets");

/* Whoever hands a TUN over has set it up. */
static int set_queue_len(struct supervisor *s)
{
	uint32_t packets = lifetime_tuning(s).tx_queue_len;
	if (s->options->tun >= 0 || packets == TUN_QUEUE_LEN)
		return 0;
	return netlink_link_set_queue_len(&s->netlink, s->monitor.link.ifindex, packets);
}

int interface_open(struct supervisor *s)
{
	int error = create_interface(s);
	if (!error)
		error = listen_for_control(s);
	if (error)
		return error;
	error = monitor_open(&s->monitor, s->tun);
	if (error) {
		log_error("cannot watch the interface: %s", strerror(-error));
		return error;
	}
	s->has_monitor = true;
	error = netlink_open(&s->netlink);
	if (!error)
		error = set_queue_len(s);
	/* As the kernel's own interface: no link-local address, whoever sets it up. */
	if (!error && s->options->tun < 0)
		error = netlink_link_set_no_autoconf(&s->netlink, s->monitor.link.ifindex);
	if (!error)
		error = routes_open(&s->routes);
	if (!error) {
		error = loop_init(&s->loop);
		s->has_loop = !error;
	}
	if (error)
		log_error("cannot start: %s", strerror(-error));
	return error;
}

static void on_reload_news(void *context)
{
	lifetime_schedule(context);
}

void interface_open_door(struct supervisor *s)
{
	const struct reload_world world = {
		.loop = &s->loop,
		.engine = &s->engine,
		.netlink = &s->netlink,
		.link = &s->link,
		.config = &s->config,
		.names = &s->names,
		.hooks = &s->hooks,
		.has_hooks = &s->has_hooks,
		.servers = &s->name_servers,
		.has_servers = &s->has_dns,
		.dns_system = &dns_usual_system,
		.allow_hooks = s->options->allow_hooks,
		.on_news = on_reload_news,
		.context = s,
	};
	reload_init(&s->door.reload, &world);
	int error = door_open(&s->door, &s->loop, ADMIN_DIRECTORY, s->options->name);
	if (error)
		log_error("cannot listen at %s/%s.sock: %s; SIGHUP reloads", ADMIN_DIRECTORY,
			s->options->name, strerror(-error));
}
