/*
 * tcp-tick-client PORT CONNECTIONS BYTES WARMUP_MS MEASURE_MS SERVER_PID: connections that
 * only receive. Its latency is the gap between two arrivals on one connection.
 */
#include "bench.h"

#include <sys/epoll.h>

#define EVENTS 1024
#define FIRST_TICK_NS (15 * NS_PER_SECOND)

struct connection {
	int fd;
	uint64_t last_ns;
};

static struct window window;
static uint64_t bytes;
static char buffer[65536];

static void on_readable(struct connection *c)
{
	ssize_t received = recv(c->fd, buffer, sizeof buffer, 0);

	if (received < 0 && errno == EAGAIN)
		return;
	if (received <= 0)
		die("recv: %s", received == 0 ? "closed by the server" : strerror(errno));
	uint64_t now = now_ns();
	if (c->last_ns > 0)
		histogram_add(&window.latency, now - c->last_ns);
	c->last_ns = now;
	bytes += (uint64_t)received;
}

static void receive_once(int epoll)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(epoll, events, EVENTS, 20);

	for (int i = 0; i < count; i++)
		on_readable(events[i].data.ptr);
}

int main(int argc, char **argv)
{
	if (argc != 7)
		die("usage: tcp-tick-client PORT CONNECTIONS BYTES WARMUP_MS MEASURE_MS SERVER_PID");
	int count = atoi(argv[2]);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct connection *connections = calloc((size_t)count, sizeof *connections);

	window.server_pid = atoi(argv[6]);
	for (int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
		connections[i].fd = connect_tcp(atoi(argv[1]));
		set_nonblocking(connections[i].fd);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) < 0)
			die("epoll_ctl: %s", strerror(errno));
	}
	uint64_t give_up = now_ns() + FIRST_TICK_NS;
	while (bytes == 0 && now_ns() < give_up)
		receive_once(epoll);
	if (bytes == 0)
		die("the server sent nothing");
	uint64_t warm = now_ns() + (uint64_t)atoi(argv[4]) * NS_PER_MS;
	while (now_ns() < warm)
		receive_once(epoll);
	bytes = 0;
	window_open(&window);
	uint64_t end = window.start_ns + (uint64_t)atoi(argv[5]) * NS_PER_MS;
	while (now_ns() < end)
		receive_once(epoll);
	window.messages = bytes / (uint64_t)atoi(argv[3]);
	window_close(&window);
	return 0;
}
