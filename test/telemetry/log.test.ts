// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { createLogger, type LogOptions } from '../../src/telemetry/log.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

function logTo(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', format: 'json', ...options, sink: { write: (line) => lines.push(line) } });
  return { log, lines };
}

describe('createLogger', () => {
  it('writes a JSON line with time, level, fields and message', () => {
    const { log, lines } = logTo();
    log.info({ pid: 7 }, 'hello');
    const record: unknown = JSON.parse(lines[0]!);
    expect(record).toMatchObject({ level: 'info', pid: 7, msg: 'hello', time: expect.stringMatching(/^\d{4}-.*Z$/) });
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = logTo({ level: 'warn' });
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    log.error({}, 'd');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['c', 'd']);
  });

  it('adds the fields of a child, and scrubs them', () => {
    const { log, lines } = logTo();
    log
      .child({ connection: 3 })
      .child({ selectors: ['a:b'] })
      .info({ x: 1 }, 'm');
    expect(JSON.parse(lines[0]!)).toMatchObject({ connection: 3, selectors: '[redacted]', x: 1 });
  });

  it('lets no field pass for a word of the line itself', () => {
    const { log, lines } = logTo();
    log.info({ msg: 'forged', level: 'debug', time: 0 }, 'real');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      msg: 'real',
      level: 'info',
      field_msg: 'forged',
      field_level: 'debug',
    });
  });

  it('writes text on one line whatever the fields hold', () => {
    const { log, lines } = logTo({ format: 'text' });
    log.info({ name: 'a\nERROR forged', colour: '\u001b[31m', path: '/run/x', 'odd key': 1 }, 'line\nbreak\u202e');
    expect(lines).toHaveLength(1);
    const [line] = lines;
    expect(line).toMatch(
      /^\S+Z INFO {2}line\\u000abreak\\u202e name="a\\nERROR forged" colour="\\u001b\[31m" path=\/run\/x "odd key"=1\n$/,
    );
  });

  it('flushes without anything queued', () => {
    expect(() => createLogger({ level: 'info', format: 'text' }).flush()).not.toThrow();
  });
});

describe('silentLogger', () => {
  it('takes everything and says nothing', () => {
    silentLogger.child({}).error({}, 'x');
    silentLogger.debug({}, 'x');
    silentLogger.info({}, 'x');
    silentLogger.warn({}, 'x');
  });
});
