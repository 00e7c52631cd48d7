import type net from 'node:net';
import type { Actor } from './actor.js';
import type { World } from './player.js';
import type { Client, ConnectTarget } from './program.js';

type Lookup = (host: string, options: unknown, done: (...args: unknown[]) => void) => void;

/** What the socket is made with. */
export function socketOptions(
  client: Client,
  signal: AbortSignal,
  actor: () => Actor | undefined,
): net.SocketConstructorOpts {
  const { allowHalfOpen, noDelay, keepAlive, highWaterMark, onread } = client;
  const options: Record<string, unknown> = { allowHalfOpen, noDelay, keepAlive };
  if (highWaterMark !== null) options['highWaterMark'] = highWaterMark;
  if (client.signal !== 'none') options['signal'] = signal;
  if (onread !== null) {
    const make = () => Buffer.alloc(onread.bytes);
    let stopped = false;
    options['onread'] = {
      buffer: onread.made ? make : make(),
      callback: (bytes: number, buffer: Buffer) => {
        const owner = actor();
        owner?.world.trace.data(owner.name, Buffer.from(buffer.subarray(0, bytes)));
        owner?.react('data');
        const goesOn = !onread.stops || stopped;
        stopped = true;
        return goesOn;
      },
    };
  }
  return options as net.SocketConstructorOpts;
}

/** `options` null: positional arguments, where there is such a form. */
export function connectArguments(world: World, to: ConnectTarget, options: object | null): unknown[] {
  const given = options ?? {};
  const { port, host } = world;
  if (to === 'missing path')
    return options === null ? [`${world.path}-missing`] : [{ ...given, path: `${world.path}-missing` }];
  if (to === 'refused')
    return options === null
      ? [world.refusedPort, '127.0.0.1']
      : [{ ...given, port: world.refusedPort, host: '127.0.0.1' }];
  if (world.isPath) return options === null ? [world.path] : [{ ...given, path: world.path }];
  const base = { ...given, port: port === 0 ? world.refusedPort : port };
  switch (to) {
    case 'server':
      return options === null ? [base.port, host] : [{ ...base, host }];
    case 'server, by a lookup':
      return [{ ...base, host: 'a.name', family: 4, autoSelectFamily: false, lookup: found(world, false) }];
    case 'server, by a late lookup':
      return [{ ...base, host: 'a.name', autoSelectFamily: false, lookup: found(world, true) }];
    case 'a lookup that fails':
      return [{ ...base, host: 'a.name', lookup: failing }];
    case 'a lookup of no address':
      return [{ ...base, host: 'a.name', autoSelectFamily: false, lookup: nonsense }];
    case 'the second of two addresses':
      return [{ ...base, host: 'a.name', autoSelectFamily: true, lookup: several('127.0.0.9', host) }];
    case 'two refusing addresses':
      return [
        {
          ...base,
          port: world.refusedPort,
          host: 'a.name',
          autoSelectFamily: true,
          lookup: several('127.0.0.1', '127.0.0.2'),
        },
      ];
    case 'from an address':
      return [{ ...base, host, localAddress: host === '::1' ? '::1' : '127.0.0.3' }];
  }
}

const familyOf = (address: string) => (address.includes(':') ? 6 : 4);

function found({ host }: World, late: boolean): Lookup {
  return (_name, _options, done) => {
    const tell = () => done(null, host, familyOf(host));
    if (late) process.nextTick(tell);
    else tell();
  };
}

const failing: Lookup = (_name, _options, done) => done(new Error('no such name'));
const nonsense: Lookup = (_name, _options, done) => done(null, 'no address', 4);

function several(...addresses: string[]): Lookup {
  return (_name, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: familyOf(address) })),
    );
}
