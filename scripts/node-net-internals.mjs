// Node's own tests of `net` that test what is inside of Node rather than what `net` promises, each with its reason.
// Only a test that fails is left out of the count: one that passes counts.

/** @type {ReadonlyMap<string, string>} */
export const INTERNALS = new Map([
  ['test-net-persistent-nodelay.js', "replaces setNoDelay of libuv's TCP handle and counts its calls"],
  ['test-net-server-keepalive.js', "replaces setKeepAlive of libuv's TCP handle and counts its calls"],
  ['test-net-server-nodelay.js', "replaces setNoDelay of libuv's TCP handle and counts its calls"],
]);
