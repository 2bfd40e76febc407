// SPDX-License-Identifier: Apache-2.0
/**
 * One log record as a line for people: `2026-01-02T03:04:05.678Z INFO  message name=value`.
 * A value with anything but plain characters is shown as JSON, so outside text can neither start a new line nor colour a terminal.
 */
const LEVELS: ReadonlyMap<unknown, string> = new Map([
  ['debug', 'DEBUG'],
  ['info', 'INFO '],
  ['warn', 'WARN '],
  ['error', 'ERROR'],
]);

const PLAIN = /^[A-Za-z0-9_./:@+,%-]+$/;

export function textLine(record: ReadonlyMap<string, unknown>): string {
  const words = [String(record.get('time')), LEVELS.get(record.get('level')) ?? String(record.get('level'))];
  words.push(escapeControls(String(record.get('msg'))));
  for (const [name, value] of record) {
    if (name === 'time' || name === 'level' || name === 'msg' || value === undefined) continue;
    words.push(`${PLAIN.test(name) ? name : ascii(JSON.stringify(name))}=${shown(value)}`);
  }
  return `${words.join(' ')}\n`;
}

function shown(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value)) return value;
  return ascii(JSON.stringify(value) ?? 'null');
}

function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  return text.replace(/[\u0000-\u001f\u007f-\uffff]/g, escaped);
}

function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
