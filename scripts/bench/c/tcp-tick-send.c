/*
 * tcp-tick-send PORT CONNECTIONS HZ: the readiness floor of the tick scenario. One send of
 * 64 bytes to each connection HZ times a second, a system call each.
 */
#include "tick.h"

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: tcp-tick-send PORT CONNECTIONS HZ");
	int count = atoi(argv[2]);
	uint64_t hz = (uint64_t)atoi(argv[3]);
	int *connections = accept_all(atoi(argv[1]), count);
	char message[MESSAGE_SIZE];

	memset(message, 't', sizeof message);
	uint64_t start = now_ns();
	for (uint64_t tick = 0;; tick++) {
		/* Errors are of no interest: the client counts what arrives, and leaves first. */
		for (int i = 0; i < count; i++)
			send(connections[i], message, sizeof message, MSG_NOSIGNAL);
		sleep_until(start + (tick + 1) * NS_PER_SECOND / hz);
	}
}
