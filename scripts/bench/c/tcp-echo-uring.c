/*
 * tcp-echo-uring PORT: the completion baseline. io_uring with multishot accept, multishot
 * receive into a provided-buffer ring, and one io_uring_enter per batch.
 */
#include "ring.h"

#define BUFFERS 4096 /* a power of two: the buffer ring is indexed by a mask */
#define BUFFER_SIZE 2048

enum operation { OPERATION_ACCEPT, OPERATION_RECV, OPERATION_SEND };

static struct io_uring_buf_ring *provided;
static char *buffers;
static int listener;

static void arm_accept(void)
{
	struct io_uring_sqe *sqe = next_sqe(OPERATION_ACCEPT, 0);

	sqe->opcode = IORING_OP_ACCEPT;
	sqe->fd = listener;
	sqe->ioprio = IORING_ACCEPT_MULTISHOT;
}

static void arm_recv(int fd)
{
	struct io_uring_sqe *sqe = next_sqe(OPERATION_RECV, (unsigned)fd);

	sqe->opcode = IORING_OP_RECV;
	sqe->fd = fd;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->flags = IOSQE_BUFFER_SELECT;
}

/*
 * Sends of one connection could overtake each other if several were in flight; the load
 * keeps one request per connection, so this baseline needs no queue.
 */
static void submit_send(int fd, unsigned buffer, unsigned length)
{
	struct io_uring_sqe *sqe = next_sqe(OPERATION_SEND, buffer);

	sqe->opcode = IORING_OP_SEND;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)(buffers + (size_t)buffer * BUFFER_SIZE);
	sqe->len = length;
	sqe->msg_flags = MSG_WAITALL | MSG_NOSIGNAL;
}

static void provide_buffer(unsigned buffer)
{
	unsigned short tail = provided->tail;
	/* The flexible array member cannot be used portably: headers differ on its union. */
	struct io_uring_buf *entry = (struct io_uring_buf *)provided + (tail & (BUFFERS - 1));

	entry->addr = (uintptr_t)(buffers + (size_t)buffer * BUFFER_SIZE);
	entry->len = BUFFER_SIZE;
	entry->bid = (unsigned short)buffer;
	atomic_store_explicit((_Atomic unsigned short *)&provided->tail,
			      (unsigned short)(tail + 1), memory_order_release);
}

static void buffers_setup(void)
{
	struct io_uring_buf_reg registration = {.ring_entries = BUFFERS, .bgid = 0};

	provided = map(BUFFERS * sizeof(struct io_uring_buf), -1, 0);
	buffers = map((size_t)BUFFERS * BUFFER_SIZE, -1, 0);
	registration.ring_addr = (uintptr_t)provided;
	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &registration, 1) < 0)
		unsupported("io_uring_register");
	for (unsigned i = 0; i < BUFFERS; i++)
		provide_buffer(i);
}

static void on_accept(int result, unsigned flags)
{
	if (result == -EINVAL) {
		errno = EINVAL;
		unsupported("multishot accept");
	}
	if (result >= 0) {
		set_option(result, IPPROTO_TCP, TCP_NODELAY, 1);
		arm_recv(result);
	}
	if (!(flags & IORING_CQE_F_MORE))
		arm_accept();
}

static void on_recv(int fd, int result, unsigned flags)
{
	unsigned buffer = flags >> IORING_CQE_BUFFER_SHIFT;

	if (result > 0)
		submit_send(fd, buffer, (unsigned)result);
	else if (flags & IORING_CQE_F_BUFFER)
		provide_buffer(buffer);
	if (flags & IORING_CQE_F_MORE)
		return;
	if (result > 0 || result == -ENOBUFS)
		arm_recv(fd);
	else
		close(fd);
}

static void on_completion(const struct io_uring_cqe *cqe)
{
	unsigned value = (unsigned)cqe->user_data;

	switch ((enum operation)(cqe->user_data >> 32)) {
	case OPERATION_ACCEPT:
		on_accept(cqe->res, cqe->flags);
		break;
	case OPERATION_RECV:
		on_recv((int)value, cqe->res, cqe->flags);
		break;
	case OPERATION_SEND:
		provide_buffer(value);
		break;
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		die("usage: tcp-echo-uring PORT");
	ring_setup();
	buffers_setup();
	listener = bind_and_announce(SOCK_STREAM, atoi(argv[1]));
	arm_accept();
	for (;;) {
		ring_enter(1);
		ring_reap(on_completion);
	}
}
