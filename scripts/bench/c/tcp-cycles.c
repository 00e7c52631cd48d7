/*
 * tcp-cycles PORT CYCLES CLIENTS BYTES SERVER_PID: each client connects, sends one message,
 * reads its echo and closes, again and again.
 */
#include "bench.h"

#include <sys/wait.h>

#define MAX_MESSAGE 4096

static void client(int port, int cycles, size_t size)
{
	char request[MAX_MESSAGE], reply[MAX_MESSAGE];

	memset(request, 'x', sizeof request);
	for (int i = 0; i < cycles; i++) {
		int fd = connect_tcp(port);

		if (send(fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
			die("send: %s", strerror(errno));
		if (recv(fd, reply, size, MSG_WAITALL) != (ssize_t)size || memcmp(reply, request, size))
			die("no echo in cycle %d", i);
		/* Ports in TIME_WAIT run out: the server closes after us, and we leave none behind. */
		struct linger reset = {.l_onoff = 1, .l_linger = 0};

		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		die("usage: tcp-cycles PORT CYCLES CLIENTS BYTES SERVER_PID");
	int port = atoi(argv[1]), cycles = atoi(argv[2]), clients = atoi(argv[3]);
	size_t size = (size_t)atoi(argv[4]);
	int pid = atoi(argv[5]);

	if (size < 1 || size > MAX_MESSAGE || clients < 1)
		die("BYTES must be 1 to %d, and CLIENTS 1 or more", MAX_MESSAGE);
	struct cpu_seconds before = cpu_of_process(pid);
	uint64_t began = now_ns();

	for (int i = 0; i < clients; i++)
		if (fork() == 0) {
			client(port, cycles / clients, size);
			_exit(0);
		}
	for (int i = 0; i < clients; i++) {
		int status;

		if (wait(&status) < 0 || status != 0)
			die("a client failed");
	}
	double seconds = (double)(now_ns() - began) / 1e9;
	struct cpu_seconds after = cpu_of_process(pid);
	int done = cycles / clients * clients;
	double cpu = after.user + after.system - before.user - before.system;

	printf("{\"cycles\":%d,\"cyclesPerSecond\":%.0f,\"cpuUs\":%.2f}\n", done, done / seconds,
	       cpu * 1e6 / done);
	return 0;
}
