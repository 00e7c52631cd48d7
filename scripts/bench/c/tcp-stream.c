/*
 * tcp-stream PORT MEBIBYTES ROUNDS SERVER_PID: sends a stream and reads it back, once to warm
 * up and then ROUNDS times. Every byte is compared.
 */
#include "bench.h"

#include <poll.h>

#define PIECE (256 * 1024)

static char out[PIECE], in[PIECE];

static void stream(int port, size_t bytes)
{
	int fd = connect_tcp(port);
	size_t sent = 0, received = 0;

	while (received < bytes) {
		struct pollfd p = {.fd = fd, .events = POLLIN | (sent < bytes ? POLLOUT : 0)};

		if (poll(&p, 1, 10000) <= 0)
			die("the stream stands still at %zu", received);
		if (p.revents & POLLOUT) {
			size_t at = sent % PIECE, left = bytes - sent;
			size_t length = left < PIECE - at ? left : PIECE - at;
			ssize_t n = send(fd, out + at, length, MSG_NOSIGNAL | MSG_DONTWAIT);

			if (n < 0 && errno != EAGAIN)
				die("send: %s", strerror(errno));
			if (n > 0 && (sent += (size_t)n) == bytes)
				shutdown(fd, SHUT_WR);
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
			size_t at = received % PIECE;
			ssize_t n = recv(fd, in, PIECE - at, MSG_DONTWAIT);

			if (n == 0 || (n < 0 && errno != EAGAIN))
				die("the stream ended at %zu: %s", received, n ? strerror(errno) : "FIN");
			if (n > 0 && memcmp(in, out + at, (size_t)n) != 0)
				die("other bytes than were sent at %zu", received);
			if (n > 0)
				received += (size_t)n;
		}
	}
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		die("usage: tcp-stream PORT MEBIBYTES ROUNDS SERVER_PID");
	int port = atoi(argv[1]), rounds = atoi(argv[3]), pid = atoi(argv[4]);
	size_t bytes = (size_t)atoi(argv[2]) << 20;
	struct cpu_seconds before, after;

	for (size_t i = 0; i < PIECE; i++)
		out[i] = (char)(i * 7 + (i >> 8));
	stream(port, bytes);
	before = cpu_of_process(pid);
	uint64_t began = now_ns();
	for (int i = 0; i < rounds; i++)
		stream(port, bytes);
	double seconds = (double)(now_ns() - began) / 1e9;
	after = cpu_of_process(pid);
	double cpu = after.user + after.system - before.user - before.system;
	printf("{\"mebibytesPerSecond\":%.1f,\"cpuSecondsPerStream\":%.4f}\n",
	       (double)rounds * (double)(bytes >> 20) / seconds, cpu / rounds);
	return 0;
}
