// SPDX-License-Identifier: Apache-2.0
/**
 * The logger that writes: pino behind the `Logger` interface, one line a record, as JSON or as text for people.
 *
 * Writing never waits on the reader: lines go out asynchronously, and when the reader stalls for so long that
 * 4 MiB are queued, further lines are dropped rather than held (I9). `flush` writes what is queued, for the last moment.
 */
import { pino } from 'pino';
import type { Logger } from './logger.ts';
import { scrub } from './redact.ts';
import { textLine } from './text-line.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  /** Takes whole lines. Absent: standard error. */
  readonly sink?: { write(line: string): unknown };
}

export interface RootLogger extends Logger {
  /** Writes what is queued before it returns. */
  flush(): void;
}

const MOST_QUEUED_BYTES = 4 << 20;

export function createLogger(options: LogOptions): RootLogger {
  const own =
    options.sink === undefined ? pino.destination({ dest: 2, sync: false, maxLength: MOST_QUEUED_BYTES }) : undefined;
  // A reader that went away (EPIPE) takes the lines with it, not the daemon.
  own?.on('error', () => undefined);
  const sink = options.sink ?? own!;
  const lines = options.format === 'json' ? sink : { write: (json: string) => sink.write(jsonToText(json)) };
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Errors are scrubbed already; pino's own serializer would add to them.
      serializers: { err: (shown: unknown) => shown },
    },
    lines as { write(line: string): void },
  );
  return {
    ...wrap(root),
    flush() {
      try {
        own?.flushSync();
      } catch {
        // Nothing was queued, or the reader is gone.
      }
    },
  };
}

/** Bound fields are kept here, scrubbed once, and not in pino's child: that takes plain objects only. */
function wrap(target: pino.Logger, bound: Readonly<Record<string, unknown>> = Object.create(null)): Logger {
  const at =
    (level: LogLevel) =>
    (fields: object, message: string): void => {
      if (target.isLevelEnabled(level)) target[level](joined(bound, fields), message);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(target, joined(bound, fields)),
  };
}

/** The words a line has of its own; a field of that name is kept under another. */
const TAKEN: ReadonlySet<string> = new Set(['time', 'level', 'msg']);

function joined(bound: Readonly<Record<string, unknown>>, fields: object): Record<string, unknown> {
  const all: Record<string, unknown> = Object.assign(Object.create(null), bound);
  for (const [name, value] of Object.entries(scrub(fields) as object))
    all[TAKEN.has(name) ? `field_${name}` : name] = value;
  return all;
}

function jsonToText(json: string): string {
  const record: object = JSON.parse(json);
  return textLine(new Map(Object.entries(record)));
}
