/**
 * `overlapped/stack`: socket stacks other than the platform's own. A stack is described by a profile, opened with
 * `openStack`, and given to `openProactor({ stack })`, whose sockets then live on it.
 */
export { type FfiNapi, openFfiNapiLibrary } from './bsd/library/ffi-napi.js';
export { type JavaScriptFunctions, type JavaScriptStackState, javascriptLibrary } from './bsd/library/javascript.js';
export { openKoffiLibrary } from './bsd/library/koffi.js';
export type { FunctionType, NativeCall, NativeType, NativeValue, StackLibrary } from './bsd/library/library.js';
export { openStack } from './bsd/normalised/open.js';
export type { OpenStack } from './bsd/open-stack.js';
export type { Finding } from './bsd/probe/finding.js';
export { probeStack, proposeProfile } from './bsd/probe/probe.js';
export { CALL_NAMES, CALL_TYPES, type CallName } from './bsd/profile/calls.js';
export { loadProfile } from './bsd/profile/load.js';
export type * from './bsd/profile/profile.js';
export type { QuirkFlags } from './bsd/profile/quirks.js';
export { validateProfile } from './bsd/profile/validate.js';
export { PROFILES } from './bsd/profiles/index.js';
export { LINUX } from './bsd/profiles/linux.js';
export type { SimulationFlags } from './bsd/simulation/flags.js';
export { PS3_FLAGS, simulatePs3 } from './bsd/simulation/ps3.js';
export { SimulatedStack } from './bsd/simulation/simulated-stack.js';
