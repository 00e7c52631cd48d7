import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from '../../port/errors.js';
import type { StackProfile } from './profile.js';
import { validateProfile } from './validate.js';

/**
 * Reads a profile from a JSON file. Integers may be written as text, "0x1007". Throws what reading the file throws
 * (ENOENT), and TypeError ERR_STACK_PROFILE where it is no JSON or no profile; the message names the file and the field.
 */
export function loadProfile(path: string): StackProfile {
  const text = readFileSync(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`Not a stack profile (${path}): it is no JSON: ${reason}`, 'ERR_STACK_PROFILE');
  }
  return validateProfile(value, path);
}
