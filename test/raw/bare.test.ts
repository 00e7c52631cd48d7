import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BareName } from '../../src/regress/raw/bare-platform.js';
import type { CellResult } from '../../src/regress/raw/cell.js';
import { characterise } from '../../src/regress/raw/characterise.js';
import type { Cell, CloseWay, Pending, Unread } from '../../src/regress/raw/matrix.js';
import { bareNames, needsRemotePeer, type OpenedPlatform, openPlatform } from '../../src/regress/raw/platforms.js';
import { endedText, peerText, wireText, withCounts } from '../../src/regress/raw/words.js';

/** What is known of a cell from elsewhere: what the peer must see, how the request must end, and who says so. */
type Fact = readonly [pending: Pending, close: CloseWay, unread: Unread, seen: string, ended: string, source: string];

const RFC_9293 = 'RFC 9293, 3.6: a close sends FIN';
const RFC_2525 = 'RFC 2525, 2.17: unread bytes make the close a RST';
const SOCKET_7 = 'socket(7), SO_LINGER: with a timeout of zero the close resets';
const LIBURING_932 = 'liburing issue 932: the request holds the file, and nothing is sent';
const CLOSE_2 = 'close(2): a blocking call in another thread holds the file';
const EPOLL_7 = 'epoll(7): a close forgets the registration';

const FACTS: Readonly<Record<'io_uring' | 'epoll' | 'iocp', readonly Fact[]>> = {
  io_uring: [
    ['none', 'close', 'empty', 'FIN', '', RFC_9293],
    ['none', 'op-close', 'empty', 'FIN', '', RFC_9293],
    ['none', 'linger-close', 'empty', 'RST', '', SOCKET_7],
    ['none', 'close', 'unread', 'RST', '', RFC_2525],
    ['recv-n', 'close', 'empty', 'nothing', 'stays pending', LIBURING_932],
    ['recv-0', 'close', 'empty', 'nothing', 'stays pending', LIBURING_932],
    ['recv-n', 'op-close', 'empty', 'nothing', 'stays pending', LIBURING_932],
    ['recv-n', 'close', 'unread', 'nothing', 'stays pending', LIBURING_932],
    ['recv-n', 'cancel-reap-close', 'empty', 'FIN', 'ECANCELED', LIBURING_932],
    ['recv-n', 'cancel-reap-close', 'unread', 'RST', 'ECANCELED', RFC_2525],
    ['recv-n', 'shutdown-close', 'empty', 'FIN', 'stays pending', LIBURING_932],
    ['send', 'cancel-reap-close', 'empty', 'FIN', 'ECANCELED', LIBURING_932],
  ],
  epoll: [
    ['none', 'close', 'empty', 'FIN', '', RFC_9293],
    ['none', 'linger-close', 'empty', 'RST', '', SOCKET_7],
    ['none', 'close', 'unread', 'RST', '', RFC_2525],
    ['recv-0', 'close', 'empty', 'FIN', 'no event', EPOLL_7],
    ['recv-0', 'close', 'unread', 'RST', 'no event', RFC_2525],
    ['recv-n', 'close', 'empty', 'nothing', 'does not return', CLOSE_2],
    ['recv-n', 'close', 'unread', 'nothing', 'does not return', CLOSE_2],
    ['recv-n', 'cancel-reap-close', 'empty', 'FIN', 'ends with 0 bytes', CLOSE_2],
    ['send', 'close', 'empty', 'FIN', 'no event', EPOLL_7],
  ],
  // What Microsoft documents; what is not documented is what the run is for.
  iocp: [
    ['none', 'close', 'empty', 'FIN', '', 'WSPCloseSocket: the default close is graceful'],
    ['none', 'linger-close', 'empty', 'RST', '', 'WSPCloseSocket: SO_LINGER with zero resets'],
  ],
};

async function measure({ platform, wire }: OpenedPlatform, cell: Cell): Promise<CellResult> {
  const [result] = await characterise({ platform, cells: [cell], repeat: 2, wire, onCell: () => undefined });
  assert.ok(result);
  assert.equal(result.status, 'measured', result.note);
  return result;
}

function describeInterface(name: BareName): void {
  describe(`the bare ${name}`, () => {
    let opened: OpenedPlatform;
    before(async () => {
      opened = await openPlatform(name, null);
    });
    after(() => opened.close());

    for (const [pending, close, unread, seen, ended, source] of FACTS[name]) {
      test(`${pending}, ${close}, ${unread}: the peer sees ${seen} (${source})`, async () => {
        const result = await measure(opened, { pending, close, unread });
        const { unended } = opened.platform.vocabulary;
        assert.equal(withCounts(result, peerText), seen);
        assert.equal(
          withCounts(result, (outcome) => endedText(outcome, unended[pending])),
          ended,
        );
        if (opened.wire !== null) assert.equal(withCounts(result, wireText), seen);
      });
    }

    test('every cell is possible, or says why it is not', () => {
      const { platform } = opened;
      for (const close of platform.closeWays) {
        assert.ok(platform.vocabulary.close[close], close);
        for (const pending of ['none', 'recv-0', 'recv-n', 'send'] as const) {
          const way = platform.wayOf({ pending, close, unread: 'unread' });
          if (!way.applicable) assert.match(way.note, /\w{3}/);
          assert.ok(platform.wayOf({ pending, close, unread: 'empty' }).applicable);
        }
      }
    });
  });
}

describe('the bare interfaces of this system', () => {
  test('are there', () => {
    assert.ok(bareNames().length > 0);
  });
  // Under Wine a peer must be outside of it: scripts/raw-wine.sh, and the test beside this one.
  if (!needsRemotePeer()) for (const name of bareNames()) describeInterface(name);
});

describe('--pcap with --raw', () => {
  if (!needsRemotePeer() && bareNames().includes('epoll')) {
    test('keeps what the report says was on the wire, in files that tcpdump opens', async () => {
      const opened = await openPlatform('epoll', null);
      const files: Uint8Array[] = [];
      const keepPackets = (_cell: Cell, _run: number, pcap: Uint8Array) => files.push(pcap);
      const cells: Cell[] = [{ pending: 'none', close: 'linger-close', unread: 'empty' }];
      const { platform, wire } = opened;
      const [result] = await characterise({ platform, cells, repeat: 1, wire, keepPackets, onCell: () => undefined });
      await opened.close();
      assert.equal(files.length, wire === null ? 0 : 1);
      assert.equal(result?.outcomes[0]?.wire?.order ?? null, wire === null ? null : 'RST');
      // The magic number of a capture file with nanoseconds: draft-ietf-opsawg-pcap, section 4.
      for (const file of files) assert.equal(new DataView(file.buffer).getUint32(0, true), 0xa1b23c4d);
    });
  }
});
