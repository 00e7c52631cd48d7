// Puts the tables of docs/closesocket.md together from the data in docs/raw, between the document's marker comments:
//
//   npx tsc -p . && node scripts/closesocket-tables.mjs            writes them
//   npx tsc -p . && node scripts/closesocket-tables.mjs --check    says whether document and data agree, and writes nothing
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { renderBlocks, replaceBlocks } from '../dist/src/regress/raw/markdown.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const document = join(root, 'docs', 'closesocket.md');
const folder = join(root, 'docs', 'raw');

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, data: JSON.parse(readFileSync(join(folder, name), 'utf8')) }));
const before = readFileSync(document, 'utf8');
const after = replaceBlocks(before, renderBlocks(files));
if (values.check && after !== before) {
  console.error('docs/closesocket.md does not say what docs/raw says: run node scripts/closesocket-tables.mjs');
  process.exit(1);
}
if (!values.check && after !== before) writeFileSync(document, after);
