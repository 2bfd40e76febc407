// SPDX-License-Identifier: Apache-2.0
/**
 * HCL 1 to the tree that YAML is read to: what spiffe-helper's configurations are written in (hashicorp/hcl v1.0.0,
 * hcl/parser/parser.go). A key given twice is refused, where the parser there lets the last one win. No labels on blocks, no
 * expressions: spiffe-helper has none.
 */
import type { ListTree, MapTree, Tree } from '../config/yaml-tree.ts';
import { Failure, quote } from '../lib/failure.ts';
import { Lexer, type Token } from './hcl-lexer.ts';

const MOST_BYTES = 256 << 10;
const DEEPEST = 12;

/** `file`: its name, for the errors. */
export function parseHcl(text: string, file: string): MapTree {
  if (Buffer.byteLength(text) > MOST_BYTES) {
    throw new Failure('invalid-argument', 'HELPER_CONFIG_INVALID', `${file} is larger than ${MOST_BYTES} bytes`, {
      field: file,
    });
  }
  return new Parser(new Lexer(text, file)).file();
}

class Parser {
  readonly #lexer: Lexer;
  #ahead: Token;

  constructor(lexer: Lexer) {
    this.#lexer = lexer;
    this.#ahead = lexer.next();
  }

  file(): MapTree {
    return { kind: 'map', line: 1, members: this.#members('end', 0) };
  }

  #members(end: Token['kind'], depth: number): ReadonlyMap<string, Tree> {
    const members = new Map<string, Tree>();
    while (this.#ahead.kind !== end) {
      const key = this.#take('name', 'text');
      const before = members.get(key.value);
      if (before !== undefined)
        throw this.#lexer.refusal(key.line, `${quote(key.value)} is given again, first on line ${before.line}`);
      if (this.#ahead.kind !== '{') this.#take('=');
      members.set(key.value, { ...this.#value(depth), line: key.line });
      if (this.#ahead.kind === ',') this.#step();
    }
    this.#step();
    return members;
  }

  #value(depth: number): Tree {
    const token = this.#ahead;
    const { line, value } = token;
    if (depth > DEEPEST) throw this.#lexer.refusal(line, `it is nested deeper than ${DEEPEST} levels`);
    this.#step();
    switch (token.kind) {
      case '{':
        return { kind: 'map', line, members: this.#members('}', depth + 1) };
      case '[':
        return this.#list(line, depth);
      case 'text':
      case 'heredoc':
        return { kind: 'scalar', line, value, text: JSON.stringify(value) };
      case 'number':
        return { kind: 'scalar', line, value: Number(value), text: value };
      case 'flag':
        return { kind: 'scalar', line, value: value === 'true', text: value };
    }
    throw this.#lexer.refusal(line, `${shown(token)} is no value; a text stands in quotes`);
  }

  #list(line: number, depth: number): ListTree {
    const items: Tree[] = [];
    while (this.#ahead.kind !== ']') {
      items.push(this.#value(depth + 1));
      const after: Token = this.#peek();
      if (after.kind === ',') this.#step();
      else if (after.kind !== ']')
        throw this.#lexer.refusal(after.line, `${shown(after)} stands where a comma or ] belongs`);
    }
    this.#step();
    return { kind: 'list', line, items };
  }

  #take(...kinds: readonly Token['kind'][]): Token {
    const token = this.#ahead;
    if (!kinds.includes(token.kind)) {
      const wanted = kinds[0] === 'name' ? 'a key' : '= or {';
      throw this.#lexer.refusal(token.line, `${shown(token)} stands where ${wanted} belongs`);
    }
    this.#step();
    return token;
  }

  #peek(): Token {
    return this.#ahead;
  }

  #step(): void {
    this.#ahead = this.#lexer.next();
  }
}

const shown = ({ kind, value }: Token): string => (kind === 'end' ? 'the end of the file' : quote(value, 40));
