// SPDX-License-Identifier: Apache-2.0
/** What the reader sees: numbered steps, the commands run, and who says what. */

const colour = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
const paint = (code: number, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

let steps = 0;

export function title(text: string): void {
  print(paint(1, text));
}

export function step(text: string): void {
  steps += 1;
  print(`\n${paint(1, `${steps}. ${text}`)}`);
}

export function note(...lines: readonly string[]): void {
  for (const line of lines) print(`   ${line}`);
}

/** A command, as the reader could type it; one too long for a line goes on below. */
export function command(words: string, more = ''): void {
  if (words.length + more.length < 95) print(`   ${paint(36, `$ ${words} ${more}`.trimEnd())}`);
  else print(`   ${paint(36, `$ ${words} \\`)}\n     ${paint(36, more)}`);
}

/** One line of a program of ours. */
export function says(who: string, line: string): void {
  const shown = /FAILED|refused|turned|denied|was cut|no other|: 40[13]/.test(line)
    ? paint(33, line)
    : line.startsWith('new cert')
      ? paint(32, line)
      : line;
  print(`   ${paint(2, who.padEnd(8))}  ${shown}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
