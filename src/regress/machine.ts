import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release, version } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { platformTitle } from '../platform.js';

/** What a report says of the machine it was made on. */
export interface Machine {
  /** `linux 6.18.0 x64`; under Wine it says Wine. */
  readonly platform: string;
  readonly kernel: string;
  readonly node: string;
  readonly koffi: string;
  readonly overlapped: string;
}

export function describeMachine(): Machine {
  const title = platformTitle(release());
  return {
    platform: isWine() ? `Wine (${title})` : title,
    kernel: version(),
    node: process.versions.node,
    koffi: koffiVersion(),
    overlapped: packageVersion(),
  };
}

/** Wine must never pass for Windows. Its unix namespace and its own control panel give it away. */
export function isWine(): boolean {
  const root = process.env['SystemRoot'] ?? process.env['windir'];
  return root !== undefined && existsSync(join(root, 'system32', 'winecfg.exe'));
}

function koffiVersion(): string {
  try {
    const entry = createRequire(import.meta.url).resolve('koffi');
    for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
      const found = versionIn(join(folder, 'package.json'));
      if (found !== '') return found;
    }
  } catch {
    return 'not installed';
  }
  return 'unknown';
}

/** This package's version: dist/src/regress is three folders below it. */
export function packageVersion(): string {
  return versionIn(fileURLToPath(new URL('../../../package.json', import.meta.url))) || 'unknown';
}

function versionIn(file: string): string {
  try {
    const { version: found } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
    return typeof found === 'string' ? found : '';
  } catch {
    return '';
  }
}

/** Descriptors that the process may have open; 16,384 where the platform has no such limit. */
export function descriptorLimit(): number {
  const found = /^Max open files\s+(\d+)/m.exec(readText('/proc/self/limits'))?.[1];
  return found === undefined ? 16_384 : Number(found);
}

/** A file's text; '' where there is none. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
