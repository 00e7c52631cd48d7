/** Cuts a stream of text into lines. */
export class Lines {
  readonly #maximum: number;
  readonly #pieces: string[] = [];
  #characters = 0;

  /** A line that is longer than `maximum` characters is refused. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The lines that this piece completes; null where one is too long. */
  add(text: string): readonly string[] | null {
    const [first = '', ...rest] = text.split('\n');
    this.#pieces.push(first);
    this.#characters += first.length;
    if (this.#characters > this.#maximum) return null;
    const last = rest.pop();
    if (last === undefined) return [];
    const lines = [this.#pieces.join(''), ...rest];
    this.#pieces.splice(0, this.#pieces.length, last);
    this.#characters = last.length;
    return lines.some((line) => line.length > this.#maximum) || last.length > this.#maximum ? null : lines;
  }
}
