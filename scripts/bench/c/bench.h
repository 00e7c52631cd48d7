/*
 * What the load generators and the baseline servers share: a clock, a latency
 * histogram, the CPU time of the process under test, and loopback sockets.
 */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The harness reads this exit code as "not possible on this machine", not as a failure. */
#define EXIT_UNSUPPORTED 77

#define NS_PER_SECOND 1000000000ull
#define NS_PER_MS 1000000ull

__attribute__((noreturn, format(printf, 1, 2), unused)) static void
die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

/* 64 steps per power of two: a percentile is at most 1.6% off, whatever its size. */
#define HISTOGRAM_BITS 6
#define HISTOGRAM_STEPS (1u << HISTOGRAM_BITS)
#define HISTOGRAM_SIZE ((64 - HISTOGRAM_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {
	uint64_t total;
	uint64_t counts[HISTOGRAM_SIZE];
};

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
	unsigned index = (unsigned)ns;

	if (ns >= HISTOGRAM_STEPS) {
		unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - HISTOGRAM_BITS;
		index = (shift + 1) * HISTOGRAM_STEPS + ((ns >> shift) & (HISTOGRAM_STEPS - 1));
	}
	h->counts[index]++;
	h->total++;
}

__attribute__((unused)) static double
histogram_percentile_us(const struct histogram *h, double percent)
{
	uint64_t wanted = (uint64_t)((double)h->total * percent / 100.0);
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
		seen += h->counts[i];
		if (seen <= wanted)
			continue;
		if (i < HISTOGRAM_STEPS)
			return i / 1000.0;
		unsigned shift = i / HISTOGRAM_STEPS - 1;
		uint64_t low = (uint64_t)(HISTOGRAM_STEPS + i % HISTOGRAM_STEPS) << shift;
		return ((double)low + (double)(1ull << shift) / 2) / 1000.0;
	}
	return 0;
}

struct cpu_seconds {
	double user;
	double system;
};

/* utime and stime of proc_pid_stat(5): the whole process, all threads, in clock ticks. */
__attribute__((unused)) static struct cpu_seconds cpu_of_process(int pid)
{
	struct cpu_seconds cpu = {0, 0};
	unsigned long user, system;
	char path[64], text[1024];
	double ticks = (double)sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		die("the server is gone: cannot open %s", path);
	ssize_t length = read(fd, text, sizeof text - 1);
	close(fd);
	text[length > 0 ? length : 0] = 0;
	/* The command name may hold blanks and parentheses; the fields start after its last one. */
	const char *fields = strrchr(text, ')');
	if (!fields || sscanf(fields + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			      &user, &system) != 2)
		die("cannot read %s", path);
	cpu.user = (double)user / ticks;
	cpu.system = (double)system / ticks;
	return cpu;
}

__attribute__((unused)) static double cpu_of_self(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* One measured window: opened after the warm-up, closed at the end, printed as JSON. */
struct window {
	int server_pid;
	int helper_pid; /* a process that works for the server (wineserver), or 0 */
	uint64_t start_ns;
	uint64_t messages;
	uint64_t lost;    /* datagrams that were sent again */
	uint64_t starved; /* connections without any reply */
	double self_start;
	struct cpu_seconds server_start;
	struct cpu_seconds helper_start;
	struct histogram latency;
};

__attribute__((unused)) static void window_open(struct window *w)
{
	w->messages = w->lost = w->starved = 0;
	memset(&w->latency, 0, sizeof w->latency);
	w->self_start = cpu_of_self();
	w->server_start = cpu_of_process(w->server_pid);
	if (w->helper_pid != 0)
		w->helper_start = cpu_of_process(w->helper_pid);
	w->start_ns = now_ns();
}

__attribute__((unused)) static void window_close(struct window *w)
{
	double seconds = (double)(now_ns() - w->start_ns) / 1e9;
	struct cpu_seconds cpu = cpu_of_process(w->server_pid);
	struct cpu_seconds helper = {0, 0};

	if (w->helper_pid != 0)
		helper = cpu_of_process(w->helper_pid);
	double self = cpu_of_self() - w->self_start;

	printf("{\"messages\":%llu,\"seconds\":%.6f,\"lost\":%llu,\"starved\":%llu,"
	       "\"userSeconds\":%.2f,\"systemSeconds\":%.2f,\"helperSeconds\":%.2f,\"loadBusy\":%.3f,"
	       "\"p50Us\":%.2f,\"p90Us\":%.2f,\"p99Us\":%.2f,\"p999Us\":%.2f}\n",
	       (unsigned long long)w->messages, seconds, (unsigned long long)w->lost,
	       (unsigned long long)w->starved, cpu.user - w->server_start.user,
	       cpu.system - w->server_start.system,
	       helper.user - w->helper_start.user + helper.system - w->helper_start.system, self / seconds,
	       histogram_percentile_us(&w->latency, 50),
	       histogram_percentile_us(&w->latency, 90), histogram_percentile_us(&w->latency, 99),
	       histogram_percentile_us(&w->latency, 99.9));
	fflush(stdout);
}

static inline struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static inline void set_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof value);
}

static inline void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Blocking while it connects, so that a full backlog delays the load instead of failing it. */
__attribute__((unused)) static int connect_tcp(int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("connect: %s", strerror(errno));
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return fd;
}

/* A bound loopback socket of a server, announced by the line the harness waits for. */
__attribute__((unused)) static int bind_and_announce(int type, int port)
{
	struct sockaddr_in address = loopback(port);
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("bind: %s", strerror(errno));
	if ((type & SOCK_STREAM) == SOCK_STREAM && listen(fd, 4096) < 0)
		die("listen: %s", strerror(errno));
	getsockname(fd, (struct sockaddr *)&address, &length);
	printf("listening %d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

#endif
