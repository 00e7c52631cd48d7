/*
 * tcp-echo-epoll PORT: the readiness baseline. One thread, level-triggered epoll,
 * one recv and one send per message.
 */
#include "bench.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#define EVENTS 1024
#define BUFFER_SIZE 65536

static char buffer[BUFFER_SIZE];

static void accept_all(int epoll, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			die("epoll_ctl: %s", strerror(errno));
	}
}

/* The load never fills a send buffer; if another peer does, waiting for it is enough here. */
static int send_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
		if (sent >= 0) {
			data += sent;
			length -= (size_t)sent;
		} else if (errno == EAGAIN) {
			struct pollfd writable = {.fd = fd, .events = POLLOUT};
			poll(&writable, 1, -1);
		} else {
			return -1;
		}
	}
	return 0;
}

static void echo(int fd)
{
	ssize_t received = recv(fd, buffer, sizeof buffer, 0);

	if (received < 0 && errno == EAGAIN)
		return;
	if (received <= 0 || send_all(fd, buffer, (size_t)received) < 0)
		close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		die("usage: tcp-echo-epoll PORT");
	struct epoll_event events[EVENTS];
	int listener = bind_and_announce(SOCK_STREAM | SOCK_NONBLOCK, atoi(argv[1]));
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
		die("epoll: %s", strerror(errno));
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);
		if (count < 0 && errno != EINTR)
			die("epoll_wait: %s", strerror(errno));
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				accept_all(epoll, listener);
			else
				echo(events[i].data.fd);
		}
	}
}
