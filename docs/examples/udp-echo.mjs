// A UDP echo server that moves up to 256 datagrams with each system call: node docs/examples/udp-echo.mjs PORT
import { UdpSocket } from 'overlapped';

const socket = await UdpSocket.bind({
  host: '127.0.0.1',
  port: Number(process.argv[2] ?? 0),
  // The kernel drops what does not fit while the loop is busy.
  receiveBufferBytes: 1 << 22,
});
console.log(`listening ${socket.port}`);

// A batch is sent as it was received: each datagram goes back to where it came from, and none is copied.
for await (const batch of socket.batches()) await socket.sendBatch(batch);
