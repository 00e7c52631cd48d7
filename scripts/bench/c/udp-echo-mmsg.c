/*
 * udp-echo-mmsg PORT: the datagram baseline. recvmmsg and sendmmsg, up to 256
 * datagrams a call, on one blocking socket.
 */
#include "bench.h"

#define BATCH 256
#define DATAGRAM_SIZE 2048

static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in peers[BATCH];
static char buffers[BATCH][DATAGRAM_SIZE];

static void prepare(int count)
{
	for (int i = 0; i < count; i++) {
		vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = DATAGRAM_SIZE};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
						      .msg_namelen = sizeof peers[i],
						      .msg_iov = &vectors[i],
						      .msg_iovlen = 1};
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		die("usage: udp-echo-mmsg PORT");
	int fd = bind_and_announce(SOCK_DGRAM, atoi(argv[1]));

	/* All 512 datagrams of the load may wait at once; the default buffer holds about 270. */
	set_option(fd, SOL_SOCKET, SO_RCVBUF, 1 << 22);
	prepare(BATCH);
	for (;;) {
		int received = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		if (received < 0 && errno != EINTR)
			die("recvmmsg: %s", strerror(errno));
		for (int i = 0; i < received; i++)
			vectors[i].iov_len = messages[i].msg_len;
		for (int sent = 0; sent < received;) {
			int count = sendmmsg(fd, messages + sent, (unsigned)(received - sent), 0);
			/* A datagram that cannot be sent is skipped, as UDP would lose it. */
			sent += count > 0 ? count : 1;
		}
		prepare(received > 0 ? received : 0);
	}
}
