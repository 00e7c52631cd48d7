/*
 * tcp-tick-uring PORT CONNECTIONS HZ: the completion floor of the tick scenario. 64 bytes to
 * each connection HZ times a second, all sends of a tick in one io_uring_enter.
 */
#include "ring.h"
#include "tick.h"

static void on_completion(const struct io_uring_cqe *cqe)
{
	/* Errors are of no interest: the client counts what arrives, and leaves first. */
	(void)cqe;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: tcp-tick-uring PORT CONNECTIONS HZ");
	int count = atoi(argv[2]);
	uint64_t hz = (uint64_t)atoi(argv[3]);
	static char message[MESSAGE_SIZE];

	ring_setup();
	int *connections = accept_all(atoi(argv[1]), count);
	memset(message, 't', sizeof message);
	uint64_t start = now_ns();
	for (uint64_t tick = 0;; tick++) {
		for (int i = 0; i < count; i++) {
			struct io_uring_sqe *sqe = next_sqe(0, (unsigned)i);
			sqe->opcode = IORING_OP_SEND;
			sqe->fd = connections[i];
			sqe->addr = (uintptr_t)message;
			sqe->len = sizeof message;
			sqe->msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
		}
		ring_enter(0);
		ring_reap(on_completion);
		sleep_until(start + (tick + 1) * NS_PER_SECOND / hz);
	}
}
