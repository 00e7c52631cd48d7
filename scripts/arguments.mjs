// The command lines of the scripts beside this file.
import { parseArgs } from 'node:util';

/**
 * Reads the command line. `--help` prints the usage and ends the process; what is wrong is said with it, and the exit
 * status is then 2.
 * @template {import('node:util').ParseArgsConfig} C
 * @param {string} usage
 * @param {C} config
 * @returns {ReturnType<typeof parseArgs<C>>}
 */
export function readArguments(usage, config) {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return refuse(usage, /** @type {Error} */ (error).message);
  }
}

/**
 * A number that was given as text. Ends the process where it is none or is outside of `least` to `most`.
 * @param {string} usage @param {string} name @param {string} text @param {number} least @param {number} most
 */
export function readNumber(usage, name, text, least, most) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= least && value <= most)) refuse(usage, `--${name} must be ${least} to ${most}, and not '${text}'`);
  return value;
}

/** @param {string} usage @param {string} reason @returns {never} */
export function refuse(usage, reason) {
  console.error(`${reason}\n\n${usage}`);
  process.exit(2);
}
