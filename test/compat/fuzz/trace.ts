import { createHash } from 'node:crypto';

/** Longer data is told by its length and a digest. */
const SHOWN_CHARACTERS = 48;
/** More than is read at a time. */
export const MUCH = 60_000;
export const ENDS_OF_WRITES = ' writes';

/** What comes between two chunks is chance, but for these: what arrives before them is not what arrives after. */
const HARD = /^(?!.* gives )(?:end|close|error|finish|connect|ready|sink|itera|now)/;

interface Line {
  readonly step: number;
  readonly actor: string;
  text: string;
  /** What arrived, as far as it has been put together; undefined for other lines. */
  data: (Buffer | string)[] | undefined;
}

/**
 * What a program sees, by actor: each socket, the server, the process. The order of two actors' events is the
 * network's choice, and so are chunk boundaries: what arrives within a step is put together.
 */
export class Trace {
  /**
   * Whether it matters how soon a write is over. Where the system takes bytes at once, node:net has it over within the
   * call; a driver that hands writes over together has it over a little later, and then `write` gives false where the
   * mark is reached, 'drain' follows, and callbacks come later. Programs cannot rely on either.
   */
  readonly strict: boolean;
  /** Grows with whatever is noted. */
  version = 0;
  step = 0;
  readonly #lines: Line[] = [];
  readonly #names = new Map<string, string>();
  readonly #paths: [path: string, name: string][] = [];

  constructor(strict: boolean) {
    this.strict = strict;
  }

  note(actor: string, ...words: unknown[]): void {
    this.version++;
    this.#lines.push({
      step: this.step,
      actor,
      text: words.map((word) => this.spell(word)).join(' '),
      data: undefined,
    });
  }

  data(actor: string, chunk: Buffer | string): void {
    this.version++;
    const last = this.#dataBefore(actor, typeof chunk);
    if (last === undefined) this.#lines.push({ step: this.step, actor, text: 'data', data: [chunk] });
    else last.data?.push(chunk);
  }

  /** The port is told by this name: another run has others. */
  namePort(port: number, name: string): void {
    this.#names.set(String(port), name);
  }

  namePath(path: string, name: string): void {
    this.#paths.push([path, name]);
  }

  /** The lines of one actor after the other, each with its step. */
  byActor(): string[] {
    const actors = new Map<string, Line[]>();
    for (const line of this.#lines) actors.set(line.actor, [...(actors.get(line.actor) ?? []), line]);
    return [...actors].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([actor, lines]) => spellLines(actor, lines));
  }

  spell(word: unknown): string {
    if (word instanceof Error) return this.#spellError(word);
    if (typeof word === 'string') return this.#withNames(word);
    if (typeof word === 'object' && word !== null) return this.#withNames(JSON.stringify(word));
    return this.#withNames(String(word));
  }

  #spellError(error: Error): string {
    const { code, errno, syscall, address, port } = error as NodeJS.ErrnoException & {
      address?: string;
      port?: number;
    };
    const inner = error instanceof AggregateError ? error.errors.map((each) => this.#spellError(each as Error)) : [];
    const details = [error.name, code, errno, syscall, address, port, error.message, ...inner];
    return this.#withNames(`<${details.filter((detail) => detail !== undefined).join(' | ')}>`);
  }

  #withNames(text: string): string {
    let spelt = text;
    for (const [path, name] of this.#paths) spelt = spelt.replaceAll(path, name);
    return spelt.replaceAll(/\d{4,5}/g, (digits) => this.#names.get(digits) ?? digits);
  }

  #dataBefore(actor: string, type: string): Line | undefined {
    for (let i = this.#lines.length - 1; i >= 0; i--) {
      const line = this.#lines[i] as Line;
      if (line.step !== this.step) return undefined;
      if (line.actor !== actor) continue;
      if (line.data !== undefined) {
        const before: string = typeof line.data[0];
        return before === type ? line : undefined;
      }
      if (HARD.test(line.text)) return undefined;
    }
    return undefined;
  }
}

function spellLines(actor: string, lines: readonly Line[]): string[] {
  const spelt = lines.map((line, i) => {
    const isAll = lines[i + 1]?.text === 'end';
    return `${actor} ${line.step}: ${line.text}${line.data === undefined ? '' : ` ${spellData(line.data, isAll)}`}`;
  });
  // Of the ends of writes in one step it is chance which of a failed one and one under way is told of first, and of
  // what nobody has caught which socket it came from.
  return actor.endsWith(ENDS_OF_WRITES) || actor === 'process'
    ? spelt.sort((a, b) => stepOf(a) - stepOf(b) || (a < b ? -1 : 1))
    : spelt;
}

function stepOf(line: string): number {
  return Number(/ (\d+):/.exec(line)?.[1]);
}

/** How much of a long stream comes before its end is seen, if it is not `isAll`, is chance. */
function spellData(chunks: readonly (Buffer | string)[], isAll: boolean): string {
  const isText = typeof chunks[0] === 'string';
  const text = isText ? chunks.join('') : Buffer.concat(chunks as Buffer[]).toString('latin1');
  const kind = isText ? 'text' : 'bytes';
  if (text.length > MUCH && !isAll) return `much ${kind}`;
  if (text.length <= SHOWN_CHARACTERS) return `${kind} ${JSON.stringify(text)}`;
  return `${kind} ${text.length} #${createHash('sha1').update(text).digest('hex').slice(0, 8)}`;
}
