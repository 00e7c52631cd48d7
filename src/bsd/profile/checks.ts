/** What is wrong with a value, as lines that begin with the path of the field. */
export class Problems {
  readonly lines: string[] = [];

  add(path: string, what: string): void {
    this.lines.push(`${path === '' ? 'the profile' : path}: ${what}`);
  }
}

/** Takes a value as it was given to the value that is wanted; reports what is wrong, and then gives anything. */
export type Check<T> = (value: unknown, path: string, problems: Problems) => T;

/** What an object may have, and how each of it is checked. */
export type Fields<T> = { readonly [K in keyof T]-?: Check<T[K]> };

export function within(path: string, key: string | number): string {
  return path === '' ? `${key}` : `${path}.${key}`;
}

/** How messages show a value that is not what it should be. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return `${value}n`;
  const text = typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const INTEGER_TEXT = /^-?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|\d+)$/;

/** An integer: a number, a bigint, or text such as "0x1007", which JSON has no other way to write. */
export function integer(least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): Check<number> {
  const range = least === Number.MIN_SAFE_INTEGER ? 'an integer' : `an integer from ${least} to ${most}`;
  return (value, path, problems) => {
    const number = toInteger(value);
    if (number !== undefined && number >= least && number <= most) return number;
    problems.add(path, `must be ${range}, not ${shown(value)}`);
    return 0;
  };
}

function toInteger(value: unknown): number | undefined {
  let number = value;
  if (typeof value === 'bigint') number = Number(value);
  if (typeof value === 'string' && INTEGER_TEXT.test(value)) {
    number = value.startsWith('-') ? -Number(value.slice(1)) : Number(value);
  }
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

export const text: Check<string> = (value, path, problems) => {
  if (typeof value === 'string' && value !== '') return value;
  problems.add(path, `must be text, not ${shown(value)}`);
  return '';
};

export const truth: Check<boolean> = (value, path, problems) => {
  if (typeof value === 'boolean') return value;
  problems.add(path, `must be true or false, not ${shown(value)}`);
  return false;
};

/** One of these words. */
export function word<const W extends string>(...words: readonly W[]): Check<W> {
  return (value, path, problems) => {
    const found = words.find((candidate) => candidate === value);
    if (found === undefined) problems.add(path, `must be one of ${words.join(', ')}, not ${shown(value)}`);
    return found ?? (words[0] as W);
  };
}

/** Null, and what is absent, is null. */
export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, path, problems) => (value === null || value === undefined ? null : check(value, path, problems));
}

/** What may be left out. The key is then absent. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, path, problems) => (value === undefined ? undefined : check(value, path, problems));
}

export function list<T>(check: Check<T>): Check<readonly T[]> {
  return (value, path, problems) => {
    if (Array.isArray(value)) return value.map((entry, index) => check(entry, within(path, index), problems));
    problems.add(path, `must be a list, not ${shown(value)}`);
    return [];
  };
}

/** A list of exactly these. */
export function tuple<T extends readonly unknown[]>(
  what: string,
  ...checks: { [I in keyof T]: Check<T[I]> }
): Check<T> {
  return (value, path, problems) => {
    const entries: unknown[] = Array.isArray(value) && value.length === checks.length ? value : [];
    if (entries.length > 0) {
      return checks.map((check, index) => check(entries[index], within(path, index), problems)) as unknown as T;
    }
    problems.add(path, `must be ${what}, not ${shown(value)}`);
    return checks.map(() => 1) as unknown as T;
  };
}

/** Any keys, each with such a value. */
export function record<T>(check: Check<T>, keys?: readonly string[]): Check<Readonly<Record<string, T>>> {
  return (value, path, problems) => {
    const result: Record<string, T> = {};
    if (!isObject(value)) {
      problems.add(path, `must be an object, not ${shown(value)}`);
      return result;
    }
    for (const [key, entry] of Object.entries(value)) {
      if (keys !== undefined && !keys.includes(key)) problems.add(within(path, key), unknown(keys));
      else if (entry !== undefined) result[key] = check(entry, within(path, key), problems);
    }
    return result;
  };
}

/** An object with these fields and no others. */
export function object<T>(fields: Fields<T>): Check<T> {
  const names = Object.keys(fields);
  return (value, path, problems) => {
    const result: Record<string, unknown> = {};
    if (!isObject(value)) {
      problems.add(path, `must be an object, not ${shown(value)}`);
      return result as T;
    }
    for (const key of Object.keys(value)) {
      if (!names.includes(key)) problems.add(within(path, key), unknown(names));
    }
    for (const name of names) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      const checked = fields[name as keyof T](given, within(path, name), problems);
      if (checked !== undefined) result[name] = checked;
    }
    return result as T;
  };
}

/** One of several objects, told apart by the word in this field. */
export function variant<T extends object>(key: string, kinds: Readonly<Record<string, Check<T>>>): Check<T> {
  const names = Object.keys(kinds);
  return (value, path, problems) => {
    const kind = isObject(value) ? value[key] : undefined;
    const check = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (check !== undefined) return check(value, path, problems);
    if (!isObject(value)) problems.add(path, `must be an object, not ${shown(value)}`);
    else problems.add(within(path, key), `must be one of ${names.join(', ')}, not ${shown(kind)}`);
    return {} as T;
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknown(names: readonly string[]): string {
  return names.length > 12 ? 'is not known' : `is not known: there are ${names.join(', ')}`;
}
