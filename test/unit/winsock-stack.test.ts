import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { QuirkName } from '../../src/bsd/probe/finding.js';
import { isOrdinary, probeStack } from '../../src/bsd/probe/probe.js';
import { WINSOCK } from '../../src/bsd/profiles/winsock.js';
import { winsockLibrary } from '../../src/bsd/winsock/open.js';

/** What Wine 8 does not do as Windows does it, or as Windows once did. */
const OTHERWISE_UNDER_WINE: Readonly<Partial<Record<QuirkName, string>>> = {
  connectFailInvisible: 'Wine has the WSAPoll of Windows 10 2004, which shows a failed connect',
  reuseAddressHijacks: "SO_REUSEADDR is the host's, and Linux refuses a second listener",
  udpReset: 'a datagram that finds nobody is nothing: test/support/winsock-limits.ts',
};

describe('Winsock as a stack', { skip: process.platform === 'win32' ? false : 'it is for Windows' }, () => {
  test('probing finds the flags of the profile, but for those that Wine has otherwise', () => {
    const differing = probeStack(WINSOCK, winsockLibrary()).filter(({ flag, value }) => {
      const has = WINSOCK.quirks[flag] ?? false;
      return value !== null && (isOrdinary(flag, value) ? !isOrdinary(flag, has) : value !== has);
    });
    const unexpected = differing.filter(({ flag }) => OTHERWISE_UNDER_WINE[flag] === undefined);
    assert.deepEqual(unexpected, []);
  });
});
