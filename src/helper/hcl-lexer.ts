// SPDX-License-Identifier: Apache-2.0
/**
 * The words of HCL 1 (hashicorp/hcl v1.0.0, hcl/scanner/scanner.go): names, numbers, texts, heredocs and eight signs. Comments
 * and space fall away. What the scanner there takes and the words here do not is refused, never read differently.
 */
import { Failure, quote } from '../lib/failure.ts';
import { unquote } from './hcl-text.ts';

export interface Token {
  readonly kind: 'name' | 'number' | 'flag' | 'text' | 'heredoc' | '{' | '}' | '[' | ']' | '=' | ',' | 'end';
  readonly line: number;
  /** Of a text what it says; of everything else what is written. */
  readonly value: string;
}

const SPACE = /(?:[ \t\r\n]+|#.*|\/\/.*|\/\*(?:.|\s)*?\*\/)*/y;
const NAME = /[\p{L}_](?:[\p{L}\p{Nd}_.-])*/uy;
const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\p{L}\p{Nd}_.])/uy;
const HEREDOC = /<<(-?)([\p{L}_][\p{L}\p{Nd}_]*)\r?\n/uy;

export class Lexer {
  readonly #text: string;
  readonly #file: string;
  #at = 0;
  #line = 1;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  next(): Token {
    this.#take(SPACE);
    const line = this.#line;
    const first = this.#text[this.#at];
    if (first === undefined) return { kind: 'end', line, value: '' };
    if ('{}[]=,'.includes(first)) {
      this.#at += 1;
      return { kind: first as Token['kind'], line, value: first };
    }
    if (first === '"') return { kind: 'text', line, value: this.#string() };
    if (first === '<') return { kind: 'heredoc', line, value: this.#heredoc() };
    const name = this.#take(NAME);
    if (name !== undefined) return { kind: name === 'true' || name === 'false' ? 'flag' : 'name', line, value: name };
    const number = this.#take(NUMBER);
    if (number !== undefined) return { kind: 'number', line, value: number };
    throw this.refusal(line, `${quote(first)} begins no word of HCL`);
  }

  refusal(line: number, reason: string): Failure {
    const place = `${this.#file}:${line}`;
    return new Failure('invalid-argument', 'HELPER_CONFIG_INVALID', `${place}: not readable as HCL: ${reason}`, {
      field: place,
      hint: 'a line is written: key = "value"',
    });
  }

  /** Of a text in quotes, which ends at the next one that is neither escaped nor within `${ }`. */
  #string(): string {
    const line = this.#line;
    const from = this.#at + 1;
    let braces = 0;
    for (let at = from; at < this.#text.length; at += 1) {
      const character = this.#text[at];
      if (character === '\n' && braces === 0) break;
      if (character === '"' && braces === 0) {
        this.#skipTo(at + 1);
        return this.#unquoted(this.#text.slice(from, at), line);
      }
      if (character === '\\') at += 1;
      else if (braces === 0 && character === '$' && this.#text[at + 1] === '{') {
        braces = 1;
        at += 1;
      } else if (braces > 0 && character === '{') braces += 1;
      else if (braces > 0 && character === '}') braces -= 1;
    }
    throw this.refusal(line, 'a text in quotes does not end on its line');
  }

  #unquoted(raw: string, line: number): string {
    const text = unquote(raw);
    if (text === undefined) throw this.refusal(line, `an escape in ${quote(raw)} is none of HCL`);
    return text;
  }

  /** Ends at a line that holds its word and nothing else. With `-`, the indentation that all its lines share falls away. */
  #heredoc(): string {
    const line = this.#line;
    const opened = /^<<(-?)([^\r\n]*)/.exec(this.#text.slice(this.#at, this.#at + 200));
    if (this.#take(HEREDOC) === undefined) throw this.refusal(line, 'a heredoc has no word behind <<');
    const [, dash = '', word = ''] = opened ?? [];
    const lines: string[] = [];
    while (this.#at < this.#text.length) {
      const end = this.#text.indexOf('\n', this.#at);
      if (end < 0) break;
      const one = this.#text.slice(this.#at, end);
      this.#skipTo(end + 1);
      if (one.trim() === word.trim()) return joined(lines, dash === '-' ? one : undefined);
      lines.push(one);
    }
    throw this.refusal(line, `the heredoc ${quote(word)} does not end`);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#skipTo(this.#at + found.length);
    return found;
  }

  #skipTo(at: number): void {
    for (let i = this.#at; i < at; i += 1) if (this.#text[i] === '\n') this.#line += 1;
    this.#at = at;
  }
}

/** hcl/token/token.go, unindentHeredoc: the indentation of the last line, if every line has it. */
function joined(lines: readonly string[], last: string | undefined): string {
  const indent = last === undefined ? '' : (/^[ \t]*/.exec(last)?.[0] ?? '');
  const cut = lines.every((line) => line.startsWith(indent)) ? indent.length : 0;
  return lines.map((line) => `${line.slice(cut)}\n`).join('');
}
