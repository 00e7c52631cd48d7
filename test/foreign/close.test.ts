import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LineProcess } from '../support/line-process.js';
import { isWithoutWine, PREPARING_MS, WINE } from '../support/wine.js';
import { compileForeignPeer, connectingPeer, type ForeignProgram, listeningPeer } from './foreign-peer.js';

// A peer that knows nothing of Node, of libuv and of us: what it gets from plain recv() and send() for each way to end
// a connection. The expectations are the Close table of the contract.

interface Case {
  /** A mode of programs/closer.ts. */
  readonly mode: string;
  readonly sentence: string;
  /** What the peer does, and what each call gives. It is `told` when the close is over. */
  readonly peer: readonly string[];
  readonly sees: readonly string[];
  readonly sent: readonly string[];
  readonly unreadBytes?: number;
  readonly pending?: string;
}

const FIN = { sent: ['FIN'] };
const RST = { sent: ['RST'] };
// What arrives while a close is going on is unread data, which makes it a RST: so the peer sends later, as the server
// of the report does.
const SENDS_AFTER_FIN = { peer: ['hear', 'told', 'send'], sees: ['hear FIN', 'send 16'] };
const SENDS_AFTER_RST = {
  peer: ['hear', 'send', 'send', 'recv'],
  // The error is told once; afterwards the connection is merely gone.
  sees: ['hear RST', 'send ECONNRESET', 'send EPIPE', 'recv 0'],
};
const READS_RST = { peer: ['recv'], sees: ['recv ECONNRESET'] };

const CASES: readonly Case[] = [
  {
    mode: 'close',
    sentence: 'close(): recv() gives 0',
    ...FIN,
    peer: ['recv', 'told', 'send'],
    sees: ['recv 0', 'send 16'],
  },
  {
    mode: 'timeout, close',
    sentence: "close() after a timed-out recv, the repair: the peer's last send() succeeds",
    ...FIN,
    ...SENDS_AFTER_FIN,
    pending: 'ETIMEDOUT',
  },
  {
    mode: 'pending recv, close',
    sentence: 'close() with a recv pending: a FIN all the same',
    ...FIN,
    ...SENDS_AFTER_FIN,
    pending: 'ECANCELED',
  },
  {
    mode: 'unread, close',
    sentence: 'close() with unread bytes: recv() gives ECONNRESET',
    ...RST,
    peer: ['send', 'recv'],
    sees: ['send 16', 'recv ECONNRESET'],
    unreadBytes: 16,
  },
  {
    mode: 'send, close',
    sentence: 'close() behind a send of 4 MB: the peer gets all of it, and then 0',
    ...FIN,
    peer: ['rest'],
    sees: [`rest ${4 << 20} 0`],
    pending: 'done',
  },
  {
    mode: 'shutdown, close',
    sentence: "shutdown('send'), then close(): the peer still sends, and gets no error",
    // Both ends have had their FIN by then, and there may be no connection left to end.
    sent: ['FIN', 'none'],
    peer: ['recv', 'send', 'send', 'end', 'recv'],
    sees: ['recv 0', 'send 16', 'send 16', 'end 0', 'recv 0'],
    pending: '32',
  },
  { mode: 'abort', sentence: 'abort(): recv() gives ECONNRESET', ...RST, ...READS_RST, pending: 'ECANCELED' },
  {
    mode: 'closesocket',
    sentence: 'closesocket() with nothing pending: the platform close, a FIN',
    ...FIN,
    ...SENDS_AFTER_FIN,
  },
  {
    mode: 'pending recv, closesocket',
    sentence: 'closesocket() with a recv pending: recv() gives ECONNRESET',
    ...RST,
    ...READS_RST,
    pending: 'ECANCELED',
  },
  {
    mode: 'pending send, closesocket',
    sentence: 'closesocket() with a send pending: the peer hears a RST',
    ...RST,
    peer: ['hear'],
    sees: ['hear RST'],
    pending: 'ECANCELED',
  },
  {
    mode: 'leavePending, closesocket',
    sentence: "a recv left pending, then closesocket(), the original defect: the peer's last send() fails",
    ...RST,
    ...SENDS_AFTER_RST,
    pending: 'ETIMEDOUT',
  },
];

/** How the program of ours is run on each driver. This file runs on Linux; iocp is the one under Wine. */
const RUNS: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  io_uring: [process.execPath],
  readiness: [process.execPath],
  iocp: WINE,
};

function driversToRun(): readonly string[] {
  return isWithoutWine('the iocp driver') ? ['io_uring', 'readiness'] : Object.keys(RUNS);
}

// Wine's node.exe takes the path as seen from Linux, too: Wine maps / to its drive Z.
const CLOSER = fileURLToPath(new URL('programs/closer.js', import.meta.url));

function startCloser(driver: string, args: readonly string[]): LineProcess {
  const [command, ...first] = RUNS[driver] as readonly [string, ...string[]];
  return new LineProcess(command, [...first, CLOSER, ...args], { OVERLAPPED_DRIVER: driver });
}

function checkEnding(wanted: Case, said: string): void {
  const { sent, unreadBytes, pending } = JSON.parse(said) as Record<string, unknown>;
  assert.ok(wanted.sent.includes(String(sent)), `${wanted.mode} says that it sent ${sent}`);
  assert.equal(unreadBytes, wanted.unreadBytes ?? 0);
  assert.equal(pending, wanted.pending, 'how the pending operation ended');
}

for (const driver of driversToRun()) {
  describe(`${driver}: a C program at the other end`, { timeout: 240_000 + PREPARING_MS }, () => {
    let program: ForeignProgram;
    const processes: LineProcess[] = [];
    const started = (child: LineProcess): LineProcess => {
      processes.push(child);
      return child;
    };
    before(
      () => {
        program = compileForeignPeer();
        if (driver === 'iocp')
          execFileSync('bash', [WINE[1], '--prepare'], { stdio: 'inherit', timeout: PREPARING_MS });
      },
      { timeout: PREPARING_MS },
    );
    after(async () => {
      for (const child of processes) child.kill();
      await Promise.all(processes.map((child) => child.ended));
      program.remove();
    });

    describe('to which we connect', () => {
      let closer: LineProcess;
      let peers: LineProcess[];
      before(async () => {
        peers = CASES.map(({ peer }) => started(listeningPeer(program, peer)));
        const args: string[] = [];
        for (const [i, { mode }] of CASES.entries()) args.push(mode, await (peers[i] as LineProcess).says('port'));
        closer = started(startCloser(driver, ['connect', ...args]));
        assert.equal(await closer.says('driver'), driver);
      });
      for (const [i, wanted] of CASES.entries()) {
        test(wanted.sentence, async () => {
          checkEnding(wanted, await closer.says('ended'));
          (peers[i] as LineProcess).tell('over');
          assert.deepEqual(await (peers[i] as LineProcess).remaining(), wanted.sees);
        });
      }
      test('the program ends by itself', async () => assert.equal(await closer.ended, 0));
    });

    describe('that connects to us', () => {
      let closer: LineProcess;
      let port: number;
      before(async () => {
        closer = started(startCloser(driver, ['accept', ...CASES.map(({ mode }) => mode)]));
        assert.equal(await closer.says('driver'), driver);
        port = Number(await closer.says('listening'));
      });
      for (const wanted of CASES) {
        test(wanted.sentence, async () => {
          const peer = started(connectingPeer(program, port, wanted.peer));
          checkEnding(wanted, await closer.says('ended'));
          peer.tell('over');
          assert.deepEqual(await peer.remaining(), wanted.sees);
        });
      }
      test('the program ends by itself', async () => assert.equal(await closer.ended, 0));
    });

    // No library acts in a process that is gone. Linux' kernel closes its sockets, and so does Wine's server: a FIN,
    // whatever was pending. What Windows does was not measured.
    test('a process that is killed with a recv pending: the peer hears a FIN', async () => {
      const peer = started(listeningPeer(program, ['hear', 'send']));
      const closer = started(startCloser(driver, ['connect', 'killed', await peer.says('port')]));
      assert.equal(await closer.says('driver'), driver);
      assert.equal(await closer.says('dying'), '1');
      assert.deepEqual(await peer.remaining(), ['hear FIN', 'send 16']);
      assert.notEqual(await closer.ended, 0);
    });
  });
}
