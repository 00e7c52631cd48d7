// net-idle.mjs PORT: the node:net echo server, able to collect its garbage on request.
import { collectOnSignal } from './announce.mjs';

collectOnSignal();
await import('./net-tcp-echo.mjs');
