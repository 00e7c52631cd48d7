/**
 * `overlapped/select`: select(2) and poll(2) with POSIX meaning on every stack, as promises and synchronously, for the
 * library's own sockets and for plain descriptors.
 */
export { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI } from './bsd/waiting/waiter.js';
export type { AsyncSelectOptions } from './select/asking.js';
export { type PollEntry, poll, pollSync } from './select/poll.js';
export { type SelectList, type SelectResult, select, selectSync } from './select/select.js';
export type { Selectable, SelectOptions } from './select/subjects.js';
