// bun-tcp-echo.js PORT: the echo server one writes with Bun.listen.
const server = Bun.listen({
  hostname: '127.0.0.1',
  port: Number(Bun.argv[2] ?? 0),
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      socket.timeout(30);
    },
    data(socket, chunk) {
      socket.write(chunk);
    },
    timeout(socket) {
      socket.end();
    },
    error() {},
  },
});
console.log(`listening ${server.port}`);
