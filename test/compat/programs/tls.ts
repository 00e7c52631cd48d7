import net from 'node:net';
import tls from 'node:tls';
import { portOf, say, sayCarrier } from './report.js';

/** TLS over sockets that exist already, on both ends. A shared key: there is no certificate to keep. */
const key = Buffer.from('a key for tests, and for nothing else');
const psk: tls.TlsOptions & tls.ConnectionOptions = { ciphers: 'PSK+HIGH:@SECLEVEL=0', maxVersion: 'TLSv1.2' };

const secure = tls.createServer({ ...psk, pskCallback: () => key, pskIdentityHint: 'hint' }, (socket) => {
  socket.pipe(socket);
});
secure.on('tlsClientError', (error) => say('tlsClientError', error.message));

const plain = net.createServer((socket) => {
  sayCarrier(socket);
  secure.emit('connection', socket);
});

plain.listen(0, '127.0.0.1', () => {
  sayCarrier(plain);
  const below = net.connect(portOf(plain), '127.0.0.1', () => {
    const pskCallback = () => ({ psk: key, identity: 'tester' });
    const client = tls.connect({ ...psk, socket: below, pskCallback, checkServerIdentity: () => undefined });
    let received = 0;
    client.on('secureConnect', () => {
      say('secure', client.encrypted, client.getProtocol());
      client.end(Buffer.alloc(300_000, 5));
    });
    client.on('data', (chunk: Buffer) => {
      received += chunk.every((byte) => byte === 5) ? chunk.length : 0;
    });
    client.on('error', (error) => say('error', error.message));
    client.on('close', () => {
      say('closed', received);
      plain.close();
    });
  });
});
