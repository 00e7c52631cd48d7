/*
 * peer listen STEP...
 * peer connect PORT STEP...
 *
 * One loopback connection, played with plain blocking calls, each step in turn. What every call gave is a line of
 * its own, so that a test sees the other end as any C program would:
 *
 *   recv     one recv(): the number of bytes, 0 for the end of the stream, or the error's name
 *   rest     recv() until there is no more: the number of bytes, and "0" or the error's name
 *   send     one send() of 16 bytes: the number of bytes, or the error's name
 *   end      shutdown(SHUT_WR)
 *   told     waits for a line on standard input
 *   hear     waits until the other end has ended, and reads nothing: "FIN" or "RST"
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_SECONDS 30
#define MESSAGE_BYTES 16

static char buffer[65536];

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *error_name(void)
{
	return errno == EAGAIN ? "nothing" : strerrorname_np(errno);
}

static void say(const char *step, ssize_t result)
{
	if (result < 0)
		printf("%s %s\n", step, error_name());
	else
		printf("%s %zd\n", step, result);
}

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

/* No call waits for ever: a test that has failed must end. */
static int new_socket(void)
{
	struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	return fd;
}

static int accept_one(void)
{
	struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof address;
	int listener = new_socket();

	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0)
		die("listen");
	getsockname(listener, (struct sockaddr *)&address, &length);
	printf("port %d\n", ntohs(address.sin_port));
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	close(listener);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	return fd;
}

static int connect_to(int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = new_socket();

	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("connect");
	return fd;
}

static void receive_rest(int fd)
{
	unsigned long long total = 0;
	ssize_t received;

	while ((received = recv(fd, buffer, sizeof buffer, 0)) > 0)
		total += (unsigned long long)received;
	printf("rest %llu %s\n", total, received == 0 ? "0" : error_name());
}

static void hear(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLRDHUP};

	if (poll(&entry, 1, PATIENCE_SECONDS * 1000) < 1)
		printf("hear nothing\n");
	else
		printf("hear %s\n", entry.revents & (POLLERR | POLLHUP) ? "RST" : "FIN");
}

static void be_told(void)
{
	char line[64];

	if (fgets(line, sizeof line, stdin) == NULL)
		die("told");
}

static void play(int fd, const char *step)
{
	if (strcmp(step, "recv") == 0)
		say(step, recv(fd, buffer, sizeof buffer, 0));
	else if (strcmp(step, "rest") == 0)
		receive_rest(fd);
	else if (strcmp(step, "send") == 0)
		say(step, send(fd, buffer, MESSAGE_BYTES, MSG_NOSIGNAL));
	else if (strcmp(step, "end") == 0)
		say(step, shutdown(fd, SHUT_WR));
	else if (strcmp(step, "hear") == 0)
		hear(fd);
	else if (strcmp(step, "told") == 0)
		be_told();
	else
		die("no such step");
}

int main(int argc, char **argv)
{
	int first = 2;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	memset(buffer, 'p', sizeof buffer);
	if (argc > 1 && strcmp(argv[1], "listen") == 0)
		fd = accept_one();
	else if (argc > 2 && strcmp(argv[1], "connect") == 0)
		fd = connect_to(atoi(argv[first++]));
	else
		return 64;
	for (int i = first; i < argc; i++)
		play(fd, argv[i]);
	return 0;
}
