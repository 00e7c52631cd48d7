const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text for an element's content or a quoted attribute, in HTML and in XML. Characters that XML 1.0 cannot hold at all
 * become U+FFFD: error messages may quote anything.
 */
export function escapeMarkup(text: string): string {
  const legal = text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
  return legal.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** A name that can be an element's id and part of a link. */
export function slug(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, '-');
}
