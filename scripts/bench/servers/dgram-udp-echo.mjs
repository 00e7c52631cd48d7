// dgram-udp-echo.mjs PORT: the echo server one writes with node:dgram.
import { createSocket } from 'node:dgram';
import { announce, portArgument } from './announce.mjs';

// The same receive buffer as the other servers ask for: the default drops a part of the load.
const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22 });
socket.on('message', (message, from) => socket.send(message, from.port, from.address));
socket.bind(portArgument(), '127.0.0.1', () => announce(socket.address().port));
