import type { DriverSocket } from '../port/driver.js';
import type { Proactor } from '../port/proactor.js';
import type { ConnectRequest } from './handle-owner.js';
import { StreamHandle } from './stream-handle.js';
import { uvNumber } from './uv-errors.js';

/** Bytes of a path that sun_path has room for. */
const MAX_PATH_BYTES = 107;

/** A connection over a UNIX-domain path. It has no addresses: Node asks for none where there are no such methods. */
export class PipeHandle extends StreamHandle {
  constructor(proactor: Proactor, socket: DriverSocket | null) {
    super('PIPEWRAP', proactor, socket);
  }

  connect(request: ConnectRequest, path: string): number {
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) return uvNumber('EINVAL');
    return this.submitConnect(request, { family: 'unix', address: path, port: 0 });
  }
}
