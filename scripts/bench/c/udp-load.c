/*
 * udp-load PORT SOCKETS IN_FLIGHT BYTES WARMUP_MS MEASURE_MS SERVER_PID: a closed loop of
 * IN_FLIGHT datagrams per socket. A datagram without a reply is sent again after a while.
 */
#include "bench.h"

#include <sys/epoll.h>

#define EVENTS 256
#define MAX_IN_FLIGHT 64
#define MAX_DATAGRAM 2048
#define RESEND_AFTER_NS (100 * NS_PER_MS)
#define SWEEP_EVERY_NS (20 * NS_PER_MS)

struct slot {
	uint64_t sent_ns;
	uint32_t sequence;
};

struct peer {
	int fd;
	struct slot slots[MAX_IN_FLIGHT];
};

struct header {
	uint32_t slot;
	uint32_t sequence;
};

static struct window window;
static struct peer *peers;
static int peer_count, in_flight;
static size_t datagram_size;
static struct mmsghdr incoming[MAX_IN_FLIGHT], outgoing[MAX_IN_FLIGHT];
static struct iovec incoming_vectors[MAX_IN_FLIGHT], outgoing_vectors[MAX_IN_FLIGHT];
static char incoming_data[MAX_IN_FLIGHT][MAX_DATAGRAM], outgoing_data[MAX_IN_FLIGHT][MAX_DATAGRAM];

static void prepare(void)
{
	for (int i = 0; i < MAX_IN_FLIGHT; i++) {
		memset(outgoing_data[i], 'x', MAX_DATAGRAM);
		incoming_vectors[i] = (struct iovec){incoming_data[i], MAX_DATAGRAM};
		outgoing_vectors[i] = (struct iovec){outgoing_data[i], datagram_size};
		incoming[i].msg_hdr.msg_iov = &incoming_vectors[i];
		incoming[i].msg_hdr.msg_iovlen = 1;
		outgoing[i].msg_hdr.msg_iov = &outgoing_vectors[i];
		outgoing[i].msg_hdr.msg_iovlen = 1;
	}
}

static void stamp(struct peer *p, uint32_t index, int position, uint64_t now)
{
	struct slot *slot = &p->slots[index];
	struct header header = {index, ++slot->sequence};

	slot->sent_ns = now;
	memcpy(outgoing_data[position], &header, sizeof header);
}

/* What cannot be sent now counts as lost on the way: the sweep sends it again. */
static void send_stamped(const struct peer *p, int count)
{
	if (count > 0 && sendmmsg(p->fd, outgoing, (unsigned)count, 0) < 0 && errno != EAGAIN)
		die("sendmmsg: %s", strerror(errno));
}

static void on_readable(struct peer *p)
{
	int received = recvmmsg(p->fd, incoming, (unsigned)in_flight, MSG_DONTWAIT, NULL);
	int answered = 0;

	if (received < 0 && errno != EAGAIN)
		die("recvmmsg: %s", strerror(errno));
	uint64_t now = now_ns();
	for (int i = 0; i < received; i++) {
		struct header header;
		memcpy(&header, incoming_data[i], sizeof header);
		if (incoming[i].msg_len != datagram_size || header.slot >= (uint32_t)in_flight ||
		    incoming_data[i][datagram_size - 1] != 'x')
			die("the reply is not the request");
		/* A late reply to a datagram that was already sent again. */
		if (header.sequence != p->slots[header.slot].sequence)
			continue;
		histogram_add(&window.latency, now - p->slots[header.slot].sent_ns);
		window.messages++;
		stamp(p, header.slot, answered++, now);
	}
	send_stamped(p, answered);
}

static void sweep(uint64_t now)
{
	for (int i = 0; i < peer_count; i++) {
		int expired = 0;
		for (int s = 0; s < in_flight; s++) {
			if (now - peers[i].slots[s].sent_ns >= RESEND_AFTER_NS)
				stamp(&peers[i], (uint32_t)s, expired++, now);
		}
		window.lost += (uint64_t)expired;
		send_stamped(&peers[i], expired);
	}
}

static void run_until(int epoll, uint64_t end_ns)
{
	struct epoll_event events[EVENTS];
	uint64_t now = now_ns();
	uint64_t next_sweep_ns = now + SWEEP_EVERY_NS;

	for (; now < end_ns; now = now_ns()) {
		int count = epoll_wait(epoll, events, EVENTS, 20);
		for (int i = 0; i < count; i++)
			on_readable(events[i].data.ptr);
		if (now >= next_sweep_ns) {
			now = now_ns();
			sweep(now);
			next_sweep_ns = now + SWEEP_EVERY_NS;
		}
	}
}

static void connect_all(int epoll, int port)
{
	struct sockaddr_in address = loopback(port);

	peers = calloc((size_t)peer_count, sizeof *peers);
	for (int i = 0; i < peer_count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &peers[i]};
		peers[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (peers[i].fd < 0 ||
		    connect(peers[i].fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &event) < 0)
			die("cannot open socket %d: %s", i, strerror(errno));
	}
}

int main(int argc, char **argv)
{
	if (argc != 8)
		die("usage: udp-load PORT SOCKETS IN_FLIGHT BYTES WARMUP_MS MEASURE_MS SERVER_PID");
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	peer_count = atoi(argv[2]);
	in_flight = atoi(argv[3]);
	datagram_size = (size_t)atoi(argv[4]);
	if (in_flight < 1 || in_flight > MAX_IN_FLIGHT)
		die("IN_FLIGHT must be 1 to %d", MAX_IN_FLIGHT);
	if (datagram_size <= sizeof(struct header) || datagram_size > MAX_DATAGRAM)
		die("BYTES must be 9 to %d", MAX_DATAGRAM);
	window.server_pid = atoi(argv[7]);
	prepare();
	connect_all(epoll, atoi(argv[1]));
	/* Nothing was ever sent, so the first sweep sends everything. */
	sweep(now_ns());
	run_until(epoll, now_ns() + (uint64_t)atoi(argv[5]) * NS_PER_MS);
	window_open(&window);
	run_until(epoll, window.start_ns + (uint64_t)atoi(argv[6]) * NS_PER_MS);
	window_close(&window);
	return 0;
}
