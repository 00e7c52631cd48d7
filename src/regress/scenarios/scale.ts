import { TcpSocket } from '../../sockets/tcp-socket.js';
import { nowMs } from '../clock.js';
import { type Settled, settled } from '../expectations.js';
import type { Scenario } from '../scenario.js';

const ARMED = 100_000;
const QUEUED_EACH = 1000;
const AT_ONCE = 3000;

/** Rule 9: many deadlines at once. */
export const scaleScenarios: readonly Scenario[] = [
  {
    id: 'scale/deadlines',
    checks: '100,000 operations are armed and all time out in the same tick; none is early, none is lost',
    contract: 'operations, rule 9',
    watchdogMs: 60_000,
    run: async (context) => {
      const listeners = await context.listeners(ARMED / QUEUED_EACH);
      const armed = listeners.length * QUEUED_EACH;
      const timeoutMs = 500;
      let early = 0;
      const outcomes: Promise<Settled<unknown>>[] = [];
      for (const listener of listeners) {
        for (let i = 0; i < QUEUED_EACH; i++) {
          const beganMs = nowMs();
          const outcome = settled(listener.accept({ timeoutMs }));
          outcome.then(() => {
            if (nowMs() - beganMs < timeoutMs) early++;
          });
          outcomes.push(outcome);
        }
      }
      context.expectEqual(`all ${armed} are outstanding`, context.proactor.outstanding, armed);
      const ended = await context.trace.operation('A', `${armed} accepts`, `timeoutMs ${timeoutMs}`, () =>
        Promise.all(outcomes),
      );
      context.expectEqual('all time out', ended.filter((outcome) => outcome.code === 'ETIMEDOUT').length, armed);
      context.expectEqual('none is early', early, 0);
    },
  },
  {
    id: 'scale/cancels',
    checks: '3,000 connects that the kernel holds time out at once: no cancel is lost, though no queue holds them all',
    contract: 'operations, rule 9; zio 623',
    watchdogMs: 60_000,
    run: async (context) => {
      const port = await context.fullListener();
      const count = Math.min(AT_ONCE, context.affordableSockets());
      const timeoutMs = 300;
      const connect = () =>
        settled(TcpSocket.connect({ host: '127.0.0.1', port, timeoutMs, proactor: context.proactor }));
      const all = Promise.all(Array.from({ length: count }, connect));
      const outcomes = await context.trace.operation('A', `${count} connects`, `timeoutMs ${timeoutMs}`, () => all);
      for (const outcome of outcomes) if (!('error' in outcome)) context.keep(outcome.value);
      const ended = outcomes.filter((outcome) => outcome.code === 'ETIMEDOUT').length;
      // The listener's queue of connections may have had room for a few.
      context.expect(`all ${count} time out`, ended >= count - 4, `${ended} did`);
    },
  },
];
