import type { QuirkFlags } from '../profile/quirks.js';

export type QuirkName = keyof QuirkFlags;

/** What was found out about one flag of a profile. */
export interface Finding {
  readonly flag: QuirkName;
  /** What the profile needs; null where it could not be tried. */
  readonly value: boolean | number | string | null;
  /** What was seen, or why it could not be tried. */
  readonly how: string;
}

export function found(flag: QuirkName, value: Finding['value'], how: string): Finding {
  return { flag, value, how };
}

export function unknown(flag: QuirkName, why: string): Finding {
  return { flag, value: null, how: why };
}
