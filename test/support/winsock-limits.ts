import type { ContractLimit } from './contract-test.js';

export const WINSOCK_LIMITS: readonly ContractLimit[] = [];
