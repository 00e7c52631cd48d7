/** An expectation that did not hold: what was expected, and what was seen instead. */
export class ExpectationError extends Error {
  override name = 'ExpectationError';
  readonly expectation: string;
  readonly saw: string;

  constructor(expectation: string, saw: string) {
    super(`expected: ${expectation}; but ${saw}`);
    this.expectation = expectation;
    this.saw = saw;
  }
}

/** The scenario cannot say anything here, for a reason of the machine's. */
export class SkipScenario extends Error {
  override name = 'SkipScenario';
}

/** How a promise ended; made at once, so that a rejection that is looked at later is never "unhandled". */
export type Settled<T> = { readonly value: T; readonly code: '' } | { readonly error: Error; readonly code: string };

export async function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await promise, code: '' };
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    return { error: failure, code: codeOf(failure) };
  }
}

export function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

/** What an outcome says of the bytes that moved before the end; -1 where it says nothing. */
export function bytesOf(outcome: Settled<unknown>): number {
  if (!('error' in outcome)) return -1;
  const { bytesTransferred } = outcome.error as { bytesTransferred?: unknown };
  return typeof bytesTransferred === 'number' ? bytesTransferred : -1;
}
