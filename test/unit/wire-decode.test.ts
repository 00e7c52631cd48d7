import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeFrame } from '../../src/regress/wire/decode.js';
import { frameOf, hex } from '../support/packets.js';

// Written by hand from the figures of the RFCs, field by field.

/** Two addresses of zeros, as the loopback interface has them, and the type. */
const ETHERNET_IPV4 = '000000000000 000000000000 0800';
const ETHERNET_IPV6 = '000000000000 000000000000 86dd';

/** RFC 791 3.1: version 4 and 5 words, service, length, identification, flags, time to live, protocol, checksum. */
const ipv4 = (totalLength: string, protocol: string) =>
  `45 00 ${totalLength} 1234 4000 40 ${protocol} 0000 7f000001 7f000002`;

/** RFC 8200 3: version 6, payload length, next header, hop limit, ::1 and 2001:db8::2. */
const ipv6 = (payloadLength: string, nextHeader: string) =>
  `60000000 ${payloadLength} ${nextHeader} 40 ${'00'.repeat(15)}01 20010db8 ${'00'.repeat(11)}02`;

/** RFC 9293 3.1: ports 1025 and 80, sequence, acknowledgement, 5 words and flags, window, checksum, urgent pointer. */
const tcpHeader = (flags: string) => `0401 0050 fffffffe 00000102 50 ${flags} 0040 0000 0000`;

const read = (...parts: string[]) => decodeFrame(frameOf(hex(parts.join(''))), 0);

describe('decodeFrame()', () => {
  test('reads a TCP segment over IPv4', () => {
    const segment = read(ETHERNET_IPV4, ipv4('002d', '06'), tcpHeader('18'), '0102030405');
    assert.deepEqual(segment, {
      protocol: 'TCP',
      atMs: 100_250,
      source: { address: '127.0.0.1', port: 1025 },
      destination: { address: '127.0.0.2', port: 80 },
      flags: ['PSH', 'ACK'],
      sequence: 0xfffffffe,
      acknowledgement: 0x102,
      window: 64,
      payloadBytes: 5,
    });
  });

  test('reads a TCP segment over IPv6', () => {
    const segment = read(ETHERNET_IPV6, ipv6('0014', '06'), tcpHeader('11'));
    assert.equal(segment?.source.address, '::1');
    assert.equal(segment?.destination.address, '2001:db8::2');
    assert.equal(segment?.source.port, 1025);
    assert.deepEqual(segment?.flags, ['FIN', 'ACK']);
    assert.equal(segment?.payloadBytes, 0);
  });

  test('has each flag at its bit', () => {
    const names = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];
    names.forEach((name, bit) => {
      const flags = (1 << bit).toString(16).padStart(2, '0');
      assert.deepEqual(read(ETHERNET_IPV4, ipv4('0028', '06'), tcpHeader(flags))?.flags, [name]);
    });
  });

  test('finds the TCP header behind IP options, and the payload behind TCP options', () => {
    // Six words of IP header with three no-operations and an end; seven words of TCP header.
    const ip = '46 00 0039 1234 4000 40 06 0000 7f000001 7f000001 01010100';
    const header = '0401 0050 00000001 00000000 70 02 0040 0000 0000 0204ffd7 01010101';
    const segment = read(ETHERNET_IPV4, ip, header, '0102030405');
    assert.equal(segment?.source.port, 1025);
    assert.deepEqual(segment?.flags, ['SYN']);
    assert.equal(segment?.payloadBytes, 5);
  });

  test('reads UDP over both', () => {
    const header = '0035 0401 000c 0000 01020304';
    const over4 = read(ETHERNET_IPV4, ipv4('0020', '11'), header);
    const over6 = read(ETHERNET_IPV6, ipv6('000c', '11'), header);
    for (const segment of [over4, over6]) {
      assert.equal(segment?.protocol, 'UDP');
      assert.deepEqual([segment?.source.port, segment?.destination.port], [53, 1025]);
      assert.equal(segment?.payloadBytes, 4);
    }
  });

  test('counts the payload that the capture cut off', () => {
    const bytes = hex(`${ETHERNET_IPV4}${ipv4('fde8', '06')}${tcpHeader('10')}`);
    assert.equal(decodeFrame(frameOf(bytes, 65_014), 0)?.payloadBytes, 0xfde8 - 40);
  });

  test('takes the frame for the length of a packet that is too long to say it (BIG TCP)', () => {
    const bytes = hex(`${ETHERNET_IPV4}${ipv4('0000', '06')}${tcpHeader('10')}`);
    assert.equal(decodeFrame(frameOf(bytes, 14 + 40 + 100_000), 0)?.payloadBytes, 100_000);
  });

  test('puts frames on the clock of the trace', () => {
    const bytes = hex(`${ETHERNET_IPV4}${ipv4('0028', '06')}${tcpHeader('10')}`);
    assert.equal(decodeFrame(frameOf(bytes), 100_000)?.atMs, 250);
  });

  const nothing: readonly (readonly [string, ...string[]])[] = [
    ['nothing at all'],
    ['ARP', '000000000000 000000000000 0806', '00'.repeat(40)],
    ['ICMP', ETHERNET_IPV4, ipv4('0028', '01'), '00'.repeat(20)],
    ['a later fragment', ETHERNET_IPV4, '45 00 0028 1234 0010 40 06 0000 7f000001 7f000001', tcpHeader('10')],
    ['IPv4 that says it is version 5', ETHERNET_IPV4, `55${ipv4('0028', '06').slice(2)}`, tcpHeader('10')],
    ['an IP header of four words', ETHERNET_IPV4, `44${ipv4('0028', '06').slice(2)}`, tcpHeader('10')],
    ['a TCP header of four words', ETHERNET_IPV4, ipv4('0028', '06'), tcpHeader('10').replace('50 10', '40 10')],
    [
      'a TCP header longer than its packet',
      ETHERNET_IPV4,
      ipv4('0028', '06'),
      tcpHeader('10').replace('50 10', 'f0 10'),
    ],
    ['a TCP header that is cut off', ETHERNET_IPV4, ipv4('0028', '06'), '0401 0050 00000001'],
    ['a UDP length below its header', ETHERNET_IPV4, ipv4('001a', '11'), '0035 0401 0008 0000'],
  ];
  for (const [what, ...parts] of nothing) {
    test(`gives null for ${what}`, () => assert.equal(read(...parts), null));
  }

  test('never throws, and never claims more than a packet can hold', () => {
    const head = fc.constantFrom(
      '',
      ETHERNET_IPV4,
      ETHERNET_IPV6,
      `${ETHERNET_IPV4}${ipv4('0040', '06')}`,
      `${ETHERNET_IPV4}${ipv4('0040', '11')}`,
      `${ETHERNET_IPV6}${ipv6('0040', '06')}`,
    );
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 120 }), fc.nat(70_000), (start, rest, wireBytes) => {
        const bytes = Uint8Array.from([...hex(start), ...rest]);
        const segment = decodeFrame(frameOf(bytes, wireBytes), 0);
        if (segment === null) return;
        assert.ok(segment.payloadBytes >= 0 && segment.payloadBytes <= 70_000);
        assert.ok(segment.source.port >= 0 && segment.source.port <= 65_535);
        assert.ok(segment.sequence >= 0 && segment.sequence < 2 ** 32);
      }),
      { numRuns: 3000 },
    );
  });
});
