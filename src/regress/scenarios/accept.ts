import { settled } from '../expectations.js';
import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';

/** Listeners. */
export const acceptScenarios: readonly Scenario[] = [
  {
    id: 'accept/timeout',
    checks: 'An accept that times out loses no connection: the next accept gets it',
    contract: 'operations, rules 2 and 5',
    run: async (context) => {
      const listener = await context.listen();
      const accepting = context.trace.operation('A', 'accept', 'timeoutMs 30', () =>
        listener.accept({ timeoutMs: 30 }),
      );
      context.expectCode('the accept times out', await settled(accepting), 'ETIMEDOUT');
      const { ours, peer } = await context.acceptedPair(listener);
      await peer.send(pattern(4));
      context.expectBytes('its bytes come', context.success('it succeeds', await ours.recvAll(4)), pattern(4));
      await ours.close();
      await context.expectEnding(peer, 'FIN');
    },
  },
  {
    id: 'accept/client-reset',
    checks: 'A client that resets its connection does not close the listener',
    contract: 'operations, rule 1; cpython 93821',
    run: async (context) => {
      const listener = await context.listen();
      const first = await context.acceptedPair(listener);
      const receiving = first.ours.recv({ timeoutMs: 4000 });
      await first.peer.reset();
      context.expectCode('the receive fails', await receiving, 'ECONNRESET');
      // This one is gone before anybody accepts it.
      const second = await context.peer.connect(listener.port);
      await second.reset();
      await context.wait(20);
      const early = await settled(listener.accept({ timeoutMs: 200 }));
      if ('error' in early)
        context.expect(
          'a connection that is gone is ECONNABORTED or nothing',
          ['ECONNABORTED', 'ETIMEDOUT'].includes(early.code),
          early.code,
        );
      else await context.keep(early.value).abort();
      const third = await context.acceptedPair(listener);
      await third.peer.send(pattern(2));
      context.success('the listener goes on', await third.ours.recv({ timeoutMs: 2000 }));
    },
  },
  {
    id: 'accept/close-aborts',
    checks: 'Closing a listener aborts its pending accepts, and nobody can connect any more',
    contract: 'close, row 1',
    run: async (context) => {
      const listener = await context.listen();
      const { port } = listener;
      const pending = [settled(listener.accept()), settled(listener.accept({ timeoutMs: 5000 }))];
      await context.wait(10);
      const result = await listener.close();
      for (const outcome of await Promise.all(pending))
        context.expectCode('an accept is aborted', outcome, 'ECANCELED');
      context.expectEqual('there is no connection to end', result.sent, 'none');
      const refused = await settled(context.peer.connect(port));
      context.expect('a connect is refused', 'error' in refused, 'it succeeded');
    },
  },
  {
    id: 'accept/server-outside-timeout',
    checks:
      "The repair on the server's side: an accepted connection's receive times out, close() sends FIN, the client's last send succeeds",
    contract: 'close, row 5',
    run: async (context) => {
      const listener = await context.listen({ recvTimeoutMs: 50 });
      const { ours, peer } = await context.acceptedPair(listener);
      context.expectCode('the receive times out', await ours.recv(), 'ETIMEDOUT');
      context.expectEqual('the close says it sent FIN', (await ours.close()).sent, 'FIN');
      await context.expectEnding(peer, 'FIN');
      context.expectEqual(
        "the client's last send succeeds",
        (await peer.send(pattern(8), { thenClose: true })).code,
        '',
      );
    },
  },
];
