import assert from 'node:assert/strict';
import { describe as nodeDescribe, test as nodeTest } from 'node:test';

export { after, describe } from 'node:test';

/** Tests of the contract that a stack cannot pass, and why. */
export interface ContractLimit {
  /** The test's name; with a `*` at its end, what the names begin with. */
  readonly tests: string;
  /** What forbids it, and where that is written. */
  readonly reason: string;
}

type TestBody = NonNullable<Parameters<typeof nodeTest>[0]>;

interface TestOptions {
  readonly skip?: boolean | string;
  readonly timeout?: number;
}

class Limits {
  readonly #limits: readonly ContractLimit[];
  readonly #used = new Set<ContractLimit>();

  constructor(limits: readonly ContractLimit[]) {
    this.#limits = limits;
  }

  reasonFor(name: string): string | undefined {
    const limit = this.#limits.find(({ tests }) =>
      tests.endsWith('*') ? name.startsWith(tests.slice(0, -1)) : name === tests,
    );
    if (limit !== undefined) this.#used.add(limit);
    return limit?.reason;
  }

  unused(): readonly string[] {
    return this.#limits.filter((limit) => !this.#used.has(limit)).map(({ tests }) => tests);
  }
}

let current: Limits | undefined;

/** A test of the contract, which is left out where the limits of the stack on trial name it. */
export function test(name: string, body: TestBody): void;
export function test(name: string, options: TestOptions, body: TestBody): void;
export function test(name: string, optionsOrBody: TestOptions | TestBody, body?: TestBody): void {
  const [options, run] = typeof optionsOrBody === 'function' ? [{}, optionsOrBody] : [optionsOrBody, body as TestBody];
  const reason = current?.reasonFor(name);
  nodeTest(name, reason === undefined ? options : { ...options, skip: reason }, run);
}

/** Describes suites of the contract under these limits. A limit that names no test is an error: it has become wrong. */
export function withLimits(title: string, limits: readonly ContractLimit[], describeSuites: () => void): void {
  const before = current;
  const mine = new Limits(limits);
  current = mine;
  try {
    describeSuites();
  } finally {
    current = before;
  }
  nodeDescribe(`the limits of ${title}`, () => {
    nodeTest('each names a test of the contract', () => assert.deepEqual(mine.unused(), []));
  });
}
