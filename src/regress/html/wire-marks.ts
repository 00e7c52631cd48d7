import { formatBytes } from '../trace.js';
import type { WireEntry, WireView } from '../wire/view.js';
import type { Mark, Tone } from './sequence.js';

/** What was on the wire as marks of a sequence diagram, each with an arrow from one lifeline to the other. */
export function wireMarks(wire: WireView, prefix: (socket: string) => string): Mark[] {
  return wire.entries.map((entry, index) => {
    const late = answersLateBytes(entry, wire.entries.slice(0, index));
    return {
      side: 'wire' as const,
      atMs: entry.atMs,
      text: `${prefix(entry.socket)}${late ? 'RST to late bytes' : label(entry)}`,
      tone: late ? 'plain' : toneOf(entry),
      bar: null,
      gap: false,
      from: entry.from,
      title: describeEntry(entry),
    };
  });
}

/** TCP answers bytes with a RST that come for a socket which has sent its FIN and is gone: no close is to blame. */
function answersLateBytes(entry: WireEntry, before: readonly WireEntry[]): boolean {
  if (!entry.flags.includes('RST')) return false;
  const own = before.filter(({ socket }) => socket === entry.socket);
  const fin = own.findIndex(({ from, flags }) => from === entry.from && flags.includes('FIN'));
  return fin !== -1 && own.slice(fin).some(({ from, payloadBytes }) => from !== entry.from && payloadBytes > 0);
}

function toneOf({ flags, retransmitted, segments }: WireEntry): Tone {
  if (flags.includes('RST')) return 'rst';
  if (flags.includes('FIN')) return 'fin';
  if (retransmitted === segments) return 'warn';
  return flags.includes('SYN') ? 'plain' : 'data';
}

/** Short enough for the room between the lifelines. */
function label(entry: WireEntry): string {
  const { protocol, flags, segments, payloadBytes, sequence, retransmitted } = entry;
  const bytes = formatBytes(payloadBytes);
  if (protocol === 'UDP') return segments === 1 ? `datagram, ${bytes}` : `${segments} datagrams, ${bytes}`;
  if (segments > 1) return `${segments} segments, ${bytes}${retransmitted > 0 ? `, ${retransmitted} again` : ''}`;
  const again = retransmitted > 0 ? ' again' : '';
  if (flags.includes('SYN')) return `${flags.includes('ACK') ? 'SYN, ACK' : 'SYN'}${again}`;
  const control = flags.filter((flag) => flag === 'FIN' || flag === 'RST').join(', ');
  const parts = [control, payloadBytes > 0 ? bytes : '', `seq ${sequence}`].filter((part) => part !== '');
  return `${parts.join(', ')}${again}`;
}

/** Everything that is known of it, for whoever points at the arrow. */
function describeEntry(entry: WireEntry): string {
  const { protocol, flags, segments, payloadBytes, sequence, retransmitted, atMs, untilMs } = entry;
  const parts = [protocol, flags.join(', ')];
  if (protocol === 'TCP') parts.push(`relative sequence number ${sequence}`);
  parts.push(`${payloadBytes} bytes of payload`);
  if (segments > 1) parts.push(`${segments} segments in ${(untilMs - atMs).toFixed(2)} ms`);
  if (retransmitted > 0) parts.push(segments > 1 ? `${retransmitted} sent again` : 'sent again');
  return parts.filter((part) => part !== '').join('; ');
}

/** What the diagram leaves out of the wire, in words; '' where that is nothing. */
export function wireNotes(wire: WireView): string {
  const { bareAcks, leftOut, dropped } = wire;
  const notes: string[] = [];
  if (bareAcks > 0) notes.push(`${bareAcks} bare ${bareAcks === 1 ? 'acknowledgement' : 'acknowledgements'} not drawn`);
  if (leftOut > 0) notes.push(`${leftOut} further ${leftOut === 1 ? 'segment' : 'segments'} not drawn`);
  if (dropped > 0) notes.push(`${dropped} LOST by the capture`);
  return notes.join(', ');
}

/** `FIN, 3 segments, 10 B`: what one end sent. */
export function describeCount({ fin, rst, segments, payloadBytes }: WireView['ours']): string {
  const times = (count: number, word: string) => (count === 0 ? [] : [count === 1 ? word : `${word} ×${count}`]);
  const what = [...times(fin, 'FIN'), ...times(rst, 'RST'), `${segments} ${segments === 1 ? 'segment' : 'segments'}`];
  if (payloadBytes > 0) what.push(formatBytes(payloadBytes));
  return what.join(', ');
}
