import net, { type Socket } from '../../../src/net/index.js';
import { portOf, say } from './report.js';

/** A server that soon has no descriptor left, and gets some back when its clients are sent away. */
const WANTED = 100;
let accepted = 0;
const held: Socket[] = [];
const server = net.createServer((socket) => {
  accepted++;
  held.push(socket.on('error', () => undefined));
  if (accepted === WANTED) {
    say('accepted', accepted);
    process.exit();
  }
});
server.on('error', (error: NodeJS.ErrnoException) => say('error', error.code));
setInterval(() => {
  for (const socket of held.splice(0)) socket.destroy();
}, 50);
server.listen(0, '127.0.0.1', () => say('port', portOf(server)));
