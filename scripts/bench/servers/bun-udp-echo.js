// bun-udp-echo.js PORT: the echo server one writes with Bun.udpSocket.
const server = await Bun.udpSocket({
  hostname: '127.0.0.1',
  port: Number(Bun.argv[2] ?? 0),
  socket: {
    data(socket, message, port, address) {
      socket.send(message, port, address);
    },
  },
});
console.log(`listening ${server.port}`);
