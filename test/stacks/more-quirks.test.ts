import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openProactor, TcpSocket } from '../../src/index.js';
import {
  CALL_TYPES,
  type NativeValue,
  openStack,
  SimulatedStack,
  type SimulationFlags,
  type StackProfile,
} from '../../src/stack.js';
import { failure } from '../support/failures.js';
import { connectPeer, PeerServer } from '../support/peer.js';
import { turns } from '../support/waiting.js';
import { PLAIN } from './bench.js';
import { LOOPBACK, RawPeers } from './fuzz/raw-peers.js';

// Quirks that show in more than the answer of one call.

function withoutCalls(...names: readonly (keyof StackProfile['symbols'])[]): StackProfile['symbols'] {
  return Object.fromEntries(Object.entries(PLAIN.symbols).filter(([name]) => !names.includes(name as never)));
}

async function onProactor<T>(
  profile: StackProfile,
  flags: SimulationFlags,
  use: (proactor: ReturnType<typeof openProactor>) => Promise<T>,
): Promise<T> {
  const simulation = new SimulatedStack(profile, flags);
  const stack = openStack(profile, simulation);
  const proactor = openProactor({ stack });
  try {
    return await use(proactor);
  } finally {
    proactor.destroy();
    stack.close();
    simulation.destroy();
  }
}

describe('missingApis', () => {
  test('a call that the stack lacks is ENOSYS, with its name', () => {
    const profile = { ...PLAIN, symbols: withoutCalls('recvfrom', 'shutdown', 'setsockopt', 'ioctl') };
    const told: StackProfile = { ...profile, nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: 1 } };
    const simulation = new SimulatedStack(told);
    const { stack } = openStack(told, simulation);
    assert.throws(() => stack.socket('IPv4', 'datagram', true), { code: 'ENOSYS', message: /recvfrom/ });
    const descriptor = stack.socket('IPv4', 'stream', true);
    assert.equal(stack.errors.name(-stack.shutdown(descriptor, 'both')), 'ENOSYS');
    assert.equal(stack.close(descriptor), 0);
  });

  test('a profile that names it all the same is refused when it is opened', () => {
    const simulation = new SimulatedStack({ ...PLAIN, symbols: withoutCalls('recvfrom') });
    assert.throws(() => openStack(PLAIN, simulation), { code: 'ERR_SYMBOL_MISSING', message: /recvfrom/ });
  });
});

describe('noTearDown', () => {
  const setUp = [{ symbol: 'set_up', arguments: [] }] as const;
  const flags = { needsInit: true, noTearDown: true };
  const openTwice = (quirks: StackProfile['quirks'], name: string) => {
    const profile: StackProfile = { ...PLAIN, name, setUp, quirks };
    const simulation = new SimulatedStack(profile, flags);
    for (let i = 0; i < 2; i++) {
      const opened = openStack(profile, simulation);
      const descriptor = opened.stack.socket('IPv4', 'stream', true);
      assert.ok(descriptor >= 0);
      opened.stack.close(descriptor);
      opened.close();
    }
  };

  test('the set-up is made once, and holds for the next who opens the stack', () => {
    openTwice({ needsInit: true, noTearDown: true }, 'for good');
  });

  test('made a second time it fails', () => {
    assert.throws(() => openTwice({ needsInit: true }, 'twice'), { code: 'EBUSY', syscall: 'set_up' });
  });
});

describe('smallFdSetSize', () => {
  const fdSet = { kind: 'bits', bits: 64, wordBytes: 8, offset: 0 } as const;
  const small: StackProfile = {
    ...PLAIN,
    layouts: { ...PLAIN.layouts, fdSet },
    limits: { lowestDescriptor: 62, highestDescriptor: 200 },
  };
  const selectLast = (told: StackProfile): unknown => {
    const simulation = new SimulatedStack(small);
    const { stack, waiter } = openStack(told, simulation);
    const descriptors = [0, 1, 2].map(() => stack.socket('IPv4', 'stream', true));
    try {
      const found = waiter.select({ read: descriptors, write: [], except: [] }, 0);
      return typeof found === 'number' ? stack.errors.name(-found) : found.read.length;
    } finally {
      simulation.destroy();
    }
  };

  test('a descriptor for which a set has no place is a clear error before the call', () => {
    assert.throws(() => selectLast(small), { code: 'ERR_OUT_OF_RANGE', message: /Descriptor 64 / });
  });

  test('the stack itself would only say EINVAL', () => {
    assert.equal(selectLast({ ...small, layouts: PLAIN.layouts }), 'EINVAL');
  });
});

describe('lingerZeroNoRst', () => {
  const abortOn = (quirks: StackProfile['quirks']) =>
    onProactor({ ...PLAIN, quirks }, { lingerZeroNoRst: true }, async (proactor) => {
      const server = await PeerServer.listen({});
      const connecting = TcpSocket.connect({ proactor, host: '127.0.0.1', port: server.port });
      const peer = await server.accept();
      const { sent } = await (await connecting).abort();
      const saw = await peer.confirmedEnding();
      await peer.close();
      await server.close();
      return `says ${sent}, sends ${saw}`;
    });

  test('an abort says what the peer sees', async () => {
    assert.equal(await abortOn({ lingerZeroNoRst: true }), 'says FIN, sends FIN');
  });

  test('shows, where nobody knows of it', async () => {
    assert.equal(await abortOn({}), 'says RST, sends FIN');
  });

  test('an abort that cuts a send short is a RST, and says so', () =>
    onProactor({ ...PLAIN, quirks: { lingerZeroNoRst: true } }, { lingerZeroNoRst: true }, async (proactor) => {
      const server = await PeerServer.listen({}, true);
      const connecting = TcpSocket.connect({ proactor, host: '127.0.0.1', port: server.port });
      const peer = await server.accept();
      const socket = await connecting;
      const sending = failure(socket.send(new Uint8Array(16 * 2 ** 20)));
      await turns();
      const { sent } = await socket.abort();
      const { code } = (await sending) as NodeJS.ErrnoException;
      peer.resume();
      const saw = await peer.confirmedEnding();
      await peer.close();
      await server.close();
      assert.deepEqual([sent, saw, code], ['RST', 'RST', 'ECANCELED']);
    }));
});

// Nothing has to be made up for in the stack: the driver takes a refusal whenever it comes.
test('connectRefusedAtOnce: a connect that is refused at once rejects with ECONNREFUSED', async () => {
  const peers = new RawPeers();
  const quirks = { connectRefusedAtOnce: true };
  await onProactor({ ...PLAIN, quirks }, quirks, async (proactor) => {
    const connecting = TcpSocket.connect({ proactor, host: '127.0.0.1', port: peers.refusingPort });
    assert.equal(((await failure(connecting)) as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  });
  peers.destroy();
});

// The count of a select is used for nothing but to find out about descriptors that were not counted at all.
test('selectCountsDescriptors: a socket that is ready both ways counts once, and the lists name it twice', async () => {
  const quirks = { selectCountsDescriptors: true };
  const simulation = new SimulatedStack(PLAIN, quirks);
  const { stack, waiter } = openStack({ ...PLAIN, quirks }, simulation);
  const peers = new RawPeers();
  const descriptor = stack.socket('IPv4', 'stream', true);
  stack.connect(descriptor, { ...LOOPBACK, port: peers.port });
  const peer = peers.accept();
  peers.send(peer, new Uint8Array(1));
  const select = simulation.find('select', CALL_TYPES.select);
  const set = () => new Uint8Array(new BigUint64Array(16).fill(0n, 1).fill(1n << BigInt(descriptor), 0, 1).buffer);
  const values: NativeValue[] = [descriptor + 1, set(), set(), null, new Uint8Array(16)];
  assert.equal(select?.(...values), 1);
  const lists = { read: [descriptor], write: [descriptor], except: [] };
  assert.deepEqual(waiter.select(lists, 0), lists);
  peers.reset(peer);
  peers.destroy();
  simulation.destroy();
});

test('descriptors that are no small integers: sockets work, and so does a proactor on them', async () => {
  const layouts = {
    ...PLAIN.layouts,
    fdSet: { kind: 'array', capacity: 2, count: [0, 4], firstAt: 8, entryBytes: 8 },
  } as const;
  const profile: StackProfile = {
    ...PLAIN,
    layouts,
    waits: ['select'],
    symbols: withoutCalls('poll'),
    limits: { lowestDescriptor: 0, highestDescriptor: 2 ** 53 - 1 },
  };
  await onProactor(profile, { scatteredDescriptors: true }, async (proactor) => {
    const { TcpListener } = await import('../../src/index.js');
    const listener = await TcpListener.listen({ proactor, host: '127.0.0.1' });
    const accepting = listener.accept();
    const peer = await connectPeer({ port: listener.port });
    const socket = await accepting;
    const receiving = socket.recv(new Uint8Array(8));
    await peer.send('twelve');
    assert.equal(await receiving, 6);
    assert.ok(socket.descriptor > 400);
    await socket.abort();
    await listener.close();
    await peer.close();
  });
});
