import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A pipe with a name, and its two ends as descriptors that do not block. */
export interface Pipe {
  readonly reader: number;
  readonly writer: number;
  /** Opens its reading end once more. */
  anotherReader(): number;
  closeWriter(): void;
  close(): void;
}

export function openPipe(): Pipe {
  const folder = mkdtempSync(join(tmpdir(), 'overlapped-pipe-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const openReader = () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const reader = openReader();
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const open = new Set([reader, writer]);
  const close = (descriptor: number) => {
    if (open.delete(descriptor)) closeSync(descriptor);
  };
  return {
    reader,
    writer,
    anotherReader: () => {
      const another = openReader();
      open.add(another);
      return another;
    },
    closeWriter: () => close(writer),
    close: () => {
      for (const descriptor of [...open]) close(descriptor);
      rmSync(folder, { recursive: true });
    },
  };
}
