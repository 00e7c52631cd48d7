import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { POLLIN, poll, pollSync, select, selectSync } from '../../src/select.js';

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

describe('wrong arguments', () => {
  const polls = [
    [undefined, { ...TYPE, message: /entries must be an array/ }],
    [new Set(), { ...TYPE, message: /entries must be an array, and not Set/ }],
    [[null], { ...TYPE, message: /entries\[0\] must be an object, and not null/ }],
    [[{ socket: 0, events: 1 }, 7], { ...TYPE, message: /entries\[1\] must be an object, and not number/ }],
    [[{ socket: '3', events: 1 }], { ...TYPE, message: /entries\[0\]\.socket .* not string/ }],
    [[{ socket: {}, events: 1 }], { ...TYPE, message: /entries\[0\]\.socket .* not Object/ }],
    [[{ socket: 1.5, events: 1 }], { ...RANGE, message: /entries\[0\]\.socket must be a descriptor, and not 1.5/ }],
    [[{ socket: 2 ** 31, events: 1 }], RANGE],
    [[{ socket: Number.NaN, events: 1 }], RANGE],
    [[{ socket: 0 }], { ...TYPE, message: /entries\[0\]\.events must be a number/ }],
    [[{ socket: 0, events: 0x40 }], { ...RANGE, message: /entries\[0\]\.events/ }],
    [[{ socket: 0, events: -1 }], RANGE],
  ] as const;
  polls.forEach(([entries, expected], i) => {
    test(`poll: case ${i} is refused by name`, async () => {
      assert.throws(() => pollSync(entries as never, 0), expected);
      await assert.rejects(poll(entries as never, 0), expected);
    });
  });

  const selects = [
    [[7], { ...TYPE, message: /read must be an array, and not number/ }],
    [[[], 'x'], { ...TYPE, message: /write must be an array, and not string/ }],
    [[[], [], [null]], { ...TYPE, message: /except\[0\] .* not null/ }],
    [[[0, -1]], { ...RANGE, message: /read\[1\] must be a descriptor of 0 or more, and not -1/ }],
    [[[0.5]], RANGE],
    [[[], [1024]], { ...RANGE, message: /write\[0\] is descriptor 1024/ }],
  ] as const;
  selects.forEach(([lists, expected], i) => {
    test(`select: case ${i} is refused by name`, async () => {
      const [read, write, except] = lists as unknown as [never, never, never];
      assert.throws(() => selectSync(read, write, except, 0), expected);
      await assert.rejects(select(read, write, except, 0), expected);
    });
  });

  test('a timeout is a number; NaN is none, and below 0 poll waits for ever and select refuses', async () => {
    const entries = [{ socket: 1, events: POLLIN }];
    assert.throws(() => pollSync(entries, '1' as never), TYPE);
    assert.throws(() => pollSync(entries, Number.NaN), RANGE);
    await assert.rejects(poll(entries, null as never), TYPE);
    assert.throws(() => selectSync([], [], [], Number.NaN), RANGE);
    assert.throws(() => selectSync([], [], [], -1), RANGE);
    await assert.rejects(select([], [], [], -0.1), RANGE);
    await assert.rejects(select([], [], [], '1' as never), TYPE);
    const controller = new AbortController();
    const waiting = poll([{ socket: -1, events: POLLIN }], -1, { signal: controller.signal });
    const early = Symbol('it has not ended');
    const first = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 50, early))]);
    assert.equal(first, early);
    controller.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
  });

  test('options, stack and signal are checked', async () => {
    assert.throws(() => pollSync([], 0, null as never), TYPE);
    assert.throws(() => selectSync([], [], [], 0, { stack: {} as never }), TYPE);
    await assert.rejects(poll([], 0, { signal: {} as never }), TYPE);
  });
});
