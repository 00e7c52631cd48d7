import type { CapturedFrame } from './frame.js';

/**
 * What a capture service is asked, and what it answers: a line of JSON each, in the same order. It serves a run that
 * cannot capture for itself because it is a Windows program under Wine; both are on one machine.
 */
export type ServiceRequest =
  /** First of all. The token came with the address: packets are not for everybody who can connect to a port. */
  | { readonly verb: 'open'; readonly token: string }
  | { readonly verb: 'begin' }
  | { readonly verb: 'include'; readonly ports: readonly number[] }
  | { readonly verb: 'take' }
  | { readonly verb: 'clock' };

export interface ServiceAnswer {
  /** Why the request was refused; the service then ends the connection. */
  readonly error?: string;
  /** `take` */
  readonly frames?: readonly WrittenFrame[];
  readonly dropped?: number;
  /** `clock`: CLOCK_REALTIME, in milliseconds. */
  readonly realtimeMs?: number;
}

/** Seconds, nanoseconds, the frame's length, and what was kept of it in base64. */
export type WrittenFrame = readonly [seconds: number, nanoseconds: number, wireBytes: number, bytes: string];

/** Enough for every port there is; whoever sends more is not a run of ours. */
export const MAX_REQUEST_CHARACTERS = 400_000;

/** `127.0.0.1:PORT/TOKEN`: where a service is and what opens it. */
export interface ServiceAddress {
  readonly port: number;
  readonly token: string;
}

export const SERVICE_HOST = '127.0.0.1';

const ADDRESS = /^127\.0\.0\.1:(\d{1,5})\/([0-9a-f]{32})$/;

/** Null where the text is no address of a service. Another host's packets would say nothing of this machine. */
export function parseServiceAddress(text: string): ServiceAddress | null {
  const [, digits, token] = ADDRESS.exec(text) ?? [];
  const port = Number(digits ?? 0);
  return token === undefined || port < 1 || port > 65_535 ? null : { port, token };
}

export function formatServiceAddress({ port, token }: ServiceAddress): string {
  return `${SERVICE_HOST}:${port}/${token}`;
}

/** Null where the line is no request. */
export function parseRequest(line: string): ServiceRequest | null {
  const value = parseObject(line);
  switch (value?.['verb']) {
    case 'open': {
      const { token } = value;
      return typeof token === 'string' ? { verb: 'open', token } : null;
    }
    case 'include': {
      const { ports } = value;
      return Array.isArray(ports) && ports.every(isPort) ? { verb: 'include', ports } : null;
    }
    case 'begin':
    case 'take':
    case 'clock':
      return { verb: value['verb'] };
    default:
      return null;
  }
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

/** Null where the line is no answer. */
export function parseAnswer(line: string): ServiceAnswer | null {
  return parseObject(line) as ServiceAnswer | null;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

export function writeFrame({ seconds, nanoseconds, wireBytes, bytes }: CapturedFrame): WrittenFrame {
  return [seconds, nanoseconds, wireBytes, Buffer.from(bytes).toString('base64')];
}

export function readFrame([seconds, nanoseconds, wireBytes, bytes]: WrittenFrame): CapturedFrame {
  return { seconds, nanoseconds, wireBytes, bytes: Buffer.from(bytes, 'base64') };
}
