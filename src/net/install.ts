import net from 'node:net';
import { refuseHandlePassing } from './handle-passing.js';
import { nodeInternals } from './node-internals.js';
import { type SocketConstructor, serverMethods } from './server-methods.js';
import { reinitializeHandle, socketMethods } from './socket-methods.js';
import { installTlsInterop } from './tls-interop.js';

/** Gives a prototype the methods, hidden from enumeration as a class's are. */
export function installMethods(prototype: object, methods: object): void {
  for (const key of Reflect.ownKeys(methods)) {
    const value: unknown = (methods as Record<string | symbol, unknown>)[key];
    Object.defineProperty(prototype, key, { value, writable: true, configurable: true, enumerable: true });
  }
}

/** Puts `Socket` and `Server` on proactors. */
export function installOn(Socket: { prototype: object }, Server: { prototype: object }): void {
  installMethods(Socket.prototype, socketMethods);
  installMethods(Socket.prototype, { [nodeInternals().reinitializeKey]: reinitializeHandle });
  installMethods(Server.prototype, serverMethods(Socket as SocketConstructor));
  installTlsInterop();
  refuseHandlePassing();
}

let replaced = false;

/** Puts `node:net` itself on proactors, for the whole process: every way to import it sees the same classes. */
export function replaceNodeNet(): void {
  if (replaced) return;
  replaced = true;
  installOn(net.Socket, net.Server);
}
