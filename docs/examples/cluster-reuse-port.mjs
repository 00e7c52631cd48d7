// Several processes on one port without handing sockets from one to the other: each worker listens for itself with
// reusePort, and the kernel spreads the connections (SO_REUSEPORT, Linux).
//
//   node docs/examples/cluster-reuse-port.mjs [workers]
import cluster from 'node:cluster';
import net from 'overlapped/net';

const PORT = 4002;

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.argv[2] ?? 2); i++) cluster.fork();
} else {
  const server = net.createServer((socket) => socket.end(`hello from ${process.pid}\n`));
  // `exclusive`: this worker's own socket, and not one of the primary's.
  server.listen({ port: PORT, host: '127.0.0.1', exclusive: true, reusePort: true }, () => {
    console.log(`${process.pid} listens on port ${PORT}`);
  });
}
