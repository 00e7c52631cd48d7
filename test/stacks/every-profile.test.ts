import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedStack } from '../../src/bsd/simulation/simulated-stack.js';
import { openProactor, type Proactor, TcpListener, TcpSocket, UdpSocket } from '../../src/index.js';
import { openStack, PROFILES, type StackProfile } from '../../src/stack.js';
import { streamBytes } from '../support/random.js';
import { soon } from '../support/waiting.js';

const BYTES = 300_000;
const HOST = '127.0.0.1';

// Each profile that is included, on a stack that is as the profile says, and misbehaves as its quirks say: what was
// written down of it fits together, and the library can live on it.
describe('on the simulation of its stack, each profile', { skip: process.platform !== 'linux' }, () => {
  for (const [name, profile] of variants()) {
    const trial = async (run: (proactor: Proactor) => Promise<void>) => {
      const library = new SimulatedStack(profile);
      const stack = openStack(profile, library);
      const proactor = openProactor({ stack });
      try {
        await run(proactor);
        proactor.destroy();
        assert.equal(library.openDescriptors, 0, 'sockets were left open');
      } finally {
        proactor.destroy();
        stack.close();
        library.destroy();
      }
    };
    test(`${name}: bytes go there and back, and the end is an end`, () => trial(echo));
    test(`${name}: a connect that is refused says so`, () => trial(refused));
    test(`${name}: a reset is told once, and a timeout takes nothing`, () =>
      trial((proactor) => reset(profile, proactor)));
    test(`${name}: datagrams know where they come from`, () => trial(datagrams));
  }
});

/** The profiles, and those with a kqueue a second time with nothing else to wait with. */
function variants(): (readonly [name: string, profile: StackProfile])[] {
  const all = Object.entries(PROFILES);
  const withKqueue = all.filter(([, { waits }]) => waits.includes('kqueue'));
  assert.notEqual(withKqueue.length, 0);
  return [
    ...all,
    ...withKqueue.map(([name, profile]) => {
      const { poll: _, select: __, ...symbols } = profile.symbols;
      return [`${name}, kqueue alone`, { ...profile, symbols, waits: ['kqueue'] }] as const;
    }),
  ];
}

async function pair(proactor: Proactor): Promise<[TcpSocket, TcpSocket]> {
  const listener = await TcpListener.listen({ host: HOST, port: 0, proactor });
  const accepting = listener.accept();
  const client = await soon(TcpSocket.connect({ host: HOST, port: listener.port, proactor }), 'a connect');
  const server = await soon(accepting, 'an accept');
  await listener.close();
  return [client, server];
}

async function echo(proactor: Proactor): Promise<void> {
  const [client, server] = await pair(proactor);
  const echoing = (async () => {
    const buffer = new Uint8Array(16_384);
    for (let n = await server.recv(buffer); n > 0; n = await server.recv(buffer))
      await server.send(buffer.subarray(0, n));
    await server.close();
  })();
  const sent = streamBytes(3, 0, BYTES);
  const sending = client.send(sent).then(() => client.shutdown());
  const received = Buffer.alloc(BYTES);
  let at = 0;
  while (at < BYTES) at += await soon(client.recv(received.subarray(at)), 'bytes');
  assert.ok(received.equals(sent));
  assert.equal(await soon(client.recv(new Uint8Array(1)), 'the end'), 0);
  await Promise.all([sending, echoing]);
  await client.close();
}

async function refused(proactor: Proactor): Promise<void> {
  const listener = await TcpListener.listen({ host: HOST, port: 0, proactor });
  const { port } = listener;
  await listener.close();
  const connecting = TcpSocket.connect({ host: HOST, port, proactor });
  await assert.rejects(soon(connecting, 'a connect'), { code: 'ECONNREFUSED' });
}

async function reset(profile: StackProfile, proactor: Proactor): Promise<void> {
  const [client, server] = await pair(proactor);
  await assert.rejects(client.recv(new Uint8Array(8), { timeoutMs: 20 }), { code: 'ETIMEDOUT' });
  await server.send(Buffer.from('before'));
  const buffer = Buffer.alloc(6);
  assert.equal(await soon(client.recv(buffer), 'bytes'), 6);
  assert.equal(buffer.toString(), 'before');
  const receiving = soon(client.recv(buffer), 'the end');
  const { sent } = await server.abort();
  if (profile.quirks.lingerZeroNoRst) {
    assert.deepEqual([sent, await receiving], ['FIN', 0]);
  } else {
    assert.equal(sent, 'RST');
    await assert.rejects(receiving, { code: 'ECONNRESET' });
  }
  await client.close();
}

async function datagrams(proactor: Proactor): Promise<void> {
  const one = await UdpSocket.bind({ host: HOST, port: 0, proactor });
  const other = await UdpSocket.bind({ host: HOST, port: 0, proactor });
  await one.sendTo(Buffer.from('hello'), { host: HOST, port: other.port });
  const { data, address } = await soon(other.recvFrom(), 'a datagram');
  assert.equal(Buffer.from(data).toString(), 'hello');
  assert.deepEqual({ ...address }, { family: 'IPv4', address: HOST, port: one.port });
  await Promise.all([one.close(), other.close()]);
}
