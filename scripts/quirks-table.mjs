// Writes docs/quirks.md from the notes beside the flags: node scripts/quirks-table.mjs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quirksPage } from '../dist/src/bsd/profile/quirks-page.js';

writeFileSync(join(import.meta.dirname, '..', 'docs', 'quirks.md'), quirksPage());
