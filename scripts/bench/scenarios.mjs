// What is measured: data only. `runs/` knows how.

/**
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} title
 * @property {string} what one sentence for the report
 * @property {import('./contenders.mjs').Role} role which server each contender brings
 * @property {'tcp-echo' | 'udp-echo' | 'tick' | 'idle' | 'deadlines' | 'wine' | 'stream' | 'cycles'} run
 * @property {number} connections
 * @property {number} bytes
 * @property {number} [inFlight]
 * @property {number} [hz]
 * @property {number} [quickConnections] instead, in a quick run
 */

/** @type {Scenario[]} */
export const SCENARIOS = [
  {
    id: 'tcp-64',
    title: 'TCP echo, 64 connections',
    what: '64-byte messages, one request in flight per connection.',
    role: 'tcp',
    run: 'tcp-echo',
    connections: 64,
    bytes: 64,
  },
  {
    id: 'tcp-1000',
    title: 'TCP echo, 1000 connections',
    what: '64-byte messages, one request in flight per connection.',
    role: 'tcp',
    run: 'tcp-echo',
    connections: 1000,
    bytes: 64,
  },
  {
    id: 'udp',
    title: 'UDP echo',
    what: '100-byte datagrams, 64 sockets with 8 in flight each.',
    role: 'udp',
    run: 'udp-echo',
    connections: 64,
    inFlight: 8,
    bytes: 100,
  },
  {
    id: 'tick',
    title: 'Game tick, 1000 connections',
    what: 'The server sends 64 bytes to each of 1000 connections, 60 times a second.',
    role: 'tick',
    run: 'tick',
    connections: 1000,
    bytes: 64,
    hz: 60,
  },
  {
    id: 'idle',
    title: 'Memory of idle connections',
    what: 'Connections that echoed one message and are then held open, after 20 seconds of idleness.',
    role: 'idle',
    run: 'idle',
    connections: 8000,
    quickConnections: 2000,
    bytes: 64,
  },
  {
    id: 'stream',
    title: 'One stream through pipe',
    what: '64 MiB to the server and back, through `socket.pipe(socket)`; a stream before it warms up. The load is in C.',
    role: 'stream',
    run: 'stream',
    connections: 1,
    bytes: 64 * 2 ** 20,
  },
  {
    id: 'cycles',
    title: 'Connect, one message, close',
    what: 'Eight clients that connect, echo one message and close, again and again. The load is in C.',
    role: 'cycles',
    run: 'cycles',
    connections: 50_000,
    quickConnections: 5000,
    bytes: 64,
  },
  {
    id: 'latency',
    title: 'TCP ping-pong, 1 connection',
    what: 'One 64-byte message back and forth.',
    role: 'tcp',
    run: 'tcp-echo',
    connections: 1,
    bytes: 64,
  },
  {
    id: 'deadlines',
    title: 'Deadlines',
    what: 'Arming and disarming one deadline while 100,000 are armed, without any IO.',
    role: 'deadlines',
    run: 'deadlines',
    connections: 100_000,
    bytes: 0,
  },
  {
    id: 'wine-64',
    title: 'Under Wine: TCP echo, 64 connections',
    what: 'Both servers in the node.exe of Windows under the same Wine, which is not Windows. 64-byte messages, one request in flight per connection.',
    role: 'wine',
    run: 'wine',
    connections: 64,
    bytes: 64,
  },
  {
    id: 'wine-1000',
    title: 'Under Wine: TCP echo, 1000 connections',
    what: 'The same with 1000 connections.',
    role: 'wine',
    run: 'wine',
    connections: 1000,
    bytes: 64,
  },
];
