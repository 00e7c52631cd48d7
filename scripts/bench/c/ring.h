/*
 * io_uring by its raw system calls, so that the baselines need no liburing. One ring, used by
 * one thread. See io_uring(7), io_uring_setup(2), io_uring_enter(2).
 */
#ifndef RING_H
#define RING_H

#include "bench.h"

#include <linux/io_uring.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define SQ_ENTRIES 4096
#define CQ_ENTRIES 16384

struct ring {
	int fd;
	unsigned *sq_tail, *sq_mask, *cq_head, *cq_tail, *cq_mask;
	unsigned pending; /* entries written but not yet submitted */
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static struct ring ring;

static __attribute__((noreturn)) void unsupported(const char *call)
{
	fprintf(stderr, "%s: %s\n", call, strerror(errno));
	exit(EXIT_UNSUPPORTED);
}

/* Touched at once, so that the first use of a page is not counted as a connection's memory. */
static void *map(size_t length, int fd, off_t offset)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, fd, offset);

	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return memory;
}

static void ring_setup(void)
{
	struct io_uring_params p = {.cq_entries = CQ_ENTRIES};

	p.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
		  IORING_SETUP_DEFER_TASKRUN;
	ring.fd = (int)syscall(SYS_io_uring_setup, SQ_ENTRIES, &p);
	if (ring.fd < 0)
		unsupported("io_uring_setup");
	size_t sq_size = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	size_t cq_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	char *base = map(sq_size > cq_size ? sq_size : cq_size, ring.fd, IORING_OFF_SQ_RING);

	ring.sq_tail = (unsigned *)(base + p.sq_off.tail);
	ring.sq_mask = (unsigned *)(base + p.sq_off.ring_mask);
	ring.cq_head = (unsigned *)(base + p.cq_off.head);
	ring.cq_tail = (unsigned *)(base + p.cq_off.tail);
	ring.cq_mask = (unsigned *)(base + p.cq_off.ring_mask);
	ring.cqes = (struct io_uring_cqe *)(base + p.cq_off.cqes);
	ring.sqes = map(p.sq_entries * sizeof(struct io_uring_sqe), ring.fd, IORING_OFF_SQES);
	unsigned *array = (unsigned *)(base + p.sq_off.array);
	for (unsigned i = 0; i < p.sq_entries; i++)
		array[i] = i;
}

static void ring_enter(unsigned wait_for)
{
	long done = syscall(SYS_io_uring_enter, ring.fd, ring.pending, wait_for,
			    IORING_ENTER_GETEVENTS, NULL, 0);

	if (done < 0 && errno != EINTR)
		die("io_uring_enter: %s", strerror(errno));
	if (done > 0)
		ring.pending -= (unsigned)done;
}

/* A zeroed submission; it goes to the kernel with the next ring_enter. */
static struct io_uring_sqe *next_sqe(unsigned operation, unsigned value)
{
	if (ring.pending == SQ_ENTRIES)
		ring_enter(0);
	unsigned tail = *ring.sq_tail;
	struct io_uring_sqe *sqe = &ring.sqes[tail & *ring.sq_mask];

	memset(sqe, 0, sizeof *sqe);
	sqe->user_data = ((uint64_t)operation << 32) | value;
	atomic_store_explicit((_Atomic unsigned *)ring.sq_tail, tail + 1, memory_order_release);
	ring.pending++;
	return sqe;
}

/* Calls back for each completion that has arrived. */
static void ring_reap(void (*on_completion)(const struct io_uring_cqe *))
{
	unsigned head = *ring.cq_head;
	unsigned tail =
		atomic_load_explicit((_Atomic unsigned *)ring.cq_tail, memory_order_acquire);

	for (; head != tail; head++)
		on_completion(&ring.cqes[head & *ring.cq_mask]);
	atomic_store_explicit((_Atomic unsigned *)ring.cq_head, head, memory_order_release);
}

#endif
