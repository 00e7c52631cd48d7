import { connect } from 'node:net';
import { TcpListener, TcpSocket } from '../../../src/index.js';

// Ends, or does not, with operations pending: the mode says how.

async function main(): Promise<void> {
  const mode = process.argv[2];
  const listener = await TcpListener.listen({ host: '127.0.0.1' });
  const accepting = listener.accept();
  const peer = connect({ port: listener.port, host: '127.0.0.1' });
  peer.on('error', () => undefined).unref();
  const socket = await accepting;
  const ignore = () => undefined;
  const pend = () => {
    socket.recv(new Uint8Array(64), { timeoutMs: 600_000 }).catch(ignore);
    socket.recv(new Uint8Array(64)).catch(ignore);
    socket.send(new Uint8Array(32 << 20)).catch(ignore);
    listener.accept({ timeoutMs: 600_000 }).catch(ignore);
  };
  console.log('started');
  switch (mode) {
    case 'exit':
      pend();
      process.exit(0);
      break;
    case 'exit-later':
      pend();
      setTimeout(() => process.exit(0), 20);
      break;
    case 'exit-in-completion':
      peer.write('now');
      await socket.recv(new Uint8Array(8));
      pend();
      process.exit(0);
      break;
    case 'unref':
      socket.unref();
      listener.unref();
      pend();
      break;
    case 'unref-after':
      pend();
      setTimeout(() => {
        socket.unref();
        listener.unref();
      }, 20);
      break;
    case 'nothing-pending':
      // Open sockets alone do not keep a process: only what is pending does.
      break;
    case 'closed':
      pend();
      await socket.abort();
      await listener.close();
      break;
    case 'timed-out':
      // A pending operation keeps the process until its timeout, although nothing else does.
      await socket.recv(new Uint8Array(8), { timeoutMs: 100 }).catch((error) => console.log(`failed ${error.code}`));
      break;
    case 'ref-again':
      socket.unref();
      socket.ref();
      await socket.recv(new Uint8Array(8), { timeoutMs: 50 }).catch((error) => console.log(`failed ${error.code}`));
      break;
    case 'throw':
      pend();
      peer.write('now');
      TcpSocket.connect({ host: '127.0.0.1', port: listener.port }).then(() => {
        throw new Error('thrown by the user');
      });
      break;
    case 'destroy':
      pend();
      setImmediate(() => {
        throw Object.assign(new Error('last words'), { code: 'LAST' });
      });
      process.on('uncaughtException', () => process.exit(0));
      break;
  }
}

main();
