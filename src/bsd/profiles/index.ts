import type { StackProfile } from '../profile/profile.js';
import { N3DS } from './3ds.js';
import { DARWIN } from './darwin.js';
import { HAIKU } from './haiku.js';
import { LINUX } from './linux.js';
import { LWIP } from './lwip.js';
import { PS3 } from './ps3.js';
import { PSP } from './psp.js';
import { SOLARIS } from './solaris.js';
import { SWITCH } from './switch.js';
import { VITA } from './vita.js';
import { WII } from './wii.js';
import { WINSOCK } from './winsock.js';

/** The profiles that are included, by name. */
export const PROFILES: Readonly<Record<string, StackProfile>> = Object.fromEntries(
  [LINUX, DARWIN, WINSOCK, LWIP, PS3, PSP, VITA, WII, N3DS, SWITCH, HAIKU, SOLARIS].map((profile) => [
    profile.name,
    profile,
  ]),
);
