import type { Data } from './program.js';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** Of two, three and four bytes. */
const WIDE = 'aé€𝄞z';

function pattern(alphabet: string, { size, start }: Data): string {
  const characters = [...alphabet];
  const from = start % characters.length;
  const turned = [...characters.slice(from), ...characters.slice(0, from)].join('');
  return turned.repeat(Math.ceil(size / characters.length)).slice(0, size);
}

/** The chunk, and the encoding that is given with it. */
export function chunkOf(data: Data): { chunk: string | Uint8Array; encoding: BufferEncoding | undefined } {
  const letters = () => pattern(LETTERS, data);
  switch (data.form) {
    case 'text':
      return { chunk: letters(), encoding: undefined };
    case 'wide':
      return { chunk: pattern(WIDE, data), encoding: 'utf8' };
    case 'buffer':
      return { chunk: Buffer.from(letters()), encoding: undefined };
    case 'bytes':
      return { chunk: Uint8Array.from(Buffer.from(letters())), encoding: undefined };
    case 'hex':
    case 'base64':
      return { chunk: Buffer.from(letters()).toString(data.form), encoding: data.form };
    case 'latin1':
    case 'utf16le':
      return { chunk: letters(), encoding: data.form };
  }
}
