import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  WAITER_DELIVERED,
  WAITER_LEAVING,
  WAITER_PARKED,
  WAITER_STATE,
  WAITER_WATCHING,
  type WaiterSteps,
  waiterSteps,
} from '../../src/drivers/iocp/waiter-protocol.js';
import { explore, type ModelOptions, noWake, Violation } from '../support/waiter-model.js';

const SMALL: Omit<ModelOptions, 'steps'> = {
  requests: 3,
  owners: 1,
  capacity: 2,
  settles: 1,
  timeouts: false,
  ends: false,
};
const ENDING = { ...SMALL, requests: 2, owners: 2, ends: true };

// All interleavings of the steps of both threads. No thread and no port: it runs on every platform.
describe('the thread that waits on a completion port', () => {
  const cases: readonly [sentence: string, options: Omit<ModelOptions, 'steps'>][] = [
    ['every completion is heard of, and no buffer is written to while it is read', SMALL],
    ['so it is with buffers for one completion', { ...SMALL, capacity: 1, requests: 4 }],
    ['so it is where waits end by themselves', { ...SMALL, timeouts: true }],
    ['an owner may end at any time: the thread leaves, once, and serves the next', ENDING],
    ['so it is where waits end by themselves, with an end', { ...ENDING, timeouts: true }],
  ];
  for (const [sentence, options] of cases) {
    test(sentence, () => {
      const { states, ends } = explore({ ...options, steps: waiterSteps });
      assert.ok(states > 1000, `${states} states`);
      assert.ok(ends > 0);
    });
  }

  const broken: readonly [sentence: string, options: Omit<ModelOptions, 'steps'>, steps: Partial<WaiterSteps>][] = [
    ['a watch that wakes nobody', SMALL, { wake: noWake }],
    [
      'a watch that is sure that the thread sleeps',
      SMALL,
      {
        send: (words) => {
          Atomics.store(words, WAITER_STATE, WAITER_WATCHING);
          return true;
        },
      },
    ],
    ['a watch that forgets to say so', SMALL, { send: () => false }],
    [
      'a thread that watches on when it has delivered',
      SMALL,
      { deliver: (words) => Atomics.load(words, WAITER_STATE) === WAITER_WATCHING },
    ],
    [
      'a delivery that does not see that the thread was called off',
      ENDING,
      {
        deliver: (words) => {
          Atomics.store(words, WAITER_STATE, WAITER_DELIVERED);
          return true;
        },
      },
    ],
    ['a delivery that nobody is told of', SMALL, { deliver: silentDelivery }],
    ['completions that are not marked as taken', SMALL, { take: () => undefined }],
    [
      'an end that leaves the thread in the kernel',
      ENDING,
      {
        callOff: (words) => {
          Atomics.exchange(words, WAITER_STATE, WAITER_LEAVING);
          return false;
        },
      },
    ],
    [
      'an end that is not put down',
      ENDING,
      { callOff: (words) => Atomics.load(words, WAITER_STATE) === WAITER_WATCHING },
    ],
    [
      'a thread that parks when it has left',
      ENDING,
      {
        leave: (words) => {
          Atomics.store(words, WAITER_STATE, WAITER_PARKED);
        },
      },
    ],
  ];
  for (const [sentence, options, steps] of broken) {
    test(`the model would find ${sentence}`, () => {
      assert.throws(() => explore({ ...options, steps: { ...waiterSteps, ...steps } }), Violation);
    });
  }
});

function silentDelivery(words: Int32Array): boolean {
  waiterSteps.deliver(words);
  return false;
}
