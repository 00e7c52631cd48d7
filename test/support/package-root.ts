import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package that the tests belong to, from wherever they were compiled to. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'overlapped') return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new Error('no package.json named overlapped above the tests');
    folder = parent;
  }
}
