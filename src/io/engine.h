/*
 * The engine: the process that holds the device, its keys, the TUN and the UDP
 * sockets. The one place that sees both the device and file descriptors. It
 * learns everything else from the supervisor, over its channel (messages.h), and
 * serves the control connections that it is handed.
 */
#ifndef ADIT_IO_ENGINE_H
#define ADIT_IO_ENGINE_H

/* The child, for process_start; context is not used. Ends, with 0, when the channel does. */
int engine_run(int channel, void *context);

#endif
