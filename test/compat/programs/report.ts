import type net from 'node:net';

/** A line that the test compares with what the same program prints over node:net. */
export function say(...words: readonly unknown[]): void {
  console.log(words.join(' '));
}

/** What carries a server or a socket: for the test to know that it is what it wants to test. */
export function sayCarrier(carried: net.Server | net.Socket): void {
  const handle = (carried as unknown as { _handle: object | null })._handle;
  console.error(`carried by ${handle?.constructor.name}`);
}

export function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port;
}
