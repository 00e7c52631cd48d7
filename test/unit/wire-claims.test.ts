import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CloseClaim, judgeClaim } from '../../src/regress/wire/claims.js';
import type { Segment } from '../../src/regress/wire/segment.js';
import { tcp } from '../support/packets.js';

const OURS = 40_000;
const PEER = 80;
const OTHER = 40_001;

const fin = tcp(OURS, PEER, ['FIN', 'ACK']);
const rst = tcp(OURS, PEER, ['RST', 'ACK']);
const syn = tcp(OURS, PEER, ['SYN']);
const peerRst = tcp(PEER, OURS, ['RST']);
const peerData = tcp(PEER, OURS, ['PSH', 'ACK'], { payloadBytes: 16 });
const peerAck = tcp(PEER, OURS, ['ACK']);

function verdict(sent: 'FIN' | 'RST', segments: readonly Segment[], dropped = 0): string {
  const claim: CloseClaim = { socket: 'A', verb: 'close()', sent, ourPort: OURS, peerPort: PEER };
  return judgeClaim(claim, segments, dropped).verdict;
}

describe('what a close says against the wire', () => {
  const cases: readonly (readonly [string, 'FIN' | 'RST', readonly Segment[], string])[] = [
    ['FIN, and it was there', 'FIN', [syn, fin, peerAck], 'holds'],
    ['RST, and it was there', 'RST', [syn, rst], 'holds'],
    ['RST after a FIN', 'RST', [syn, fin, rst], 'holds'],
    ['FIN, and there was nothing', 'FIN', [syn, peerAck], 'contradicted'],
    ['FIN, and there was a RST', 'FIN', [syn, rst], 'contradicted'],
    ['FIN, and a RST came first', 'FIN', [syn, rst, fin], 'contradicted'],
    ['FIN, and a RST came after it unprovoked', 'FIN', [syn, fin, peerAck, rst], 'contradicted'],
    ['FIN, and a RST answered bytes from before it', 'FIN', [syn, peerData, fin, rst], 'contradicted'],
    ['FIN, and a RST answered bytes that came later', 'FIN', [syn, fin, peerData, rst], 'holds'],
    ['RST, and there was a FIN', 'RST', [syn, fin], 'contradicted'],
    ['RST, and there was nothing', 'RST', [syn], 'contradicted'],
    ["the peer's FIN is not ours", 'FIN', [syn, tcp(PEER, OURS, ['FIN'])], 'contradicted'],
    ["the peer's RST is not ours", 'RST', [syn, peerRst], 'undecided'],
    ["another connection's FIN", 'FIN', [syn, tcp(OTHER, PEER, ['FIN'])], 'contradicted'],
    ["another connection's RST", 'FIN', [syn, fin, tcp(OTHER, PEER, ['RST'])], 'holds'],
    ['the FIN of an earlier connection on the same ports', 'FIN', [syn, fin, syn, peerAck], 'contradicted'],
    ['the RST of an earlier connection on the same ports', 'FIN', [syn, rst, syn, fin], 'holds'],
  ];
  for (const [what, sent, segments, expected] of cases) {
    test(`${sent}: ${what}: ${expected}`, () => assert.equal(verdict(sent, segments), expected));
  }

  test('is undecided where what is missing may have been lost, and contradicted by what is there', () => {
    assert.equal(verdict('FIN', [syn], 1), 'undecided');
    assert.equal(verdict('RST', [syn, fin], 1), 'undecided');
    assert.equal(verdict('FIN', [syn, rst], 1), 'contradicted');
    assert.equal(verdict('FIN', [syn, fin], 1), 'holds');
  });
});
