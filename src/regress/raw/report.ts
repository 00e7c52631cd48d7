import type { PlatformTitle, Vocabulary } from './bare-platform.js';
import type { CellResult } from './cell.js';
import type { CloseWay, Pending, Unread } from './matrix.js';

/**
 * The results as data, as `--json` and `--data` write them. `version` grows when a field changes its meaning or goes
 * away; a field may be added without that.
 */
export interface RawReport {
  readonly schema: 'overlapped-raw';
  readonly version: 1;
  /** When the run began: ISO 8601, UTC. */
  readonly date: string;
  readonly node: string;
  readonly overlapped: string;
  readonly platforms: readonly PlatformReport[];
}

export interface PlatformReport {
  readonly platform: PlatformTitle;
  /** Who the peer was. */
  readonly peer: string;
  /** '' where the wire was watched, otherwise why not. */
  readonly blind: string;
  /** How often each cell was run. */
  readonly repeat: number;
  /** What `nothing` and `never` mean: for how long it was looked. */
  readonly observedMs: number;
  readonly vocabulary: Vocabulary;
  readonly closeWays: readonly CloseWay[];
  readonly cells: readonly CellResult[];
}

/** What others report of a platform that was not measured. The file is written by hand. */
export interface ReportedPlatform {
  readonly schema: 'overlapped-raw-reported';
  readonly version: 1;
  readonly system: PlatformTitle['system'];
  readonly vocabulary: Vocabulary;
  readonly closeWays: readonly CloseWay[];
  /** By the name that cells use. */
  readonly sources: Readonly<Record<string, ReportedSource>>;
  readonly cells: readonly ReportedCell[];
}

export interface ReportedSource {
  readonly title: string;
  readonly url: string;
  /** What it says, in our words. */
  readonly says: string;
}

export interface ReportedCell {
  readonly pending: Pending;
  readonly close: CloseWay;
  readonly unread: Unread;
  /** What the peer is reported to see: `FIN`, `RST`, `FIN or RST` where reports disagree. */
  readonly seen: string;
  /** How the pending request is reported to end; '' where nothing is said. */
  readonly ended: string;
  readonly sources: readonly string[];
}

/** `linux-6.18-io_uring`: the name of a platform's data file behind its date. */
export function platformName({ system, version, interface: name }: PlatformTitle): string {
  // A patch level of Linux or a build of Windows changes nothing of this; the file says it all the same.
  const [major = '', minor] = version.split('.');
  return `${system}-${minor === undefined ? major : `${major}.${minor}`}-${name}`;
}

/** `Linux 6.18.44, io_uring`; Wine is Wine. */
export function platformText({ system, version, interface: name }: PlatformTitle): string {
  const names = { linux: 'Linux', wine: 'Wine', windows: 'Windows' };
  return `${names[system]} ${version}, ${name}`;
}

/** The report as text: a line a cell, so that a change of one shows as one. */
export function rawReportToJson(report: RawReport): string {
  const { platforms, ...head } = report;
  const blocks = platforms.map(({ cells, ...rest }) => {
    const lines = cells.map((cell) => `      ${JSON.stringify(cell, rounded)}`);
    const fields = Object.entries(rest).map(
      ([name, value]) => `      ${JSON.stringify(name)}: ${JSON.stringify(value)},`,
    );
    return `    {\n${fields.join('\n')}\n      "cells": [\n${lines.join(',\n')}\n      ]\n    }`;
  });
  const fields = Object.entries(head).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  return `{\n${fields.join('\n')}\n  "platforms": [\n${blocks.join(',\n')}\n  ]\n}\n`;
}

/** A microsecond is what the clock is worth here. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Math.round(value * 1000) / 1000 : value;
}
