import type { Proactor } from '../port/proactor.js';
import { type ProactorOptions, proactorFor } from '../sockets/default-proactor.js';

let chosen: ProactorOptions = {};

/** The proactor that carries the sockets and servers of `overlapped/net`: the process's own unless another was chosen. */
export function carrier(): Proactor {
  return proactorFor(chosen);
}

/** Chooses the driver or the proactor of the sockets and servers that are opened from here on. */
export function chooseCarrier(options: ProactorOptions): void {
  chosen = options;
}
