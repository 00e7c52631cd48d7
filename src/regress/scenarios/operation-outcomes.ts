import { bytesOf, settled } from '../expectations.js';
import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';

/** Rules 1, 2, 5, 7 and 8: each operation ends once, as what it was, and no byte is lost. */
export const outcomeScenarios: readonly Scenario[] = [
  {
    id: 'operation/one-end-each',
    checks:
      'Bytes moved, timed out, cancelled by its signal, aborted by a close, failed: each operation ends once, as what it was',
    contract: 'operations, rule 1',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const moved = ours.recv();
      await peer.send(pattern(5));
      context.expectEqual('one receive moves 5 bytes', context.success('it succeeds', await moved).length, 5);
      context.expectCode('one times out', await ours.recv({ timeoutMs: 10 }), 'ETIMEDOUT');
      const controller = new AbortController();
      const cancelled = ours.recv({ signal: controller.signal });
      controller.abort();
      context.expectCode('one is cancelled by its signal', await cancelled, 'ABORT_ERR');
      const other = await context.pair();
      const failing = other.ours.recv();
      await other.peer.reset();
      context.expectCode('one fails with the reset of its connection', await failing, 'ECONNRESET');
      const aborted = ours.recv();
      await ours.close();
      context.expectCode('one is aborted by the close', await aborted, 'ECANCELED');
    },
  },
  {
    id: 'operation/data-beats-late-deadline',
    checks: 'Data that arrived is a success, even when the deadline has passed before anybody looked',
    contract: 'operations, rule 2',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      // Long enough that on a busy machine, too, the bytes come within the deadline, and both while this thread is deaf.
      const receiving = ours.recv({ timeoutMs: 250 });
      // The kernel has the receive before this thread goes deaf.
      await context.wait(5);
      const sending = peer.send(pattern(32), { afterMs: 10 });
      await context.deafen(500);
      const bytes = context.success('the receive succeeds', await receiving);
      context.expectBytes('with the bytes that came', bytes, pattern(32));
      await sending;
    },
  },
  {
    id: 'operation/no-byte-lost',
    checks: 'A stream read with 300 receives whose deadlines fall around the arrival of the data is exact to the byte',
    contract: 'operations, rules 2 and 5',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const data = pattern(24_000);
      let offset = 0;
      const writing = (async () => {
        for (; offset < data.length; offset += 80) {
          await peer.send(data.subarray(offset, offset + 80), { afterMs: offset % 240 === 0 ? 1 : 0 });
        }
        await peer.end();
      })();
      const chunks: Uint8Array[] = [];
      let timeouts = 0;
      for (let turn = 0; ; turn++) {
        const outcome = await ours.recv({ timeoutMs: (turn % 5) * 0.4 });
        if ('error' in outcome) {
          context.expectCode('a receive that fails has timed out', outcome, 'ETIMEDOUT');
          context.expectEqual('and has taken no byte', bytesOf(outcome), 0);
          timeouts++;
        } else if (outcome.value.length === 0) break;
        else chunks.push(outcome.value);
      }
      await writing;
      context.expect('some receives time out', timeouts > 10, `${timeouts} did`);
      context.expectBytes('the stream is exact', Buffer.concat(chunks), data);
    },
  },
  {
    id: 'operation/usable-after-timeout',
    checks: 'A receive that timed out leaves the socket usable in both directions, time after time',
    contract: 'operations, rule 5',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.echo();
      for (let turn = 1; turn <= 3; turn++) {
        context.expectCode('the receive times out', await ours.recv({ timeoutMs: 20 }), 'ETIMEDOUT');
        const message = pattern(100, turn);
        context.success('a send succeeds', await ours.send(message));
        const answer = context.success('a receive succeeds', await ours.recvAll(100, { timeoutMs: 2000 }));
        context.expectBytes('with the answer', answer, message);
      }
      await ours.close();
      await context.expectEnding(peer, 'FIN');
    },
  },
  {
    id: 'operation/settled-buffer-is-free',
    checks: "Nothing is written into a receive's buffer after its promise has settled",
    contract: 'operations, rule 7; compio drop_with_inflight_ops',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const buffers: Uint8Array[] = [];
      for (let turn = 0; turn < 20; turn++) {
        const buffer = new Uint8Array(512).fill(0xa5);
        buffers.push(buffer);
        const outcome = await settled(ours.socket.recv(buffer, { timeoutMs: 1 }));
        context.expectCode('the receive times out', outcome, 'ETIMEDOUT');
      }
      await peer.send(new Uint8Array(10_240).fill(0x5a));
      const bytes = context.success('the data arrives', await ours.recvAll(10_240, { timeoutMs: 2000 }));
      context.expectEqual('all of it', bytes.length, 10_240);
      const touched = buffers.filter((buffer) => buffer.some((byte) => byte !== 0xa5)).length;
      context.expectEqual('buffers of timed-out receives that were touched', touched, 0);
    },
  },
  {
    id: 'operation/late-completion',
    checks: "A completion that comes late settles nobody else's operation, though their slots are the same",
    contract: 'operations, rule 8',
    run: async (context) => {
      const { ours: first, peer: firstPeer } = await context.pair();
      const { ours: second, peer: secondPeer } = await context.pair();
      for (let turn = 0; turn < 10; turn++) {
        const racing = first.recv({ timeoutMs: 1 });
        const late = firstPeer.send(pattern(1, 7), { afterMs: 1 });
        const outcome = await racing;
        // The table's slot of the first receive is free again, and this one takes it.
        const waiting = second.recv({ timeoutMs: 3000 });
        await late;
        if ('error' in outcome) context.expectEqual('the late byte is kept', (await first.recvAll(1)).code, '');
        context.expectEqual('the other receive is still pending', second.socket.pendingOperations, 1);
        await secondPeer.send(pattern(3, turn));
        const bytes = context.success('the other receive succeeds', await waiting);
        context.expectBytes('with its own bytes', bytes, pattern(3, turn));
      }
    },
  },
  {
    id: 'operation/cancel-when-over',
    checks: 'Aborting the signal of an operation that has ended does nothing, to it or to the next one',
    contract: 'operations, rules 1 and 8; libxev "cancelling a completed operation"',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const controller = new AbortController();
      const receiving = ours.recv({ signal: controller.signal });
      await peer.send(pattern(4));
      context.success('the receive succeeds', await receiving);
      const next = ours.recv({ timeoutMs: 3000 });
      controller.abort();
      await context.wait(10);
      await peer.send(pattern(6));
      const bytes = context.success('the next receive succeeds', await next);
      context.expectBytes('with its bytes', bytes, pattern(6));
    },
  },
  {
    id: 'operation/precancelled',
    checks: 'A signal that is aborted already ends the operation before it starts: no byte is taken',
    contract: 'operations, rule 1; .NET Precanceled',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.send(pattern(8));
      await context.wait(20);
      const signal = AbortSignal.abort();
      context.expectCode('the receive is cancelled', await ours.recv({ signal }), 'ABORT_ERR');
      context.expectCode('a send is cancelled', await ours.send(pattern(3), { signal }), 'ABORT_ERR');
      const bytes = context.success('the next receive succeeds', await ours.recv({ timeoutMs: 1000 }));
      context.expectBytes('with every byte', bytes, pattern(8));
      context.expectEqual('the peer got nothing', peer.bytesSeen, 0);
    },
  },
  {
    id: 'operation/signal-during',
    checks: 'A receive and a send that their signal cancels under way leave the socket usable',
    contract: 'operations, rules 1 and 5; .NET ReceiveAsync_CanceledDuringOperation',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const controller = new AbortController();
      const receiving = ours.recv({ signal: controller.signal });
      await context.wait(10);
      controller.abort(new Error('changed its mind'));
      context.expectCode('the receive is cancelled', await receiving, 'ABORT_ERR');
      await peer.echo();
      context.success('a send succeeds', await ours.send(pattern(50)));
      const bytes = context.success('a receive succeeds', await ours.recvAll(50, { timeoutMs: 1000 }));
      context.expectBytes('with the echo', bytes, pattern(50));
    },
  },
];
