/** `close/*`, `*recv*`, `udp/?ne`: whether a glob (`*` any run of characters, `?` one) matches the whole text. */
export function globMatches(glob: string, text: string): boolean {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  // Runs of stars are one star, so that no pattern can make the expression backtrack for long.
  const source = escaped.replace(/\*+/g, '.*').replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'su').test(text);
}
