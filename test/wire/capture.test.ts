import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasPacketSockets } from '../../src/platform.js';
import { nowMs } from '../../src/regress/clock.js';
import type { Report } from '../../src/regress/report.js';
import { openCapture, type WireCapture } from '../../src/regress/wire/capture.js';
import { CaptureService } from '../../src/regress/wire/service.js';
import { soon } from '../support/waiting.js';

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

/** Nobody else may look at packets; nor can anything be shown of them then. */
const isPrivileged = hasPacketSockets() && process.getuid?.() === 0;

async function withCapture(act: (capture: WireCapture) => Promise<void>): Promise<void> {
  const opened = await openCapture();
  if ('reason' in opened) {
    assert.ok(!isPrivileged && process.env['CI'] === undefined, `packets must be captured in CI: ${opened.reason}`);
    return;
  }
  try {
    await act(opened.capture);
  } finally {
    await opened.capture.close();
  }
}

async function serve(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.resume().on('end', () => socket.end('bye')));
  // A test that fails must not keep the process.
  server.listen(0, host).unref();
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function talk(host: string, port: number): Promise<void> {
  const socket = connect(port, host);
  socket.end('hello');
  socket.resume();
  await once(socket, 'close');
}

describe('a capture', () => {
  for (const host of ['127.0.0.1', '::1']) {
    test(`sees a connection over ${host} once, in order, on the clock of the trace`, () =>
      withCapture(async (capture) => {
        const { server, port } = await serve(host);
        await capture.begin();
        await capture.include(port);
        const beganMs = nowMs();
        await talk(host, port);
        const isOver = (flags: readonly string[]) => flags.includes('FIN');
        const trace = await capture.end(
          ({ segments }) => segments.filter(({ flags }) => isOver(flags)).length === 2,
          2000,
        );
        const endedMs = nowMs();
        server.close();
        const clients = trace.segments.filter(({ destination }) => destination.port === port);
        const servers = trace.segments.filter(({ source }) => source.port === port);
        assert.equal(trace.dropped, 0);
        const [syn, synAck] = trace.segments;
        assert.deepEqual([syn?.flags, synAck?.flags], [['SYN'], ['SYN', 'ACK']]);
        assert.equal(syn?.source.address, host);
        assert.equal(clients.filter(({ flags }) => flags.includes('SYN')).length, 1, 'loopback shows it once');
        assert.equal(
          clients.reduce((total, { payloadBytes }) => total + payloadBytes, 0),
          5,
        );
        assert.equal(
          servers.reduce((total, { payloadBytes }) => total + payloadBytes, 0),
          3,
        );
        for (const end of [clients, servers]) assert.equal(end.filter(({ flags }) => isOver(flags)).length, 1);
        let beforeMs = beganMs - 1;
        for (const { atMs } of trace.segments) {
          assert.ok(atMs >= beforeMs && atMs <= endedMs + 1, `${atMs} is between ${beforeMs} and ${endedMs}`);
          beforeMs = atMs;
        }
      }));
  }

  test('sees datagrams', () =>
    withCapture(async (capture) => {
      const receiver = createSocket('udp4').unref().bind(0, '127.0.0.1');
      await once(receiver, 'listening');
      const { port } = receiver.address();
      await capture.begin();
      await capture.include(port);
      const sender = createSocket('udp4').unref();
      sender.send(new Uint8Array(1234), port, '127.0.0.1');
      await once(receiver, 'message');
      const { segments } = await capture.end(({ segments }) => segments.length > 0, 2000);
      assert.deepEqual(
        segments.map(({ protocol, payloadBytes }) => [protocol, payloadBytes]),
        [['UDP', 1234]],
      );
      sender.close();
      receiver.close();
    }));

  test('does not see what it was not asked for, nor what was there before it began', () =>
    withCapture(async (capture) => {
      const asked = await serve('127.0.0.1');
      const other = await serve('127.0.0.1');
      await capture.begin();
      await capture.include(asked.port);
      await talk('127.0.0.1', asked.port);
      await capture.begin();
      await capture.include(asked.port);
      await talk('127.0.0.1', other.port);
      await talk('127.0.0.1', asked.port);
      const { segments } = await capture.end();
      assert.equal(segments.filter(({ flags }) => flags.includes('SYN') && !flags.includes('ACK')).length, 1);
      for (const { source, destination } of segments) assert.ok([source.port, destination.port].includes(asked.port));
      asked.server.close();
      other.server.close();
    }));

  test('with more ports than the kernel would filter still keeps to them', () =>
    withCapture(async (capture) => {
      const asked = await serve('127.0.0.1');
      const other = await serve('127.0.0.1');
      await capture.begin();
      const many = Array.from({ length: 600 }, (_, i) => 20_000 + i).filter((port) => port !== other.port);
      await capture.include(...many, asked.port);
      await talk('127.0.0.1', other.port);
      await talk('127.0.0.1', asked.port);
      const { segments } = await capture.end();
      const ports = segments.flatMap(({ source, destination }) => [source.port, destination.port]);
      assert.ok(ports.includes(asked.port));
      assert.ok(!ports.includes(other.port));
      asked.server.close();
      other.server.close();
    }));

  test('says how much it lost when nobody took it in time', () =>
    withCapture(async (capture) => {
      const receiver = createSocket('udp4').unref().bind(0, '127.0.0.1');
      await once(receiver, 'listening');
      const { port } = receiver.address();
      await capture.begin();
      await capture.include(port);
      const sender = createSocket('udp4').unref();
      sender.connect(port, '127.0.0.1');
      await once(sender, 'connect');
      // More than the ring has frames; the receiver need not get them.
      const count = 34_000;
      for (let sent = 0; sent < count; sent += 1000) {
        const batch = Array.from({ length: 1000 }, () => new Promise((resolve) => sender.send('x', resolve)));
        await Promise.all(batch);
      }
      const trace = await capture.end();
      assert.ok(trace.dropped > 0, 'frames were dropped');
      assert.equal(trace.segments.length + trace.dropped, count);
      sender.close();
      receiver.close();
    }));
});

describe('regress with a capture', () => {
  const scenarios = [
    'close/fin',
    'close/unread-data-resets',
    'abort/rst',
    'repair/cancel-close',
    'close/drains-sends',
    'udp/echo',
  ];

  function regress(folder: string, prefix: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Report {
    const file = join(folder, 'report.json');
    const select = scenarios.flatMap((id) => ['-s', id]);
    const [command = process.execPath, ...before] = prefix;
    const args = [...before, CLI, 'regress', ...select, '--json', file, '--pcap', join(folder, 'pcap')];
    const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
    assert.equal(status, 0, stdout);
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  }

  /** Segments in a file that tcpdump's filter selects. */
  function countWithTcpdump(file: string, filter: string): number {
    // From standard input: started by root, tcpdump gives up its privileges and may not open the file any more.
    const lines = execFileSync('tcpdump', ['-n', '-t', '-r', '-', filter], {
      encoding: 'utf8',
      input: readFileSync(file),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return lines.split('\n').filter((line) => line !== '').length;
  }

  /** `overlapped capture` in a process of its own, as scripts/wine.sh starts it. */
  async function withServiceProcess(act: (address: string) => void): Promise<void> {
    const child = spawn(process.execPath, [CLI, 'capture'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    try {
      const [line] = (await soon(once(child.stdout, 'data'), 'the service to say where it is')) as [Buffer];
      act(line.toString().trim());
      child.stdin.end();
      const [status] = await soon(exited, 'the service to end with its standard input');
      assert.equal(status, 0);
    } finally {
      child.kill('SIGKILL');
    }
  }

  async function withFolder(act: (folder: string) => Promise<void> | void): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'overlapped-wire-'));
    try {
      await act(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test('writes files in which tcpdump counts what the report counts', () =>
    withFolder((folder) => {
      const report = regress(folder);
      if (!report.capture.captured) return assert.ok(!isPrivileged && process.env['CI'] === undefined);
      const files = new Set(readdirSync(join(folder, 'pcap')));
      for (const { id, results } of report.scenarios) {
        for (const { driver, wire } of results) {
          const name = `${id.replace('/', '-')}.${driver}.pcap`;
          assert.ok(files.delete(name), `${name} is there`);
          assert.ok(wire);
          const file = join(folder, 'pcap', name);
          assert.equal(wire.dropped, 0);
          assert.equal(countWithTcpdump(file, 'tcp or udp'), wire.ours.segments + wire.peer.segments);
          assert.equal(countWithTcpdump(file, 'tcp[tcpflags] & tcp-fin != 0'), wire.ours.fin + wire.peer.fin);
          assert.equal(countWithTcpdump(file, 'tcp[tcpflags] & tcp-rst != 0'), wire.ours.rst + wire.peer.rst);
        }
      }
      assert.deepEqual([...files], [], 'there is no other file');
      const ends = (id: string) => report.scenarios.find((scenario) => scenario.id === id)?.results[0]?.wire?.ours;
      assert.deepEqual([ends('close/fin')?.fin, ends('close/fin')?.rst], [1, 0]);
      assert.deepEqual([ends('abort/rst')?.fin, ends('abort/rst')?.rst], [0, 1]);
      for (const id of ['close/fin', 'abort/rst']) {
        const result = report.scenarios.find((scenario) => scenario.id === id)?.results[0];
        assert.equal(result?.wire?.claims, 1);
        assert.ok(result?.held.some((expectation) => expectation.endsWith('says it sent is on the wire')));
      }
    }));

  const withoutPrivilege = isPrivileged
    ? ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw', process.execPath]
    : [];

  test('says without the privilege that nothing is captured, and holds by what the peers saw', () =>
    withFolder((folder) => {
      const report = regress(folder, withoutPrivilege);
      assert.equal(report.holds, true);
      assert.equal(report.capture.captured, false);
      if (hasPacketSockets()) assert.match(report.capture.reason, /CAP_NET_RAW/);
      for (const { results } of report.scenarios) for (const { wire } of results) assert.equal(wire, null);
      assert.deepEqual(readdirSync(join(folder, 'pcap')), []);
    }));

  test('gets its packets from a service where it may not capture itself', () =>
    withFolder(async (folder) => {
      if (!isPrivileged) return;
      await withServiceProcess((address) => {
        const report = regress(folder, withoutPrivilege, { OVERLAPPED_CAPTURE: address });
        assert.equal(report.capture.captured, true);
        const claims = report.scenarios.flatMap(({ results }) => results.map(({ wire }) => wire?.claims ?? 0));
        assert.ok(claims.reduce((total, n) => total + n, 0) >= 5);
        assert.equal(readdirSync(join(folder, 'pcap')).length, claims.length);
      });
    }));

  test('goes on when the service is not there, and says so', () =>
    withFolder(async (folder) => {
      const service = await CaptureService.start();
      const { address } = service;
      await service.close();
      const report = regress(folder, [], { OVERLAPPED_CAPTURE: address });
      assert.match(report.capture.reason, /ECONNREFUSED/);
    }));
});
