import { MappedMemory } from '../memory.js';
import { MEM_COMMIT, MEM_RESERVE, PAGE_READWRITE } from './constants.js';
import { kernel32 } from './kernel32.js';

export const HEADERS = ['windows.h'] as const;

/** Committing goes in steps of this: VirtualAlloc's own granularity. */
const COMMIT_BYTES = 65536;

/** Committed pages from VirtualAlloc: zeroed, and never given back. */
export function allocatePages(byteLength: number): number {
  return virtualAlloc(0, byteLength, MEM_RESERVE | MEM_COMMIT);
}

/**
 * Memory whose addresses are reserved at once and whose pages are committed as they come into use: unlike mmap, Windows
 * counts a committed page against the system's limit before it is touched.
 * https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualalloc
 */
export class ReservedMemory {
  readonly memory: MappedMemory;
  #committed = 0;

  constructor(byteLength: number) {
    this.memory = MappedMemory.map(byteLength, (length) => virtualAlloc(0, length, MEM_RESERVE));
  }

  /** Makes the first `byteLength` bytes usable. */
  commit(byteLength: number): void {
    if (byteLength <= this.#committed) return;
    const wanted = Math.min(Math.ceil(byteLength / COMMIT_BYTES) * COMMIT_BYTES, this.memory.byteLength);
    virtualAlloc(this.memory.address(this.#committed), wanted - this.#committed, MEM_COMMIT);
    this.#committed = wanted;
  }

  /**
   * Commits the bytes up to the end of a part, and gives a buffer over that part alone, for views that leave the
   * library. Whoever clones a view (structuredClone, a message to a worker) reads the whole buffer under it, and a page
   * that is reserved and not committed ends the process.
   */
  part(offset: number, byteLength: number): ArrayBuffer {
    this.commit(offset + byteLength);
    return new MappedMemory(this.memory.address(offset), byteLength).buffer;
  }
}

function virtualAlloc(address: number, byteLength: number, type: number): number {
  const { VirtualAlloc, GetLastError } = kernel32();
  const allocated = VirtualAlloc(address, byteLength, type, PAGE_READWRITE);
  if (allocated === 0) throw new Error(`Cannot allocate ${byteLength} bytes of memory: error ${GetLastError()}`);
  return allocated;
}
