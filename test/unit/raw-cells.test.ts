import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CellResult } from '../../src/regress/raw/cell.js';
import { characterise } from '../../src/regress/raw/characterise.js';
import type { Cell } from '../../src/regress/raw/matrix.js';
import { endedText, seenText, withCounts } from '../../src/regress/raw/words.js';
import { FakePlatform, type FakeRun } from '../support/fake-bare.js';

const cell = (pending: Cell['pending'], close: Cell['close'], unread: Cell['unread'] = 'empty'): Cell => ({
  pending,
  close,
  unread,
});

async function measure(platform: FakePlatform, one: Cell, repeat = 1): Promise<CellResult> {
  const [result] = await characterise({ platform, cells: [one], repeat, wire: null, onCell: () => undefined });
  assert.ok(result);
  return result;
}

async function seen(run: FakeRun): Promise<string> {
  return withCounts(await measure(new FakePlatform([run]), cell('none', 'close')), seenText);
}

describe('a cell', () => {
  test('says what the peer saw, in the words of TCP', async () => {
    assert.equal(await seen({ reads: [0] }), 'FIN');
    assert.equal(await seen({ reads: [100, 50, 0] }), 'FIN');
    assert.equal(await seen({ reads: ['ECONNRESET'] }), 'RST');
    assert.equal(await seen({ reads: ['WSAECONNRESET'] }), 'RST');
    assert.equal(await seen({ reads: ['ETIMEDOUT'] }), 'ETIMEDOUT');
    assert.equal(await seen({ reads: [null] }), 'nothing');
    assert.equal(await seen({ reads: [0], lastSend: 'EPIPE' }), 'FIN, then RST');
  });

  test('is closed step by step, and reaped where it says so', async () => {
    const platform = new FakePlatform([{ reads: [0] }]);
    await measure(platform, cell('recv-n', 'shutdown-cancel-reap-close'));
    const steps = ['shutdown', 'cancel', 'reap', 'close'];
    assert.deepEqual(platform.log.slice(0, 5), ['post recv-n', ...steps]);
    assert.equal(platform.log.at(-1), 'destroy');
  });

  test('says when the request ended: by the cancel, at the close, or never', async () => {
    const ended = async (close: Cell['close'], endsAtClose: boolean) => {
      const result = await measure(new FakePlatform([{ reads: [0], endsAtClose }]), cell('recv-n', close));
      return result.outcomes[0]?.operations[0]?.ended;
    };
    assert.equal(await ended('cancel-reap-close', false), 'cancel');
    assert.equal(await ended('cancel-close', false), 'close');
    assert.equal(await ended('close', true), 'close');
    assert.equal(await ended('close', false), 'never');
  });

  test('of unread bytes has them before the close, and of late ones after the cancel', async () => {
    const early = new FakePlatform([{ reads: [0] }]);
    early.way = { applicable: true, unread: 'low-water', note: '' };
    await measure(early, cell('recv-n', 'cancel-reap-close', 'unread'));
    assert.deepEqual(early.log.slice(0, 6), [
      'low water 65',
      'post recv-n',
      'peer sends 64',
      'cancel',
      'reap',
      'close',
    ]);
    const late = new FakePlatform([{ reads: [0] }]);
    late.way = { applicable: true, unread: 'after-cancel', note: '' };
    await measure(late, cell('recv-n', 'cancel-reap-close', 'unread'));
    assert.deepEqual(late.log.slice(0, 5), ['post recv-n', 'cancel', 'reap', 'peer sends 64', 'close']);
  });

  test('is not closed at all where its state was not reached, and says why', async () => {
    const platform = new FakePlatform([{ reads: [0], problem: 'it has completed already' }]);
    const result = await measure(platform, cell('recv-n', 'close'), 2);
    assert.equal(result.status, 'not-reached');
    assert.match(result.note, /6 of 6 attempts.*it has completed already/);
    assert.ok(!platform.log.includes('close'));
  });

  test('with bytes unread that should not be there is not measured', async () => {
    const result = await measure(new FakePlatform([{ reads: [0], unread: 3 }]), cell('none', 'close'));
    assert.equal(result.status, 'not-reached');
    assert.match(result.note, /3 bytes are unread instead of 0/);
  });

  test('that is missed once is tried again, and says so', async () => {
    const platform = new FakePlatform([{ reads: [0], problem: 'too late' }, { reads: [0] }]);
    const result = await measure(platform, cell('recv-n', 'close'), 2);
    assert.equal(result.status, 'measured');
    assert.equal(result.outcomes[0]?.times, 2);
    assert.match(result.note, /1 of 3 attempts.*too late/);
  });

  test('that cannot exist is not run', async () => {
    const platform = new FakePlatform([{ reads: [0] }]);
    platform.way = { applicable: false, note: 'the bytes would complete it' };
    const result = await measure(platform, cell('recv-n', 'close', 'unread'));
    assert.deepEqual(result, {
      ...cell('recv-n', 'close', 'unread'),
      status: 'not-applicable',
      note: 'the bytes would complete it',
      outcomes: [],
    });
    assert.equal(platform.opened, 0);
  });

  test('shows what depends on timing: RST 3 of 5', async () => {
    const reset: FakeRun = { reads: ['ECONNRESET'] };
    const platform = new FakePlatform([reset, { reads: [0] }, reset, { reads: [0] }, reset]);
    const result = await measure(platform, cell('none', 'close'), 5);
    assert.equal(withCounts(result, seenText), 'RST 3 of 5; FIN 2 of 5');
  });

  test('keeps a connection that just stopped apart from one that ended', async () => {
    const result = await measure(new FakePlatform([{ reads: [null] }, { reads: [0] }]), cell('none', 'close'), 2);
    assert.equal(withCounts(result, seenText), 'nothing 1 of 2; FIN 1 of 2');
  });

  test('that differs in nothing but time and bytes is one outcome, with ranges', async () => {
    const platform = new FakePlatform([{ reads: [10, 0] }, { reads: [30, 0] }]);
    const { outcomes } = await measure(platform, cell('none', 'close'), 2);
    assert.equal(outcomes.length, 1);
    assert.deepEqual(outcomes[0]?.peer.bytes, [10, 30]);
  });

  test('says of a request that did not end what its platform says of that', async () => {
    const result = await measure(new FakePlatform([{ reads: [null] }]), cell('recv-n', 'close'));
    assert.equal(
      withCounts(result, (outcome) => endedText(outcome, 'does not return')),
      'does not return',
    );
  });
});
