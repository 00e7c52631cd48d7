/*
 * What the two tick servers share: their connections, and a clock without drift.
 */
#ifndef TICK_H
#define TICK_H

#include "bench.h"

#define MESSAGE_SIZE 64

/* Announces the port, then waits for all connections. */
static int *accept_all(int port, int count)
{
	int listener = bind_and_announce(SOCK_STREAM, port);
	int *connections = calloc((size_t)count, sizeof *connections);

	for (int i = 0; i < count; i++) {
		connections[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (connections[i] < 0)
			die("accept4: %s", strerror(errno));
		set_option(connections[i], IPPROTO_TCP, TCP_NODELAY, 1);
	}
	return connections;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NS_PER_SECOND),
			     .tv_nsec = (long)(ns % NS_PER_SECOND)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		continue;
}

#endif
