import { ENDING, READABLE, URGENT, WRITABLE } from '../notifier.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI } from './waiter.js';

export const BROKEN = POLLERR | POLLHUP | POLLNVAL;

/** What a notifier reports of a socket that poll has given this answer about. */
export function reportOf(answer: number): number {
  let report = (answer & POLLIN) !== 0 ? READABLE : 0;
  if ((answer & POLLOUT) !== 0) report |= WRITABLE;
  if ((answer & POLLPRI) !== 0) report |= URGENT;
  // An error is news to whoever waits, in either direction.
  if ((answer & BROKEN) !== 0) report |= READABLE | WRITABLE | ENDING;
  return report;
}
