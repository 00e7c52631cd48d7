import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeCount, wireMarks, wireNotes } from '../../src/regress/html/wire-marks.js';
import { WireScope } from '../../src/regress/wire/scope.js';
import type { Segment } from '../../src/regress/wire/segment.js';
import { type WireView, wireView } from '../../src/regress/wire/view.js';
import { tcp } from '../support/packets.js';

const OURS = 40_000;
const PEER = 80;

function viewOf(segments: readonly Segment[], dropped = 0): WireView {
  const scope = new WireScope();
  scope.own(PEER, 'peer');
  scope.name('A', OURS, PEER);
  return wireView({ segments, frames: [], dropped }, scope, 0, 0);
}

const ours = (more: Partial<Segment>, flags: Segment['flags'] = ['ACK']) => tcp(OURS, PEER, flags, more);
const peers = (more: Partial<Segment>, flags: Segment['flags'] = ['ACK']) => tcp(PEER, OURS, flags, more);

/** A connection that begins at the end of the sequence space, so that it wraps. */
const START = 2 ** 32 - 1;
const OPENING = [ours({ sequence: START }, ['SYN']), peers({ sequence: 7000 }, ['SYN', 'ACK']), ours({ sequence: 0 })];

const labels = (view: WireView) => wireMarks(view, () => '').map(({ text, from }) => `${from}: ${text}`);

describe('what was on the wire', () => {
  test('is counted for each direction', () => {
    const view = viewOf([
      ...OPENING,
      ours({ payloadBytes: 10 }),
      peers({ sequence: 7001, payloadBytes: 3 }),
      ours({ sequence: 10 }, ['FIN', 'ACK']),
      peers({ sequence: 7004 }, ['RST', 'ACK']),
    ]);
    assert.deepEqual(view.ours, { segments: 4, payloadBytes: 10, fin: 1, rst: 0 });
    assert.deepEqual(view.peer, { segments: 3, payloadBytes: 3, fin: 0, rst: 1 });
    assert.equal(view.bareAcks, 1);
    assert.equal(describeCount(view.ours), 'FIN, 4 segments, 10 B');
  });

  test('has numbers that begin at the SYN, across the end of the sequence space', () => {
    const view = viewOf([
      ...OPENING,
      ours({ sequence: 0, payloadBytes: 16 }),
      peers({ sequence: 7001, payloadBytes: 5 }),
      ours({ sequence: 16 }, ['FIN', 'ACK']),
    ]);
    assert.deepEqual(labels(view), [
      'ours: SYN',
      'peer: SYN, ACK',
      'ours: 16 B, seq 1',
      'peer: 5 B, seq 1',
      'ours: FIN, seq 17',
    ]);
  });

  test('takes a stream in one direction together, and shows what was sent again', () => {
    const stream = [0, 100, 200, 100, 300].map((sequence) => ours({ sequence, payloadBytes: 100 }));
    const view = viewOf([...OPENING, ...stream, ours({ sequence: 400 }, ['FIN', 'ACK'])]);
    assert.deepEqual(labels(view).slice(2), ['ours: 5 segments, 500 B, 1 again', 'ours: FIN, seq 401']);
  });

  test('marks a single retransmission, of a SYN too', () => {
    const view = viewOf([
      ours({ sequence: 5 }, ['SYN']),
      ours({ sequence: 5 }, ['SYN']),
      peers({ sequence: 9 }, ['SYN', 'ACK']),
      ours({ sequence: 6, payloadBytes: 8 }),
      peers({ sequence: 10, payloadBytes: 1 }),
      ours({ sequence: 6, payloadBytes: 8 }),
    ]);
    const marks = wireMarks(view, () => '');
    assert.equal(marks[1]?.text, 'SYN again');
    assert.equal(marks.at(-1)?.text, '8 B, seq 1 again');
    assert.equal(marks.at(-1)?.tone, 'warn');
    assert.equal(marks[3]?.tone, 'data');
  });

  test('keeps the order of what both ends send', () => {
    const view = viewOf([
      ...OPENING,
      ours({ sequence: 0, payloadBytes: 1 }),
      peers({ sequence: 7001, payloadBytes: 2 }),
      ours({ sequence: 1, payloadBytes: 3 }),
    ]);
    assert.deepEqual(labels(view).slice(2), ['ours: 1 B, seq 1', 'peer: 2 B, seq 1', 'ours: 3 B, seq 2']);
  });

  test('a RST that answers bytes after our FIN is not drawn as the end of the connection', () => {
    const view = viewOf([
      ...OPENING,
      ours({ sequence: 0 }, ['FIN', 'ACK']),
      peers({ sequence: 7001, payloadBytes: 16 }),
      ours({ sequence: 1 }, ['RST']),
    ]);
    const last = wireMarks(view, () => '').at(-1);
    assert.deepEqual([last?.text, last?.tone], ['RST to late bytes', 'plain']);
  });

  test("leaves out other programs' connections", () => {
    const view = viewOf([...OPENING, tcp(5000, 5001, ['SYN']), tcp(5001, 5000, ['RST'])]);
    assert.equal(view.ours.segments + view.peer.segments, 3);
  });

  test('never leaves out that packets were lost, and says how much it leaves out otherwise', () => {
    const many = Array.from({ length: 400 }, (_, i) =>
      i % 2 === 0 ? ours({ sequence: i, payloadBytes: 1 }) : peers({ sequence: 7001 + i, payloadBytes: 1 }),
    );
    const view = viewOf([...OPENING, ...many, ours({ sequence: 900 }, ['FIN', 'ACK'])], 3);
    assert.equal(view.entries.length + view.leftOut + view.bareAcks, 404);
    assert.deepEqual(view.entries.at(-1)?.flags, ['FIN', 'ACK'], 'the end is kept');
    assert.match(wireNotes(view), /^1 bare acknowledgement not drawn, \d+ further segments not drawn, 3 LOST/);
  });
});
