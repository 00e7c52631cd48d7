import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type ExtensionName, extensionFunction } from '../../native-bindings/windows/mswsock.js';
import { Winsock } from '../../src/drivers/iocp/winsock.js';
import { Child } from '../support/child.js';

const STREAM: readonly ExtensionName[] = [
  'AcceptEx',
  'ConnectEx',
  'DisconnectEx',
  'GetAcceptExSockaddrs',
  'TransmitFile',
];
const DATAGRAM: readonly ExtensionName[] = ['WSARecvMsg', 'WSASendMsg'];

if (process.platform === 'win32') {
  describe("Windows' libraries", { timeout: 60_000 }, () => {
    test('the provider has every extension function', () => {
      const winsock = new Winsock();
      for (const [type, names] of [
        ['stream', STREAM],
        ['datagram', DATAGRAM],
      ] as const) {
        const socket = winsock.socket('IPv4', type);
        assert.ok(socket > 0);
        for (const name of names) assert.equal(typeof extensionFunction(socket, name), 'function', name);
        winsock.close(socket);
      }
    });

    // https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-search-order
    test('a library that was planted next to the program is not loaded in the place of the system’s', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'overlapped-'));
      try {
        const program = join(folder, 'node.exe');
        // Not a link: Windows removes no name of a program that is running.
        copyFileSync(process.execPath, program);
        // Nothing that Node has loaded already by the time our own code runs.
        writeFileSync(join(folder, 'cabinet.dll'), 'planted');
        const child = new Child(import.meta.url, 'programs/load-library.js', ['cabinet.dll'], { program, folder });
        const { output, errors } = await child.end();
        assert.match(output, /by its name: failed/, errors);
        assert.match(output, /from the system directory: loaded/, errors);
      } finally {
        rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      }
    });
  });
}
