import type { ScenarioContext } from '../context.js';
import { settled } from '../expectations.js';
import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';
import type { TracedUdp } from '../traced-udp.js';

/** Datagrams: the operation rules once more, and what only UDP has. */
export const udpScenarios: readonly Scenario[] = [
  {
    id: 'udp/echo',
    checks: 'Datagrams arrive whole and one at a time, with the address of their sender; an empty one is no end',
    contract: 'operations, rule 1',
    run: async (context) => {
      const { ours, peer } = await context.udp();
      context.success('a send succeeds', await ours.sendTo(pattern(700), peer));
      await peer.sees(1);
      context.expectBytes('the peer has it', await peer.received(), pattern(700));
      for (const length of [1, 0, 1400]) {
        await peer.sendTo(pattern(length), ours.socket.port);
        const datagram = context.success('a receive succeeds', await ours.recvFrom({ timeoutMs: 2000 }));
        context.expectBytes(`with ${length} bytes`, datagram.data, pattern(length));
        context.expectEqual("and the sender's port", datagram.port, peer.port);
      }
    },
  },
  {
    id: 'udp/truncated',
    checks: 'A datagram that is larger than the buffer is cut, says so, and does not run into the next one',
    contract: 'operations, rule 1',
    run: async (context) => {
      const { ours, peer } = await context.udp();
      await peer.sendTo(pattern(600), ours.socket.port);
      await peer.sendTo(pattern(20, 2), ours.socket.port);
      const first = context.success('the first comes', await ours.recvFrom({ size: 100, timeoutMs: 2000 }));
      context.expectEqual('it says that it is cut', first.truncated, true);
      context.expectBytes('its beginning is there', first.data, pattern(600).subarray(0, 100));
      const second = context.success('the second comes', await ours.recvFrom({ size: 100, timeoutMs: 2000 }));
      context.expectEqual('it is not cut', second.truncated, false);
      context.expectBytes('it is whole', second.data, pattern(20, 2));
    },
  },
  {
    id: 'udp/timeout',
    checks: 'A receive that times out takes no datagram: the one that comes late is for the next receive',
    contract: 'operations, rules 2 and 5',
    run: async (context) => {
      const { ours, peer } = await context.udp();
      context.expectCode('the receive times out', await ours.recvFrom({ timeoutMs: 40 }), 'ETIMEDOUT');
      context.expectCode('with 0, at once', await ours.recvFrom({ timeoutMs: 0 }), 'ETIMEDOUT');
      await peer.sendTo(pattern(30), ours.socket.port);
      const datagram = context.success('the next receive succeeds', await ours.recvFrom({ timeoutMs: 2000 }));
      context.expectBytes('with the datagram', datagram.data, pattern(30));
    },
  },
  {
    id: 'udp/no-datagram-lost',
    checks: '200 datagrams, received with deadlines that fall around their arrival, all come once and in order',
    contract: 'operations, rule 2',
    run: async (context) => {
      const { ours, peer } = await context.udp();
      const count = 200;
      const sending = (async () => {
        for (let i = 0; i < count; i++) await peer.sendTo(Uint8Array.of(i), ours.socket.port, i % 4 === 0 ? 1 : 0);
      })();
      const order: number[] = [];
      for (let turn = 0; order.length < count; turn++) {
        const outcome = await ours.recvFrom({ timeoutMs: (turn % 4) * 0.5, size: 8 });
        if (!('error' in outcome)) order.push(outcome.value.data[0] ?? -1);
        else if (outcome.code !== 'ETIMEDOUT')
          context.expectCode('a receive fails only by its timeout', outcome, 'ETIMEDOUT');
      }
      await sending;
      context.expect(
        'they come once and in order',
        order.every((value, index) => value === index),
        order.join(' '),
      );
    },
  },
  {
    id: 'udp/cancel-one-of-many',
    checks:
      'Of three pending receives one is cancelled by its signal and one times out; the datagrams go to the others',
    contract: 'operations, rules 1 and 4; .NET CanceledOneOfMultipleReceives_Udp',
    run: async (context) => {
      const { ours, peer } = await context.udp();
      const controller = new AbortController();
      const first = ours.recvFrom({ timeoutMs: 3000 });
      const second = ours.recvFrom({ signal: controller.signal });
      const third = ours.recvFrom({ timeoutMs: 20 });
      const fourth = ours.recvFrom({ timeoutMs: 3000 });
      controller.abort();
      context.expectCode('the second is cancelled', await second, 'ABORT_ERR');
      context.expectCode('the third times out', await third, 'ETIMEDOUT');
      for (const index of [1, 2]) await peer.sendTo(pattern(10, index), ours.socket.port);
      context.expectBytes(
        'the first gets the first datagram',
        context.success('it succeeds', await first).data,
        pattern(10, 1),
      );
      context.expectBytes(
        'the fourth gets the second',
        context.success('it succeeds', await fourth).data,
        pattern(10, 2),
      );
    },
  },
  {
    id: 'udp/close-aborts',
    checks: 'close() and closesocket() abort pending receives with ECANCELED; there is no connection to end',
    contract: 'close, rows 1 and 3',
    run: async (context) => {
      for (const how of ['close', 'closesocket'] as const) {
        const { ours } = await context.udp();
        const pending = [ours.recvFrom(), ours.recvFrom({ timeoutMs: 5000 })];
        await context.wait(10);
        const result = await ours[how]();
        for (const outcome of await Promise.all(pending))
          context.expectCode('a receive is aborted', outcome, 'ECANCELED');
        context.expectEqual(`${how}() says it sent nothing`, result.sent, 'none');
      }
    },
  },
  {
    id: 'udp/icmp-does-not-deafen',
    checks: 'Datagrams to a port where nobody is do not make the socket deaf',
    contract: 'operations, rule 1; Tribler 7972',
    run: async (context) => {
      const { ours, peer } = await context.udp();
      const gone = await context.peer.bind();
      await gone.close();
      const receiving = ours.recvFrom({ timeoutMs: 4000 });
      for (let i = 0; i < 5; i++) context.success('a send to nobody succeeds', await ours.sendTo(pattern(5), gone));
      await context.wait(20);
      await peer.sendTo(pattern(44), ours.socket.port);
      const datagram = context.success('the receive succeeds', await receiving);
      context.expectBytes('with the datagram', datagram.data, pattern(44));
    },
  },
  {
    id: 'udp/refused-then-usable',
    checks:
      "A connected socket reports its peer's absence once, if the platform does, and can be closed in that very moment",
    contract: 'operations, rules 1 and 5; libuv udp_recv_cb_close_pollerr',
    run: async (context) => {
      const { ours, peer } = await context.udp();
      const { port } = await connectToNobody(context, ours);
      const outcome = await ours.recvFrom({ timeoutMs: 500 });
      // SIO_UDP_CONNRESET is off on Winsock: there the error is not reported at all.
      const codes = context.driver === 'iocp' ? ['ETIMEDOUT', 'ECONNREFUSED'] : ['ECONNREFUSED'];
      context.expect('the receive reports it', codes.includes(outcome.code), `it gave '${outcome.code}'`);
      const again = await context.peer.bind('127.0.0.1', port);
      await again.sendTo(pattern(21), ours.socket.port);
      const datagram = context.success('the socket is not deaf', await ours.recvFrom({ timeoutMs: 2000 }));
      context.expectBytes('and gets what comes', datagram.data, pattern(21));
      await peer.close();
      const { ours: second } = await context.udp();
      await connectToNobody(context, second);
      await settled(second.socket.recvFrom({ timeoutMs: 200 }).finally(() => void second.close()));
      await second.close();
      context.expectEqual('it is closed', second.socket.phase, 'closed');
    },
  },
  {
    id: 'udp/batches',
    checks: 'Batches of 32 datagrams go out and come in whole, in order and with their addresses',
    contract: 'operations, rule 1',
    run: async (context) => {
      const { ours, peer } = await context.udp();
      const count = 32;
      const batch = ours.socket.createBatch({ capacity: count, datagramBytes: 256 });
      for (let i = 0; i < count; i++)
        batch.add(pattern(50, i), { family: 'IPv4', address: peer.host, port: peer.port });
      const send = () => ours.socket.sendBatch(batch);
      context.expectEqual(
        'the batch goes out',
        await context.trace.operation(ours.name, 'sendBatch', `${count} datagrams`, send),
        count,
      );
      await peer.sees(count);
      const expected = Buffer.concat(Array.from({ length: count }, (_, i) => pattern(50, i)));
      context.expectBytes('the peer has it, in order', await peer.received(), expected);
      for (let i = 0; i < count; i++) await peer.sendTo(pattern(50, i), ours.socket.port);
      const chunks: Uint8Array[] = [];
      while (chunks.length < count) {
        const receive = () => ours.socket.recvBatch(batch, { timeoutMs: 2000 });
        const got = context.success(
          'a batch comes',
          await settled(context.trace.operation(ours.name, 'recvBatch', 'timeoutMs 2000', receive)),
        );
        for (let i = 0; i < got; i++) chunks.push(batch.data(i).slice());
        context.expectEqual("with the sender's port", batch.address(0).port, peer.port);
      }
      context.expectBytes('all of them, in order', Buffer.concat(chunks), expected);
      batch.release();
    },
  },
];

/** Connects to a port that nobody has, and sends there: an ICMP error comes back. */
async function connectToNobody(context: ScenarioContext, ours: TracedUdp) {
  const gone = await context.peer.bind();
  await gone.close();
  await ours.socket.connect({ host: gone.host, port: gone.port });
  await settled(ours.socket.send(pattern(5)));
  await context.wait(20);
  return gone;
}
