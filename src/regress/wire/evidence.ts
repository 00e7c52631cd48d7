import type { DriverName } from '../../port/driver.js';
import type { Scenario } from '../scenario.js';
import { openCapture, type WireCapture, type WireTrace } from './capture.js';
import { pcapName, writePcap } from './pcap.js';

/** What a run is told about the wire. */
export interface EvidenceOptions {
  /** False for `--no-capture`. */
  readonly wanted: boolean;
  /** The address of a capture service; absent, this process captures for itself. */
  readonly service: string | undefined;
  readonly pcapDirectory: string | undefined;
}

/** Whether a run has wire evidence, and if not, why: what its report says of it. */
export interface EvidenceReport {
  readonly captured: boolean;
  /** Why not, or why not to the end; ''. */
  readonly reason: string;
}

/** The wire evidence of a run: the capture, where there is one, and the files it is written to. */
export class WireEvidence {
  readonly capture: WireCapture | undefined;
  #reason: string;
  readonly #pcapDirectory: string | undefined;

  private constructor(capture: WireCapture | undefined, reason: string, pcapDirectory: string | undefined) {
    this.capture = capture;
    this.#reason = reason;
    this.#pcapDirectory = pcapDirectory;
  }

  static async open(options: EvidenceOptions): Promise<WireEvidence> {
    const { wanted, service, pcapDirectory } = options;
    if (!wanted) return new WireEvidence(undefined, 'it was not wanted', pcapDirectory);
    const opened = await openCapture(service);
    return 'capture' in opened
      ? new WireEvidence(opened.capture, '', pcapDirectory)
      : new WireEvidence(undefined, opened.reason, pcapDirectory);
  }

  get report(): EvidenceReport {
    return { captured: this.capture !== undefined, reason: this.#reason };
  }

  /** Keeps a scenario's packets, where files were asked for. */
  keep(scenario: Scenario, driver: DriverName, trace: WireTrace): void {
    if (this.#pcapDirectory !== undefined) writePcap(this.#pcapDirectory, pcapName(scenario.id, driver), trace.frames);
  }

  lost(reason: string): void {
    this.#reason = `the capture was lost: ${reason}`;
  }

  async close(): Promise<void> {
    await this.capture?.close();
  }
}
