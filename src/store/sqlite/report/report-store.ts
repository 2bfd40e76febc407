// SPDX-License-Identifier: Apache-2.0
/** The report as the daemon asks for it: one thread, started for the first question and ended when nobody asks. */
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../../lib/clock.ts';
import { Failure } from '../../../lib/failure.ts';
import type { MetricResult, ReportStore, ReportTerms } from '../../reports.ts';
import type { ReportAnswer, ReportOrder } from './report-thread.ts';

/** Between two questions of a scraper that asks once a minute it stays. */
const IDLE_MS = 90_000;

export class SqliteReportStore implements ReportStore {
  readonly #databasePath: string;
  readonly #clock: Clock;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle: Timer | undefined;
  #closed = false;

  constructor(databasePath: string, clock: Clock) {
    this.#databasePath = databasePath;
    this.#clock = clock;
  }

  take(terms: ReportTerms, offenders: number): Promise<readonly MetricResult[]> {
    return this.#ask({ terms, offenders, id: undefined });
  }

  async one(id: string, terms: ReportTerms, offenders: number): Promise<MetricResult> {
    const [result] = await this.#ask({ terms, offenders, id });
    if (result === undefined) throw failed(`there is no metric ${id}`);
    return result;
  }

  /** Waits for what is being drawn. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#idle?.cancel();
    await this.#worker?.terminate();
    this.#worker = undefined;
    await this.#last;
  }

  /** In turn: two at once would only keep two cores from whoever waits for an identity. */
  #ask(order: ReportOrder): Promise<readonly MetricResult[]> {
    const answer = this.#last.then(() => this.#run(order));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #run(order: ReportOrder): Promise<readonly MetricResult[]> {
    if (this.#closed) throw failed('the store is closed');
    this.#idle?.cancel();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    try {
      const answer = await answerOf(worker, order);
      if ('trouble' in answer) throw failed(answer.trouble);
      return answer.results;
    } finally {
      worker.unref();
      if (!this.#closed) this.#idle = this.#clock.after(IDLE_MS, () => this.#end());
    }
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./report-thread.${extension}`, import.meta.url), {
      name: 'report',
      workerData: { databasePath: this.#databasePath },
      // Its connection reads and keeps nothing.
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }

  #end(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
  }
}

function answerOf(worker: Worker, order: ReportOrder): Promise<ReportAnswer> {
  worker.ref();
  return new Promise((resolve) => {
    const settle = (answer: ReportAnswer): void => {
      worker.off('message', settle);
      worker.off('error', failing);
      worker.off('exit', ending);
      resolve(answer);
    };
    const failing = (error: Error): void => settle({ trouble: error.message });
    const ending = (): void => settle({ trouble: 'its thread ended' });
    worker.on('message', settle).on('error', failing).on('exit', ending);
    worker.postMessage(order);
  });
}

function failed(why: string): Failure {
  return new Failure('unavailable', 'REPORT_FAILED', `the report could not be drawn: ${why}`, {
    hint: 'look at the log of the daemon, and try again',
  });
}
