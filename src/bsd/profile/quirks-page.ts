import { QUIRK_NOTES } from './quirk-notes.js';

const HEAD = `# Quirks of socket stacks

Each flag of a profile (\`quirks\`), how \`overlapped probe-stack\` recognises it, what the library makes of it (below
\`src/bsd\`), and how the simulation does it (below \`src/bsd/simulation\`). Made by \`scripts/quirks-table.mjs\`.

| flag | what the stack does | recognised by | normalised | simulated |
|---|---|---|---|---|
`;

/** docs/quirks.md: a table of every flag. */
export function quirksPage(): string {
  const rows = Object.entries(QUIRK_NOTES).map(([flag, { does, recognised, normalised, simulated }]) => {
    const cells = [`\`${flag}\``, does, recognised, normalised, simulated];
    return `| ${cells.join(' | ')} |\n`;
  });
  return HEAD + rows.join('');
}
