import type { CellResult, Outcome } from './cell.js';

const WIRE_WORDS: Readonly<Record<string, string>> = {
  '': 'nothing',
  'FIN RST': 'FIN, then RST',
  'RST FIN': 'RST, then FIN',
};

/** What the peer saw: `FIN`, `RST`, `nothing`; `FIN, then RST` where it read the end, and its send failed. */
export function peerText({ peer }: Outcome): string {
  if (peer.ending === 'error') return peer.code;
  return peer.ending === 'FIN' && peer.lastSend !== '' ? 'FIN, then RST' : peer.ending;
}

/** What our end put on the wire, in the same words; '' where nobody looked. */
export function wireText({ wire }: Outcome): string {
  return wire === null ? '' : (WIRE_WORDS[wire.order] ?? wire.order);
}

/** What the peer saw, and the wire where that is something else; and what became of what was sent. */
export function seenText(outcome: Outcome): string {
  const peer = peerText(outcome);
  const wire = wireText(outcome);
  const differs = wire !== '' && wire !== peer ? ` (on the wire: ${wire})` : '';
  return `${peer}${differs}${sendsText(outcome)}`;
}

/** `complete`: the peer got everything that was handed over, what was pending included; `cut off`: it did not. */
function sendsText({ sends }: Outcome): string {
  if (sends === null) return '';
  const accounts = { exact: '', lost: ', taken bytes lost', more: ', more than reported' };
  return `, ${sends.complete ? 'complete' : 'cut off'}${accounts[sends.account]}`;
}

/** How the pending request ended: `STATUS_CANCELLED`, `ECANCELED`, `ends with 64 bytes`; `unended` where it did not. */
export function endedText({ operations }: Outcome, unended: string): string {
  return operations
    .map(({ ended, code, status, bytes }) => {
      if (ended === 'never') return unended;
      if (status !== null && status.systemError !== 0) return status.name;
      if (code !== '') return code;
      return `ends with ${bytes[0] === bytes[1] ? bytes[0] : `${bytes[0]} to ${bytes[1]}`} bytes`;
    })
    .join(', ');
}

/** Every outcome of a cell through `text`, with counts where the runs differ: `RST 3 of 5, FIN 2 of 5`. */
export function withCounts(cell: CellResult, text: (outcome: Outcome) => string): string {
  const total = cell.outcomes.reduce((sum, { times }) => sum + times, 0);
  const counts = new Map<string, number>();
  for (const outcome of cell.outcomes) {
    const words = text(outcome);
    counts.set(words, (counts.get(words) ?? 0) + outcome.times);
  }
  if (counts.size === 1) return [...counts.keys()].join('');
  return [...counts].map(([words, times]) => `${words} ${times} of ${total}`).join('; ');
}
