/*
 * tcp-idle PORT CONNECTIONS BYTES: opens all connections, echoes one message on each,
 * says `held N`, and keeps them open until its standard input ends.
 */
#include "bench.h"

#define MAX_MESSAGE 4096
#define REPLY_TIMEOUT_SECONDS 10

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: tcp-idle PORT CONNECTIONS BYTES");
	int count = atoi(argv[2]);
	size_t size = (size_t)atoi(argv[3]);
	int *connections = calloc((size_t)count, sizeof *connections);
	struct timeval patience = {.tv_sec = REPLY_TIMEOUT_SECONDS};
	struct rlimit limit;
	char request[MAX_MESSAGE], reply[MAX_MESSAGE];

	if (size < 1 || size > MAX_MESSAGE)
		die("BYTES must be 1 to %d", MAX_MESSAGE);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	memset(request, 'x', sizeof request);
	for (int i = 0; i < count; i++) {
		connections[i] = connect_tcp(atoi(argv[1]));
		setsockopt(connections[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	}
	for (int i = 0; i < count; i++) {
		if (send(connections[i], request, size, MSG_NOSIGNAL) != (ssize_t)size)
			die("send on connection %d: %s", i, strerror(errno));
		ssize_t received = recv(connections[i], reply, size, MSG_WAITALL);
		if (received != (ssize_t)size || memcmp(reply, request, size) != 0)
			die("connection %d: no echo (%s)", i,
			    received < 0 ? strerror(errno) : "closed or different");
	}
	printf("held %d\n", count);
	fflush(stdout);
	while (read(STDIN_FILENO, reply, sizeof reply) > 0)
		continue;
	return 0;
}
