import { isIPv4 } from 'node:net';

/** Writes the four bytes of a dotted IPv4 address. The text must be valid. */
export function writeIPv4(text: string, target: Uint8Array, at: number): void {
  const parts = text.split('.');
  for (let i = 0; i < 4; i++) target[at + i] = Number(parts[i]);
}

export function readIPv4(source: Uint8Array, at: number): string {
  return `${source[at]}.${source[at + 1]}.${source[at + 2]}.${source[at + 3]}`;
}

/** Writes the sixteen bytes of an IPv6 address in text form, without its zone. The text must be valid. */
export function writeIPv6(text: string, target: Uint8Array, at: number): void {
  const [head = '', tail] = text.split('::');
  const groups = expand(head);
  const rest = tail === undefined ? [] : expand(tail);
  const zeros = 8 - groups.length - rest.length;
  const all = [...groups, ...new Array<number>(Math.max(zeros, 0)).fill(0), ...rest];
  for (let i = 0; i < 8; i++) {
    const group = all[i] ?? 0;
    target[at + 2 * i] = group >>> 8;
    target[at + 2 * i + 1] = group & 0xff;
  }
}

function expand(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!isIPv4(group)) return [Number.parseInt(group, 16)];
    const bytes = new Uint8Array(4);
    writeIPv4(group, bytes, 0);
    return [((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0), ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)];
  });
}

/** The shortest text of an IPv6 address (RFC 5952); IPv4-mapped addresses end in dotted form. */
export function readIPv6(source: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) groups.push(((source[at + 2 * i] ?? 0) << 8) | (source[at + 2 * i + 1] ?? 0));
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return `::ffff:${readIPv4(source, at + 12)}`;
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The one text that stands for all texts of an IPv6 address; its zone is left out. */
export function canonicalIPv6(text: string): string {
  const bytes = new Uint8Array(16);
  writeIPv6(text.split('%')[0] ?? '', bytes, 0);
  return readIPv6(bytes, 0);
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  });
  return best;
}
