import { nowMs } from '../clock.js';
import type { ScenarioContext } from '../context.js';
import { settled } from '../expectations.js';
import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';

/** How late a timeout may be on a loaded machine. That it is not early is exact. */
const LATE_MS = 1000;

/** Rules 3, 4 and 9: what a timeout is, and what it is not. */
export const timeoutScenarios: readonly Scenario[] = [
  {
    id: 'timeout/never-early',
    checks: 'Timeouts from a nanosecond to a second never fire early, and not much too late',
    contract: 'operations, rule 3; Go net/timeout_test.go',
    run: async (context) => {
      const { ours } = await context.pair();
      for (const timeoutMs of [1e-6, 1e-3, 0.5, 1, 1.5, 2, 3, 5, 7.3, 10, 25, 50, 100, 250, 1000]) {
        const startMs = nowMs();
        context.expectCode('the receive times out', await ours.recv({ timeoutMs }), 'ETIMEDOUT');
        const tookMs = nowMs() - startMs;
        const saw = `it took ${tookMs.toFixed(3)} ms`;
        context.expect(`a timeout of ${timeoutMs} ms is not early`, tookMs >= timeoutMs, saw);
        context.expect(`a timeout of ${timeoutMs} ms is not late by a second`, tookMs < timeoutMs + LATE_MS, saw);
      }
    },
  },
  {
    id: 'timeout/inside',
    checks: 'Data that comes late, but within the timeout, is received',
    contract: 'operations, rule 2; CPython testInsideTimeout',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const sending = peer.send(pattern(16), { afterMs: 100 });
      const bytes = context.success('the receive succeeds', await ours.recv({ timeoutMs: 2000 }));
      context.expectBytes('with the data', bytes, pattern(16));
      await sending;
      await ours.close();
      await context.expectEnding(peer, 'FIN');
    },
  },
  {
    id: 'timeout/zero',
    checks: 'A timeout of 0 completes only if it can without waiting',
    contract: 'operations, rule 3; CPython testTimeoutZero',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const startMs = nowMs();
      context.expectCode('with nothing there it times out', await ours.recv({ timeoutMs: 0 }), 'ETIMEDOUT');
      const tookMs = nowMs() - startMs;
      context.expect('at once', tookMs < 500, `it took ${tookMs} ms`);
      await peer.send(pattern(9));
      await context.wait(20);
      const bytes = context.success('with data there it succeeds', await ours.recv({ timeoutMs: 0 }));
      context.expectBytes('with the data', bytes, pattern(9));
      context.success("a send that fits the kernel's buffer succeeds", await ours.send(pattern(10), { timeoutMs: 0 }));
      await peer.seesBytes(10);
    },
  },
  {
    id: 'timeout/range-and-type',
    checks:
      'A negative timeout, NaN and what is no number are refused before anything starts; Infinity and huge ones wait',
    contract: 'operations, rule 3; CPython test_timeout',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      for (const timeoutMs of [-1, -1e-9, Number.NaN, Number.NEGATIVE_INFINITY]) {
        await refused(
          context,
          ours.socket.recv(new Uint8Array(1), { timeoutMs }),
          `${timeoutMs}`,
          'ERR_OUT_OF_RANGE',
          RangeError,
        );
        await refused(
          context,
          ours.socket.send(new Uint8Array(1), { timeoutMs }),
          `${timeoutMs}`,
          'ERR_OUT_OF_RANGE',
          RangeError,
        );
      }
      for (const timeoutMs of ['5', null, {}, true, 5n] as unknown as number[]) {
        await refused(
          context,
          ours.socket.recv(new Uint8Array(1), { timeoutMs }),
          typeof timeoutMs,
          'ERR_INVALID_ARG_TYPE',
          TypeError,
        );
      }
      context.expectEqual('nothing was started', ours.socket.pendingOperations, 0);
      for (const timeoutMs of [Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32 + 5, Number.MAX_VALUE]) {
        const receiving = ours.recv({ timeoutMs });
        await context.wait(10);
        context.expectEqual(`a timeout of ${timeoutMs} ms does not fire`, ours.socket.pendingOperations, 1);
        await peer.send(pattern(1));
        context.success('the receive succeeds', await receiving);
      }
      context.expectEqual('the peer got nothing', peer.bytesSeen, 0);
    },
  },
  {
    id: 'timeout/queued',
    checks:
      'An operation that waits behind another is on the clock too: it times out there and takes no byte, though data is ready',
    contract: 'operations, rule 4; Go "expired deadline wins over ready data"',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const first = ours.recv({ size: 4 });
      const second = ours.recv({ timeoutMs: 40 });
      const third = ours.recv({ size: 100, timeoutMs: 3000 });
      context.expectCode('the second receive times out in the queue', await second, 'ETIMEDOUT');
      context.expectEqual('the others are still pending', ours.socket.pendingOperations, 2);
      await peer.send(pattern(12));
      context.expectBytes(
        'the first gets the first bytes',
        context.success('it succeeds', await first),
        pattern(12).subarray(0, 4),
      );
      context.expectBytes(
        'the third gets the rest',
        context.success('it succeeds', await third),
        pattern(12).subarray(4),
      );
    },
  },
  {
    id: 'timeout/directions',
    checks: "Directions are independent: a receive's timeout leaves a pending send alone, and the other way round",
    contract: 'operations, rule 4; Go "reads and writes independent"',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const data = pattern(8 * 2 ** 20);
      const sending = ours.send(data);
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: 40 }), 'ETIMEDOUT');
      context.expectEqual('the send is still pending', ours.socket.pendingOperations, 1);
      const receiving = ours.recv({ timeoutMs: 4000 });
      await peer.resume();
      context.expectEqual('the send takes every byte', context.success('it succeeds', await sending), data.length);
      await peer.send(pattern(3));
      context.expectBytes('the receive gets its bytes', context.success('it succeeds', await receiving), pattern(3));
      await peer.seesBytes(data.length);
      context.expectBytes('the peer has every byte', await peer.received(), data);
    },
  },
  {
    id: 'timeout/changed-while-pending',
    checks:
      'Defaults that are set, extended and cleared while a receive is pending change the next one, never the pending one',
    contract: 'operations, rule 3; Go "deadlines set, extended, cleared"',
    run: async (context) => {
      const { ours, peer } = await context.pair({ recvTimeoutMs: 60 });
      const startMs = nowMs();
      const first = ours.recv();
      ours.socket.recvTimeoutMs = Number.POSITIVE_INFINITY;
      context.expectCode('the pending receive keeps its own timeout', await first, 'ETIMEDOUT');
      context.expect('to the millisecond', nowMs() - startMs >= 60, `it took ${nowMs() - startMs} ms`);
      const second = ours.recv();
      ours.socket.recvTimeoutMs = 5;
      await context.wait(80);
      context.expectEqual('the next one waits for ever', ours.socket.pendingOperations, 1);
      await peer.send(pattern(2));
      context.success('until data comes', await second);
      context.expectCode('and the third has the new timeout', await ours.recv(), 'ETIMEDOUT');
    },
  },
  {
    id: 'timeout/churn',
    checks: 'Deadlines armed and disarmed 3,000 times during an echo lose no byte and leave none armed',
    contract: 'operations, rules 2 and 9; Go "deadline churn during IO", bpo-33694',
    watchdogMs: 60_000,
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.echo();
      const { socket } = ours;
      const buffer = new Uint8Array(256);
      for (let turn = 0; turn < 3000; turn++) {
        const message = pattern(32, turn + 1);
        await socket.send(message);
        let got = 0;
        while (got < 32) {
          const outcome = await settled(
            socket.recv(buffer.subarray(got), { timeoutMs: turn % 3 === 0 ? 0.002 : 5000 }),
          );
          if (!('error' in outcome)) got += outcome.value;
          else if (outcome.code !== 'ETIMEDOUT')
            context.expectCode('a receive fails only by its timeout', outcome, 'ETIMEDOUT');
        }
        if (Buffer.compare(buffer.subarray(0, 32), message) !== 0)
          context.expect('each echo is exact', false, `turn ${turn} differs`);
      }
      context.held.push('each echo is exact');
      context.expectEqual('no deadline is armed', context.proactor.armedDeadlines, 0);
    },
  },
];

async function refused(
  context: ScenarioContext,
  promise: Promise<unknown>,
  value: string,
  code: string,
  type: typeof RangeError | typeof TypeError,
): Promise<void> {
  const outcome = await settled(promise);
  context.expectCode(`a timeout of ${value} is refused`, outcome, code);
  const error = 'error' in outcome ? outcome.error : null;
  context.expect(`with a ${type.name}`, error instanceof type, `it is a ${error?.name}`);
}
