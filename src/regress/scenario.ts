import type { ScenarioContext } from './context.js';

/** One line of the contract, as something that can be run. */
export interface Scenario {
  /** `group/name`: what `--scenario` selects. */
  readonly id: string;
  /** What it checks, in one line. */
  readonly checks: string;
  /** Which part of the contract it holds the library to, and who learnt it first. */
  readonly contract: string;
  /** How long it may take. Absent: the runner's default. */
  readonly watchdogMs?: number;
  /** Why the stack under trial forbids it, and where that is written. Absent: it does not. */
  readonly limit?: string;
  readonly run: (context: ScenarioContext) => Promise<void>;
}

export function groupOf(scenario: { readonly id: string }): string {
  return scenario.id.slice(0, scenario.id.indexOf('/'));
}
