import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LineProcess } from '../support/line-process.js';

// This module runs as dist/test/foreign/foreign-peer.js, and the source stays where it is.
const SOURCE = fileURLToPath(new URL('../../../test/foreign/peer.c', import.meta.url));

/** The C program, compiled into a folder of its own. `remove` takes the folder away. */
export interface ForeignProgram {
  readonly path: string;
  remove(): void;
}

export function compileForeignPeer(): ForeignProgram {
  const folder = mkdtempSync(join(tmpdir(), 'overlapped-foreign-'));
  const path = join(folder, 'peer');
  execFileSync('gcc', ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-o', path, SOURCE], { stdio: 'pipe' });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Starts the peer; it plays its steps by itself, and each is a line of its output (see peer.c). */
export function listeningPeer(program: ForeignProgram, steps: readonly string[]): LineProcess {
  return new LineProcess(program.path, ['listen', ...steps]);
}

export function connectingPeer(program: ForeignProgram, port: number, steps: readonly string[]): LineProcess {
  return new LineProcess(program.path, ['connect', String(port), ...steps]);
}
