import { bytesOf } from '../expectations.js';
import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';

/** Rule 6: what a send that was cut short says, and what the peer gets. */
export const sendScenarios: readonly Scenario[] = [
  {
    id: 'send/timeout-says-bytes',
    checks: 'A send that times out says how many bytes went; the stream goes on after them, or refuses to go on',
    contract: 'operations, rule 6',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const data = pattern(8 * 2 ** 20);
      const outcome = await ours.send(data, { timeoutMs: 60 });
      context.expectCode('the send times out', outcome, 'ETIMEDOUT');
      const went = bytesOf(outcome);
      context.expect('some bytes went, and not all', went > 0 && went < data.length, `${went} of ${data.length} did`);
      await peer.resume();
      const rest = await ours.send(data.subarray(went), { timeoutMs: 4000 });
      if ('error' in rest) {
        // The platform could not know how many went: then the write side is over, and says so.
        context.expect('a refused stream says why', rest.code !== 'ETIMEDOUT' && rest.error.message !== '', rest.code);
        return;
      }
      await ours.close();
      await context.expectEnding(peer, 'FIN');
      context.expectBytes('the peer has every byte once', await peer.received(), data);
    },
  },
  {
    id: 'send/timeout-is-exact',
    checks: 'The bytes that a timed-out send counts are exactly those that the peer gets',
    contract: 'operations, rule 6',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const data = pattern(8 * 2 ** 20);
      const outcome = await ours.send(data, { timeoutMs: 60 });
      context.expectCode('the send times out', outcome, 'ETIMEDOUT');
      await peer.resume();
      await ours.close();
      await context.expectEnding(peer, 'FIN');
      context.expectBytes('the peer has what was counted', await peer.received(), data.subarray(0, bytesOf(outcome)));
    },
  },
  {
    id: 'send/signal-says-bytes',
    checks: 'A send that its signal cancels says how many bytes went',
    contract: 'operations, rules 1 and 6',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const data = pattern(8 * 2 ** 20);
      const controller = new AbortController();
      const sending = ours.send(data, { signal: controller.signal });
      await context.wait(30);
      controller.abort();
      const outcome = await sending;
      context.expectCode('the send is cancelled', outcome, 'ABORT_ERR');
      await peer.resume();
      await ours.close();
      await context.expectEnding(peer, 'FIN');
      context.expectBytes('the peer has what was counted', await peer.received(), data.subarray(0, bytesOf(outcome)));
    },
  },
  {
    id: 'send/order',
    checks: 'Sends that are started together go out in order, gathered or not',
    contract: 'operations, rule 1',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const parts = [pattern(10, 1), pattern(70_000, 2), pattern(1, 3), pattern(3000, 4), pattern(200_000, 5)];
      const outcomes = await Promise.all(parts.map((part) => ours.send(part)));
      outcomes.forEach((outcome, index) => {
        context.expectEqual(
          'a send takes all its bytes',
          context.success('it succeeds', outcome),
          parts[index]?.length ?? -1,
        );
      });
      const gathered = [pattern(5, 6), new Uint8Array(0), pattern(9, 7)];
      context.expectEqual('a gathered send takes all its bytes', await ours.socket.send(gathered), 14);
      await ours.close();
      await context.expectEnding(peer, 'FIN');
      context.expectBytes('the peer has them in order', await peer.received(), Buffer.concat([...parts, ...gathered]));
    },
  },
  {
    id: 'send/to-closed-peer',
    checks: 'Sends to a peer that has gone end with ECONNRESET or EPIPE, and do not crash',
    contract: 'operations, rule 1; libuv tcp_write_to_half_open_connection',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.reset();
      await context.wait(20);
      let outcome = await ours.send(pattern(10));
      for (let tries = 0; !('error' in outcome) && tries < 50; tries++) {
        await context.wait(5);
        outcome = await ours.send(pattern(10));
      }
      const codes = ['ECONNRESET', 'EPIPE', 'ECONNABORTED'];
      context.expect('a send fails with a reset', codes.includes(outcome.code), `it gave '${outcome.code}'`);
      const result = await ours.close();
      context.expectEqual('the close says there was nobody to tell', result.sent, 'none');
    },
  },
];
