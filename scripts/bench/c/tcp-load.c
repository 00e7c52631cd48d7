/*
 * tcp-load PORT CONNECTIONS BYTES WARMUP_MS MEASURE_MS SERVER_PID [HELPER_PID]: a closed loop, one
 * request in flight per connection. Every reply is compared with its request.
 */
#include "bench.h"

#include <sys/epoll.h>

#define EVENTS 1024
#define MAX_MESSAGE 4096
#define FIRST_ECHO_SECONDS 10

struct connection {
	int fd;
	size_t received;
	uint64_t sent_ns;
	uint64_t sequence;
	uint64_t replies; /* in the measured window */
};

static struct connection *connections;
static struct window window;
static size_t message_size;
static char request[MAX_MESSAGE];
static char reply[MAX_MESSAGE];

/* A request starts with its number and its connection, so a mixed-up reply is noticed. */
static void stamp(const struct connection *c)
{
	uint32_t index = (uint32_t)(c - connections);

	memcpy(request, &c->sequence, sizeof c->sequence);
	memcpy(request + sizeof c->sequence, &index, sizeof index);
}

static void send_request(struct connection *c, uint64_t now)
{
	c->sequence++;
	c->sent_ns = now;
	c->received = 0;
	stamp(c);
	if (send(c->fd, request, message_size, MSG_NOSIGNAL) != (ssize_t)message_size)
		die("send: %s", strerror(errno));
}

static void on_readable(struct connection *c)
{
	ssize_t received = recv(c->fd, reply, message_size - c->received, 0);

	if (received < 0 && errno == EAGAIN)
		return;
	if (received <= 0)
		die("recv: %s", received == 0 ? "closed by the server" : strerror(errno));
	stamp(c);
	if (memcmp(reply, request + c->received, (size_t)received) != 0)
		die("the reply is not the request");
	c->received += (size_t)received;
	if (c->received < message_size)
		return;
	uint64_t now = now_ns();
	histogram_add(&window.latency, now - c->sent_ns);
	window.messages++;
	c->replies++;
	send_request(c, now);
}

static void run_until(int epoll, uint64_t end_ns)
{
	struct epoll_event events[EVENTS];

	while (now_ns() < end_ns) {
		/* The timeout ends the run in time even if the server stalls. */
		int count = epoll_wait(epoll, events, EVENTS, 20);
		for (int i = 0; i < count; i++)
			on_readable(events[i].data.ptr);
	}
}

/*
 * One echo per connection before the next connects. Under load libuv accepts one connection
 * per loop iteration, so some would otherwise still wait in the backlog when the window opens.
 */
static void first_echo(struct connection *c)
{
	struct timeval patience = {.tv_sec = FIRST_ECHO_SECONDS};

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	send_request(c, now_ns());
	if (recv(c->fd, reply, message_size, MSG_WAITALL) != (ssize_t)message_size)
		die("no first echo on a new connection");
	set_nonblocking(c->fd);
}

static void connect_all(int epoll, int port, int count)
{
	connections = calloc((size_t)count, sizeof *connections);
	for (int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
		connections[i].fd = connect_tcp(port);
		first_echo(&connections[i]);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) < 0)
			die("epoll_ctl: %s", strerror(errno));
	}
}

int main(int argc, char **argv)
{
	if (argc != 7 && argc != 8)
		die("usage: tcp-load PORT CONNECTIONS BYTES WARMUP_MS MEASURE_MS SERVER_PID [HELPER_PID]");
	int count = atoi(argv[2]);
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	message_size = (size_t)atoi(argv[3]);
	if (message_size < 12 || message_size > MAX_MESSAGE)
		die("BYTES must be 12 to %d", MAX_MESSAGE);
	memset(request, 'x', sizeof request);
	window.server_pid = atoi(argv[6]);
	window.helper_pid = argc > 7 ? atoi(argv[7]) : 0;
	connect_all(epoll, atoi(argv[1]), count);
	for (int i = 0; i < count; i++)
		send_request(&connections[i], now_ns());
	run_until(epoll, now_ns() + (uint64_t)atoi(argv[4]) * NS_PER_MS);
	for (int i = 0; i < count; i++)
		connections[i].replies = 0;
	window_open(&window);
	run_until(epoll, window.start_ns + (uint64_t)atoi(argv[5]) * NS_PER_MS);
	for (int i = 0; i < count; i++)
		window.starved += connections[i].replies == 0;
	window_close(&window);
	return 0;
}
