import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openCapture } from '../../src/regress/wire/capture.js';
import type { FrameSource } from '../../src/regress/wire/frame.js';
import { Lines } from '../../src/regress/wire/lines.js';
import { formatServiceAddress, parseServiceAddress } from '../../src/regress/wire/protocol.js';
import { CaptureService, type OpenSource } from '../../src/regress/wire/service.js';
import { frameOf, hex } from '../support/packets.js';
import { soon, until } from '../support/waiting.js';

/** From port 1025 to port 80, by hand: see wire-decode.test.ts. */
const SYN = hex(`000000000000 000000000000 0800 45 00 0028 1234 4000 40 06 0000 7f000001 7f000001
  0401 0050 00000001 00000000 50 02 0040 0000 0000`);

class FakeSource implements FrameSource {
  readonly calls: string[] = [];
  async begin() {
    this.calls.push('begin');
  }
  async include(ports: readonly number[]) {
    this.calls.push(`include ${ports}`);
  }
  async take() {
    this.calls.push('take');
    return { frames: [frameOf(SYN)], dropped: 2, clockAheadMs: 0 };
  }
  async close() {
    this.calls.push('close');
  }
}

async function withService(open: OpenSource, act: (service: CaptureService) => Promise<void>): Promise<void> {
  const service = await CaptureService.start(open);
  try {
    await act(service);
  } finally {
    await soon(service.close(), 'the service to close');
  }
}

/** Says this to the service, and gives what it answers until it ends the connection. */
function say(service: CaptureService, text: string | Uint8Array): Promise<string> {
  const { port = 0 } = parseServiceAddress(service.address) ?? {};
  return soon(
    new Promise((resolve) => {
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.setEncoding('utf8');
      socket.on('data', (data: string) => {
        answer += data;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
    }),
    'the service to end the connection',
  );
}

const openLine = (service: CaptureService) =>
  `${JSON.stringify({ verb: 'open', token: parseServiceAddress(service.address)?.token })}\n`;

describe('the capture service', () => {
  test("gives a client the source's packets, and says how many were lost", async () => {
    const source = new FakeSource();
    await withService(
      async () => ({ source }),
      async (service) => {
        const opened = await openCapture(service.address);
        assert.ok('capture' in opened);
        const { capture } = opened;
        await capture.begin();
        await capture.include(80, 81);
        const trace = await capture.end();
        assert.equal(trace.dropped, 2);
        assert.equal(trace.segments.length, 1);
        assert.deepEqual(trace.segments[0]?.flags, ['SYN']);
        assert.deepEqual(trace.frames[0]?.bytes.length, SYN.length);
        await capture.close();
        await until(() => source.calls.includes('close'), 'the source to be closed with the connection');
        assert.deepEqual(source.calls, ['begin', 'include 80,81', 'take', 'close']);
      },
    );
  });

  test('passes on why it cannot capture', () =>
    withService(
      async () => ({ reason: 'no privilege here' }),
      async (service) => {
        assert.deepEqual(await openCapture(service.address), { reason: 'the capture service: no privilege here' });
      },
    ));

  test('refuses whoever does not know the token', () =>
    withService(
      async () => assert.fail('the source must not be opened'),
      async (service) => {
        const { port = 0 } = parseServiceAddress(service.address) ?? {};
        const opened = await openCapture(formatServiceAddress({ port, token: '0'.repeat(32) }));
        assert.deepEqual(opened, { reason: 'the capture service: the token is wrong' });
      },
    ));

  const garbage: readonly (readonly [string, string, RegExp])[] = [
    ['what is not JSON', 'GET / HTTP/1.1\r\n\r\n', /no request/],
    ['JSON that is no request', '[1,2,3]\n', /no request/],
    ['an unknown verb', '{"verb":"shutdown"}\n', /no request/],
    ['a request before it is opened', '{"verb":"take"}\n', /opened first/],
    ['a token that is not a text', '{"verb":"open","token":{"length":32}}\n', /no request/],
    ['a line without an end', 'x'.repeat(500_000), /too long/],
  ];
  for (const [what, text, answer] of garbage) {
    test(`refuses ${what}, says so, and goes on serving`, () =>
      withService(
        async () => ({ source: new FakeSource() }),
        async (service) => {
          assert.match(await say(service, text), answer);
          const opened = await openCapture(service.address);
          assert.ok('capture' in opened);
          await opened.capture.close();
        },
      ));
  }

  const wrongPorts = ['"80"', '[0]', '[65536]', '[1.5]', '["80"]', '{}', 'null'];
  for (const ports of wrongPorts) {
    test(`refuses the ports ${ports}`, () =>
      withService(
        async () => ({ source: new FakeSource() }),
        async (service) => {
          const request = `${openLine(service)}{"verb":"include","ports":${ports}}\n`;
          assert.match(await say(service, request), /no request/);
        },
      ));
  }

  test('a client whose service ends is told, and does not wait for ever', async () => {
    const service = await CaptureService.start(async () => ({ source: new FakeSource() }));
    const opened = await openCapture(service.address);
    assert.ok('capture' in opened);
    await service.close();
    await assert.rejects(soon(opened.capture.begin(), 'begin() to fail'), /ended|ECONNRESET/);
  });

  test('an address that nobody serves is a reason, and no exception', async () => {
    const service = await CaptureService.start(async () => ({ source: new FakeSource() }));
    const { address } = service;
    await service.close();
    const opened = await openCapture(address);
    assert.match('reason' in opened ? opened.reason : '', /ECONNREFUSED/);
  });

  test('has addresses on this machine only', () => {
    const token = '0123456789abcdef'.repeat(2);
    assert.deepEqual(parseServiceAddress(`127.0.0.1:80/${token}`), { port: 80, token });
    const port = `127.0.0.1:70000/${token}`;
    for (const text of [
      `10.0.0.1:80/${token}`,
      `127.0.0.1/${token}`,
      '127.0.0.1:80',
      port,
      `x127.0.0.1:80/${token}`,
      '',
    ])
      assert.equal(parseServiceAddress(text), null, text);
  });
});

describe('Lines', () => {
  test('are the same however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'bc', '\n', 'd\ne', '')), (pieces) => {
        const lines = new Lines(1000);
        const got = pieces.flatMap((piece) => lines.add(piece) ?? []);
        assert.deepEqual(got, pieces.join('').split('\n').slice(0, -1));
      }),
    );
  });
});
