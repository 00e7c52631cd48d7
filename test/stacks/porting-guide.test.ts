import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { quirksPage } from '../../src/bsd/profile/quirks-page.js';
import { loadProfile, PROFILES, validateProfile } from '../../src/stack.js';
import { packageRoot } from '../support/package-root.js';

const ROOT = packageRoot();

interface Block {
  readonly language: string;
  readonly text: string;
}

/** The code blocks of a page, in order. */
function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', body = '']) => ({
    language,
    text: body,
  }));
}

describe('docs/porting.md, as a reader would do it', () => {
  // Inside the package, so that 'overlapped' is found as it is in a program that has it installed.
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'build', 'porting-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const outputs = new Map<string, { status: number | null; output: string }>();

  function run(command: string): void {
    const [program, ...args] = command.split(' ');
    const words = program === 'npx' ? [join(ROOT, 'dist', 'src', 'cli.js'), ...args.slice(1)] : args;
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
    outputs.set(command, { status, output: stdout + stderr });
  }

  function outputOf(part: string): { status: number | null; output: string } {
    const found = [...outputs].find(([command]) => command.includes(part));
    assert.ok(found, `no command of the page has '${part}' in it`);
    return found[1];
  }

  test('each block in turn', { timeout: 240_000 }, () => {
    const file = join(folder, 'console.json');
    for (const { language, text } of blocksOf('porting.md')) {
      switch (language) {
        case 'sh':
          for (const command of text.trim().split('\n')) run(command);
          break;
        case 'json':
          writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...JSON.parse(text) }));
          break;
        default:
          writeFileSync(join(folder, 'server.mjs'), text);
      }
    }
    assert.equal(outputOf('probe-stack linux').status, 0);
    assert.equal(outputOf('probe-stack console.json').status, 1, outputOf('probe-stack console.json').output);
    assert.equal(outputOf('probe-stack found.json').status, 0, outputOf('probe-stack found.json').output);
    const regress = outputOf('regress --stack');
    assert.match(regress.output, /^The contract holds/m, regress.output);
    assert.equal(regress.status, 0);
    assert.equal(outputOf('server.mjs').output, 'console received hello\n');
  });

  test('what was found is what the profile of the console has, but for what cannot be tried', () => {
    const { waitErrorConsumes: _, exceptNeverSet: __, ...known } = PROFILES['ps3']?.quirks ?? {};
    assert.deepEqual(loadProfile(join(folder, 'found.json')).quirks, known);
    assert.ok(existsSync(join(folder, 'again.json')));
  });
});

describe('docs/quirks.md', () => {
  test('is what scripts/quirks-table.mjs makes', () => {
    assert.equal(readFileSync(join(ROOT, 'docs', 'quirks.md'), 'utf8'), quirksPage());
  });

  test('has every flag that a profile may have, and no other', () => {
    const flags = [...quirksPage().matchAll(/^\| `(\w+)` \|/gm)].map(([, flag = '']) => flag);
    const linux = PROFILES['linux'];
    assert.ok(linux);
    const value = (flag: string) =>
      flag === 'timeoutUnit' ? 'milliseconds' : flag === 'descriptorTagBits' || flag === 'longestTimeoutMs' ? 1 : true;
    const quirks = Object.fromEntries(flags.map((flag) => [flag, value(flag)]));
    assert.equal(Object.keys(validateProfile({ ...linux, quirks }).quirks).length, flags.length);
    assert.ok(flags.length >= 28);
  });
});
