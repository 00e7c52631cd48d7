/** The axes of the characterisation, as data. Nothing here knows a platform. */

/** What is pending on the socket when it is closed. */
export type Pending = 'none' | 'recv-0' | 'recv-n' | 'send';

/** What is done to close it, step by step. */
export type CloseWay =
  | 'close'
  | 'cancel-close'
  | 'cancel-reap-close'
  | 'shutdown-cancel-reap-close'
  | 'shutdown-close'
  | 'linger-close'
  | 'op-close';

/** Whether bytes have come that nobody has read. */
export type Unread = 'empty' | 'unread';

export type Step = 'shutdown' | 'cancel' | 'reap' | 'linger' | 'close' | 'op-close';

export interface Cell {
  readonly pending: Pending;
  readonly close: CloseWay;
  readonly unread: Unread;
}

export const PENDING: readonly Pending[] = ['none', 'recv-0', 'recv-n', 'send'];
export const UNREAD: readonly Unread[] = ['empty', 'unread'];

/** The ways that every platform has. */
export const CLOSE_WAYS: readonly CloseWay[] = [
  'close',
  'cancel-close',
  'cancel-reap-close',
  'shutdown-cancel-reap-close',
  'shutdown-close',
  'linger-close',
];

export const STEPS: Readonly<Record<CloseWay, readonly Step[]>> = {
  close: ['close'],
  'cancel-close': ['cancel', 'close'],
  'cancel-reap-close': ['cancel', 'reap', 'close'],
  'shutdown-cancel-reap-close': ['shutdown', 'cancel', 'reap', 'close'],
  'shutdown-close': ['shutdown', 'close'],
  'linger-close': ['linger', 'close'],
  'op-close': ['op-close'],
};

/** `recv-n/cancel-close/unread`: how the command line and the data name a cell. */
export function cellId({ pending, close, unread }: Cell): string {
  return `${pending}/${close}/${unread}`;
}

/** All cells of a platform with these ways to close, in the order of the tables. */
export function cellsOf(ways: readonly CloseWay[]): Cell[] {
  return UNREAD.flatMap((unread) =>
    PENDING.flatMap((pending) => ways.map((close): Cell => ({ pending, close, unread }))),
  );
}
