import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageVersion } from '../machine.js';
import { UsageError } from '../options.js';
import { standardTerminal, type Terminal } from '../terminal.js';
import { pcapName, preparePcapDirectory } from '../wire/pcap.js';
import { BARE_NAMES, BareError, type BareName } from './bare-platform.js';
import { characterise } from './characterise.js';
import { renderRawPage } from './html.js';
import { OBSERVE_MS } from './limits.js';
import { dataFileName } from './markdown.js';
import { type Cell, CLOSE_WAYS, cellId, cellsOf } from './matrix.js';
import { parseRawOptions, type RawOptions, selectCells } from './options.js';
import { servePeer } from './peer-service.js';
import { bareNames, needsRemotePeer, type OpenedPlatform, openPlatform } from './platforms.js';
import { type PlatformReport, platformText, type RawReport, rawReportToJson } from './report.js';
import { CellTable, summaryLine } from './table.js';

export const RAW_HELP = `overlapped regress --raw: what a close does by itself, with requests pending, on the bare platform.

No driver and no policy of the library's: the system's own calls, for each combination of what is pending, how the
socket is closed, and whether bytes are unread. Each cell says what the peer saw, what was on the wire where packets
can be captured, and how the pending request ended.

  -d, --driver NAME     only this interface: io_uring, epoll or iocp (may be repeated)
  -c, --cell GLOB       only these cells, as 'recv-n/*' (may be repeated)
      --repeat N        runs each cell so many times (5), so that what depends on timing shows
  -l, --list            lists the cells
      --json FILE       writes the results as JSON
      --html FILE       writes one self-contained page
      --data FOLDER     writes a dated JSON file for each platform, as docs/raw holds them
      --pcap FOLDER         writes the packets of each run, from the close on, for Wireshark and tcpdump
      --peer PORT       the port of a peer service: needed under Wine (scripts/raw-wine.sh does it all)
      --serve-peer      is that service, on the Linux side, for one run
      --no-color        no colours (NO_COLOR works too)
  -h, --help            this text

The exit status is 0 if every cell was measured or cannot exist, 1 if not, 2 for a wrong command line.
`;

/** `overlapped regress --raw`; gives the exit status. Throws UsageError for a wrong command line. */
export async function rawRegress(args: readonly string[], given?: Terminal): Promise<number> {
  const options = parseRawOptions(args);
  const terminal = given ?? standardTerminal(options.colour);
  if (options.help) {
    terminal.write(RAW_HELP);
    return 0;
  }
  if (options.servePeer) {
    if (!bareNames().includes('io_uring')) throw new UsageError('--serve-peer serves on Linux only');
    await servePeer((port) => terminal.write(`peer ${port}\n`));
    return 0;
  }
  const ids = selectCells(options.cells, cellsOf([...CLOSE_WAYS, 'op-close']).map(cellId));
  if (options.list) {
    for (const id of ids) terminal.write(`${id}\n`);
    return 0;
  }
  return measure(options, ids, terminal);
}

async function measure(options: RawOptions, ids: readonly string[], terminal: Terminal): Promise<number> {
  const interfaces = interfacesToRun(options);
  const startedAt = new Date();
  const platforms: PlatformReport[] = [];
  const refused: BareName[] = [];
  for (const name of interfaces) {
    const opened = await openOrExplain(name, options, terminal);
    if (opened === null) refused.push(name);
    else platforms.push(await measureOne(name, opened, options, ids, terminal));
  }
  const report: RawReport = {
    schema: 'overlapped-raw',
    version: 1,
    date: startedAt.toISOString(),
    node: process.versions.node,
    overlapped: packageVersion(),
    platforms,
  };
  writeFiles(options, report, terminal);
  const missed = platforms.flatMap(({ cells }) => cells).filter(({ status }) => status === 'not-reached');
  // An interface that was not asked for by its name may be missing: many a container has no io_uring.
  const wanted = refused.filter((name) => options.interfaces.includes(name));
  return missed.length === 0 && platforms.length > 0 && wanted.length === 0 ? 0 : 1;
}

/** The interface; or null where this system refuses it, and a line that says why. */
async function openOrExplain(
  name: BareName,
  { peerPort }: RawOptions,
  terminal: Terminal,
): Promise<OpenedPlatform | null> {
  try {
    return await openPlatform(name, peerPort);
  } catch (error) {
    if (!(error instanceof BareError)) throw error;
    terminal.write(`${name} cannot be measured here: ${error.message}\n`);
    return null;
  }
}

function interfacesToRun({ interfaces, peerPort }: RawOptions): readonly BareName[] {
  const here = bareNames();
  for (const name of interfaces) {
    if (!here.includes(name)) throw new UsageError(`This system has no ${name}; it has: ${here.join(', ') || 'none'}`);
  }
  if (here.length === 0) throw new UsageError(`This system has none of ${BARE_NAMES.join(', ')}`);
  if (needsRemotePeer()) {
    if (peerPort !== null) return here;
    throw new UsageError(
      'Under Wine the peer must be outside of it, since Wine reads a RST as an end: --peer is missing',
    );
  }
  if (peerPort !== null) throw new UsageError('--peer is for runs under Wine: here the peer is in the same process');
  return interfaces.length > 0 ? interfaces : here;
}

async function measureOne(
  name: BareName,
  { platform, peer, wire, blind, close }: OpenedPlatform,
  { repeat, pcapFolder }: RawOptions,
  ids: readonly string[],
  terminal: Terminal,
): Promise<PlatformReport> {
  try {
    const { title, vocabulary, closeWays } = platform;
    const watched = blind === '' ? 'the wire is watched' : `the wire is not watched: ${blind}`;
    terminal.write(`${terminal.paint('bold', platformText(title))}\nPeer: ${peer}; ${watched}\n`);
    if (pcapFolder !== undefined && wire === null) terminal.write(`${pcapFolder} stays empty: no packets are seen\n`);
    const table = new CellTable(terminal, platform);
    const cells = cellsOf(closeWays).filter((cell) => ids.includes(cellId(cell)));
    const onCell = table.write.bind(table);
    const keep = pcapFolder === undefined ? undefined : keepIn(pcapFolder, name);
    const results = await characterise({ platform, cells, repeat, wire, onCell, keepPackets: keep });
    terminal.write(`\n${summaryLine(results)}\n\n`);
    return { platform: title, peer, blind, repeat, observedMs: OBSERVE_MS, vocabulary, closeWays, cells: results };
  } finally {
    await close();
  }
}

/** A capture file for each run: `recv-n-close-empty-1.io_uring.pcap`. */
function keepIn(folder: string, name: BareName): (cell: Cell, run: number, pcap: Uint8Array) => void {
  preparePcapDirectory(folder);
  return (cell, run, pcap) => writeFileSync(join(folder, pcapName(`${cellId(cell)}-${run}`, name)), pcap);
}

function writeFiles({ jsonFile, htmlFile, dataFolder }: RawOptions, report: RawReport, terminal: Terminal): void {
  const write = (file: string, text: string) => {
    writeFileSync(file, text);
    terminal.write(`Wrote ${file}\n`);
  };
  if (jsonFile !== undefined) write(jsonFile, rawReportToJson(report));
  if (htmlFile !== undefined) write(htmlFile, renderRawPage(report));
  if (dataFolder === undefined) return;
  mkdirSync(dataFolder, { recursive: true });
  for (const platform of report.platforms) {
    write(join(dataFolder, dataFileName(report.date, platform)), rawReportToJson({ ...report, platforms: [platform] }));
  }
}
