import type { Scenario } from '../scenario.js';
import { abortScenarios } from './abort.js';
import { acceptScenarios } from './accept.js';
import { closeScenarios } from './close.js';
import { closesocketScenarios } from './closesocket.js';
import { defectScenarios } from './defect.js';
import { outcomeScenarios } from './operation-outcomes.js';
import { sendScenarios } from './operation-sends.js';
import { timeoutScenarios } from './operation-timeouts.js';
import { scaleScenarios } from './scale.js';
import { tcpScenarios } from './tcp.js';
import { udpScenarios } from './udp.js';

/** Every scenario, the story first. */
export const SCENARIOS: readonly Scenario[] = [
  ...defectScenarios,
  ...closeScenarios,
  ...abortScenarios,
  ...closesocketScenarios,
  ...outcomeScenarios,
  ...timeoutScenarios,
  ...sendScenarios,
  ...tcpScenarios,
  ...acceptScenarios,
  ...udpScenarios,
  ...scaleScenarios,
];
