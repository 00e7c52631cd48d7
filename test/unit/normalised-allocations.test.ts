import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINUX, openStack } from '../../src/stack.js';

// Few enough that nothing is collected in the midst of them.
const CALLS = 3000;
// The compiler takes its time on a busy machine, and code not yet compiled allocates. What allocates when it is
// compiled never has a round without.
const MOST_ROUNDS = 100;
/** Far below one object or one number that does not fit a small integer. */
const MOST_BYTES_PER_CALL = 4;

test('a send, a receive and a receive of nothing allocate nothing', { skip: process.platform !== 'linux' }, () => {
  const { gc } = globalThis as { gc?: () => void };
  assert.ok(gc, 'this needs --expose-gc');
  const open = openStack(LINUX);
  const { stack } = open;
  const socket = stack.socket('IPv4', 'datagram', true);
  assert.equal(stack.bind(socket, { family: 'IPv4', address: '127.0.0.1', port: 0 }), 0);
  const address = stack.localAddress(socket);
  assert.ok(address);
  assert.equal(stack.connect(socket, address), 0);
  const bytes = new Uint8Array(64);
  const round = () => {
    for (let i = 0; i < CALLS; i++) {
      if (stack.send(socket, bytes, 64) !== 64 || stack.recv(socket, bytes, 64) !== 64) return false;
      if (stack.recv(socket, bytes, 64) !== -stack.again) return false;
    }
    return true;
  };
  assert.ok(round());
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < MOST_ROUNDS && least >= MOST_BYTES_PER_CALL; i++) {
    gc();
    const before = process.memoryUsage().heapUsed;
    assert.ok(round());
    least = Math.min(least, Math.max(0, process.memoryUsage().heapUsed - before) / (3 * CALLS));
  }
  stack.close(socket);
  open.close();
  assert.ok(least < MOST_BYTES_PER_CALL, `${least} bytes a call`);
});
