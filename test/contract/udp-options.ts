import assert from 'node:assert/strict';
import { describe, test } from '../support/contract-test.js';
import { failsWith } from '../support/failures.js';
import type { OnUdpStage } from '../support/udp-stage.js';
import { soon, turns } from '../support/waiting.js';

const X = Buffer.from('x');

/** Options, IPv6, broadcast and multicast. */
export function describeUdpOptions(stage: OnUdpStage): void {
  describe('options', () => {
    describeNamedOptions(stage);
    describeIPv6(stage);
    describeMulticast(stage);
  });
}

function describeNamedOptions(stage: OnUdpStage): void {
  test('a broadcast needs the option', async () => {
    const socket = await stage().bind({ host: '0.0.0.0' });
    assert.equal(socket.getOption('broadcast'), false);
    // The loopback interface's own broadcast address: a machine that is offline has no route to any other.
    const everybody = { host: '127.255.255.255', port: 9 };
    await failsWith(socket.sendTo(X, everybody), 'EACCES');
    socket.setOption('broadcast', true);
    assert.equal(socket.getOption('broadcast'), true);
    assert.equal(await soon(socket.sendTo(X, everybody), 'a broadcast'), X.length);
  });

  test('options are set at bind and by name', async () => {
    const socket = await stage().bind({ receiveBufferBytes: 65_536, reuseAddress: true, broadcast: true });
    assert.ok(socket.getOption('receiveBufferBytes') >= 65_536);
    assert.equal(socket.getOption('reuseAddress'), true);
    assert.equal(socket.getOption('broadcast'), true);
    assert.equal(socket.setOption('ttl', 7).getOption('ttl'), 7);
    assert.equal(socket.setOption('multicastTtl', 3).getOption('multicastTtl'), 3);
    assert.equal(socket.setOption('multicastLoop', false).getOption('multicastLoop'), false);
    assert.throws(() => socket.setOption('ttl', 0), RangeError);
    assert.throws(() => socket.setOption('broadcast', 'yes' as never), TypeError);
    assert.throws(() => socket.setOption('nonsense' as never, 1 as never), TypeError);
  });

  test('the default timeouts can be read and changed', async () => {
    const socket = await stage().bind({ recvTimeoutMs: 2, sendTimeoutMs: 5 });
    assert.equal(socket.recvTimeoutMs, 2);
    assert.equal(socket.sendTimeoutMs, 5);
    await failsWith(socket.recvFrom(), 'ETIMEDOUT');
    socket.recvTimeoutMs = 0;
    await failsWith(socket.recvFrom(), 'ETIMEDOUT');
    assert.throws(() => {
      socket.recvTimeoutMs = -1;
    }, RangeError);
  });

  if (process.platform === 'linux') {
    test('with reusePort two sockets share a port', async () => {
      const first = await stage().bind({ reusePort: true });
      const second = await stage().bind({ reusePort: true, port: first.port });
      assert.equal(second.port, first.port);
    });
  }
}

function describeIPv6(stage: OnUdpStage): void {
  test('datagrams cross over IPv6', async () => {
    const socket = await stage().bind({ host: '::1' });
    const peer = await stage().peer('::1');
    await soon(socket.sendTo(X, { host: '::1', port: peer.port }), 'a sendTo');
    assert.equal((await peer.receive()).from.address, '::1');
    await peer.send('six', socket.port);
    const { data, address } = await soon(socket.recvFrom(), 'a recvFrom');
    assert.equal(Buffer.from(data).toString(), 'six');
    assert.deepEqual({ ...address }, { family: 'IPv6', address: '::1', port: peer.port });
    await soon(socket.sendTo(Buffer.from('back'), address), 'a sendTo');
    assert.equal((await peer.receive()).data.toString(), 'back');
  });

  test('an IPv6 socket talks IPv4 too, unless it is told not to', async () => {
    const socket = await stage().bind({ host: '::' });
    const peer = await stage().peer();
    await soon(socket.sendTo(X, { host: '127.0.0.1', port: peer.port }), 'a sendTo');
    assert.equal((await peer.receive()).from.port, socket.port);
    await peer.send('four', socket.port);
    const { address } = await soon(socket.recvFrom(), 'a recvFrom');
    assert.deepEqual({ ...address }, { family: 'IPv6', address: '::ffff:127.0.0.1', port: peer.port });
    await soon(socket.sendTo(Buffer.from('back'), address), 'a sendTo');
    assert.equal((await peer.receive()).data.toString(), 'back');
    const only = await stage().bind({ family: 6, host: '::', ipv6Only: true });
    assert.equal(only.getOption('ipv6Only'), true);
  });

  test('a batch echoes over IPv6', async () => {
    const socket = await stage().bind({ host: '::1' });
    const peer = await stage().peer('::1');
    for (const text of ['a', 'bb', 'ccc']) await peer.send(text, socket.port);
    const batch = socket.createBatch({ capacity: 4 });
    for (let echoed = 0; echoed < 3; echoed += batch.count) {
      await soon(socket.recvBatch(batch), 'a recvBatch');
      assert.equal(batch.address(0).address, '::1');
      await soon(socket.sendBatch(batch), 'a sendBatch');
    }
    assert.deepEqual(await peer.texts(3), ['a', 'bb', 'ccc']);
    batch.release();
  });
}

function describeMulticast(stage: OnUdpStage): void {
  test('a member of a group hears it until it leaves', async () => {
    const group = '239.255.42.99';
    const member = await stage().bind({ host: '0.0.0.0' });
    // Bound to the loopback address, it also sends to groups on that interface: ip(7), IP_MULTICAST_IF.
    const sender = await stage().bind();
    const to = { host: group, port: member.port };
    member.joinGroup(group, '127.0.0.1');
    await soon(sender.sendTo(Buffer.from('members'), to), 'a sendTo');
    const { data, address } = await soon(member.recvFrom(), 'a recvFrom');
    assert.equal(Buffer.from(data).toString(), 'members');
    assert.equal(address.port, sender.port);
    member.leaveGroup(group, '127.0.0.1');
    await soon(sender.sendTo(Buffer.from('nobody'), to), 'a sendTo');
    await turns();
    await failsWith(member.recvFrom({ timeoutMs: 0 }), 'ETIMEDOUT');
  });

  // Not sent to: loopback interfaces have no route for groups of IPv6.
  test('a group of IPv6 is joined on the interface of an address, once', async () => {
    const member = await stage().bind({ host: '::' });
    member.joinGroup('ff02::4299', '::1');
    assert.throws(() => member.joinGroup('ff02::4299', '0:0:0:0:0:0:0:1'), { code: 'EADDRINUSE' });
    member.leaveGroup('ff02::4299', '::1');
    assert.throws(() => member.leaveGroup('ff02::4299', '::1'), { code: 'EADDRNOTAVAIL' });
    assert.throws(() => member.joinGroup('ff02::4299', '2001:db8::250'), { code: 'EADDRNOTAVAIL' });
  });

  test('what is no group or no interface is refused', async () => {
    const socket = await stage().bind();
    assert.throws(() => socket.joinGroup('127.0.0.1'), { code: 'EINVAL' });
    // Linux finds no device for the address, and Winsock no such address.
    assert.throws(() => socket.joinGroup('239.255.42.99', '192.0.2.250'), { code: /^(ENODEV|EADDRNOTAVAIL)$/ });
    assert.throws(() => socket.joinGroup('nonsense'), TypeError);
    assert.throws(() => socket.joinGroup(5 as never), TypeError);
    assert.throws(() => socket.joinGroup('239.255.42.99', '::1'), TypeError);
    assert.throws(() => socket.leaveGroup('239.255.42.99', '127.0.0.1'), { code: 'EADDRNOTAVAIL' });
  });
}
