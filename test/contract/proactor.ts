import assert from 'node:assert/strict';
import { TcpListener, TcpSocket } from '../../src/index.js';
import type { Operation, OperationOwner } from '../../src/port/operation.js';
import type { Proactor } from '../../src/port/proactor.js';
import { describe, test } from '../support/contract-test.js';
import { settledDescriptors } from '../support/descriptors.js';
import { Random } from '../support/random.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { soon, turn, turns, until } from '../support/waiting.js';

/** The proactor itself: completions, generations, and its own end. */
export function describeProactor(driver: DriverUnderTest): void {
  describe('the proactor', () => {
    const stage = useStage(driver);
    describeCompletions(stage);
    describeDestroy(stage);
  });
}

/** Counts how often each operation ends. */
class CountingOwner implements OperationOwner {
  readonly ends = new Map<Operation, number>();
  readonly #proactor: Proactor;

  constructor(proactor: Proactor) {
    this.#proactor = proactor;
  }

  operationEnded(operation: Operation): void {
    this.ends.set(operation, (this.ends.get(operation) ?? 0) + 1);
  }

  deadlinePassed(operation: Operation): void {
    this.#proactor.cancel(operation, 'timeout');
  }

  start(socket: TcpSocket, buffer: Uint8Array): Operation {
    const operation = this.#proactor.acquire();
    operation.kind = 'recv';
    operation.socket = (socket as unknown as { handle: Operation['socket'] }).handle;
    operation.owner = this;
    operation.buffer = buffer;
    operation.state = 'started';
    if (this.#proactor.driver.start(operation)) this.operationEnded(operation);
    this.#proactor.flushWanted();
    return operation;
  }
}

function describeCompletions(stage: OnStage): void {
  test('a started operation ends exactly once, whether bytes, its deadline or a cancel comes first', async () => {
    const { proactor } = stage();
    const random = new Random(31);
    const { socket, peer } = await stage().connected();
    const buffer = new Uint8Array(4);
    let received = 0;
    let sent = 0;
    for (let i = 0; i < 500; i++) {
      const owner = new CountingOwner(proactor);
      const operation = owner.start(socket, buffer);
      if (random.chance(0.5)) {
        peer.socket.write('x');
        sent++;
      }
      if (random.chance(0.5) && !owner.ends.has(operation)) proactor.arm(operation, 0.2 + random.next());
      if (random.chance(0.3)) await turn();
      if (!owner.ends.has(operation)) proactor.cancel(operation, 'signal');
      await until(() => owner.ends.has(operation), 'the operation to end');
      if (random.chance(0.2)) await turn();
      assert.equal(owner.ends.get(operation), 1);
      if (operation.outcome === 'done') received += operation.bytesTransferred;
      else assert.equal(operation.outcome, 'cancelled');
      proactor.release(operation);
    }
    while (received < sent) received += await soon(socket.recv(new Uint8Array(64)), 'what is left');
    assert.equal(received, sent);
  });

  test('the slot of an ended operation is used again, under a new generation', async () => {
    const { proactor } = stage();
    const first = proactor.acquire();
    const { slot, generation } = first;
    proactor.release(first);
    const second = proactor.acquire();
    assert.equal(second.slot, slot);
    assert.notEqual(second.generation, generation);
    proactor.release(second);
  });

  test('operations that are started from completions go on without end: 1,000 bounces of a ball', async () => {
    const [first, second] = await stage().pair();
    const bounce = async (socket: TcpSocket, rounds: number) => {
      const buffer = new Uint8Array(8);
      for (let i = 0; i < rounds; i++) {
        const length = await socket.recv(buffer, { timeoutMs: 5000 });
        await socket.send(buffer.subarray(0, length), { timeoutMs: 5000 });
      }
    };
    const bouncing = [bounce(first, 500), bounce(second, 500)];
    await first.send(Buffer.from('ball'));
    await soon(Promise.all(bouncing), '1,000 bounces');
    assert.equal(await soon(second.recv(new Uint8Array(8)), 'the ball'), 4);
  });

  test('two proactors in one thread keep to themselves', async () => {
    const other = stage().another();
    const mine = await stage().connected();
    const theirs = await other.connected();
    const receiving = mine.socket.recv(new Uint8Array(8));
    assert.equal(other.proactor.outstanding, 0);
    await theirs.peer.send('theirs');
    assert.equal(await soon(theirs.socket.recv(new Uint8Array(8)), 'a recv'), 6);
    await mine.peer.send('mine');
    assert.equal(await soon(receiving, 'a recv'), 4);
  });
}

function describeDestroy(stage: OnStage): void {
  // compio's drop_with_inflight_ops.
  test('destroy() with operations in flight does no harm, and another proactor goes on', async () => {
    const doomed = stage().looseProactor();
    const server = await stage().server();
    const listener = await TcpListener.listen({ host: '127.0.0.1', proactor: doomed });
    listener.accept().catch(() => undefined);
    const peers = [];
    for (let i = 0; i < 20; i++) {
      const connecting = TcpSocket.connect({ host: '127.0.0.1', port: server.port, proactor: doomed });
      const peer = stage().peer(await server.accept());
      peer.socket.pause();
      peers.push(peer);
      const socket = await connecting;
      socket.recv(new Uint8Array(64), { timeoutMs: 20 + i }).catch(() => undefined);
      socket.send(new Uint8Array(4 << 20), { timeoutMs: 20 + i }).catch(() => undefined);
    }
    await turns(5);
    doomed.destroy();
    assert.ok(doomed.closed);
    doomed.destroy();
    for (const peer of peers) {
      peer.socket.write('too late');
      peer.socket.resume();
    }
    globalThis.gc?.();
    await turns(50);
    const { socket, peer } = await stage().connected();
    await peer.send('alive');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'a recv of another proactor'), 5);
  });

  test('50 proactors one after the other leave no descriptor open', async () => {
    const once = async () => {
      const inner = stage().another();
      const { socket, peer } = await inner.connected();
      await peer.send('x');
      await soon(socket.recv(new Uint8Array(8)), 'a recv');
      await inner.clear();
      await turns(3);
    };
    for (let i = 0; i < 3; i++) await once();
    const before = await settledDescriptors();
    for (let i = 0; i < 50; i++) await once();
    const after = await settledDescriptors();
    assert.ok(after <= before + 2, `${before} descriptors before, ${after} after`);
  });
}
