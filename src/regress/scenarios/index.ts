import type { Scenario } from '../scenario.js';
import { closeScenarios } from './close.js';
import { defectScenarios } from './defect.js';

export const SCENARIOS: readonly Scenario[] = [...defectScenarios, ...closeScenarios];
