// SPDX-License-Identifier: Apache-2.0
/**
 * One YAML text as a tree of Maps, lists and scalars that know their line. Stricter than YAML: no anchors, aliases, merge
 * keys or tags (they let one line stand for many and a reader mistake what is set), text keys only, no key twice,
 * one document, bounded size and depth. Keys live in Maps, so `__proto__` is a key like any other (attack B7).
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { Failure, quote } from '../lib/failure.ts';

export type Tree = MapTree | ListTree | ScalarTree;

export interface MapTree {
  readonly kind: 'map';
  readonly line: number;
  readonly members: ReadonlyMap<string, Tree>;
}

export interface ListTree {
  readonly kind: 'list';
  readonly line: number;
  readonly items: readonly Tree[];
}

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly line: number;
  /** Undefined for an empty value, as in `unix:` with nothing behind it. */
  readonly value: string | number | boolean | undefined;
  /** As written. */
  readonly text: string;
}

export const MOST_YAML_BYTES = 256 << 10;
const DEEPEST = 12;

/** The tree of a file's text; an empty file is an empty map. `file` is for the errors. */
export function parseYamlTree(text: string, file: string): MapTree {
  if (Buffer.byteLength(text) > MOST_YAML_BYTES) {
    throw refuse(`${file} is larger than the ${MOST_YAML_BYTES} bytes a configuration may have`, file);
  }
  const lines = new LineCounter();
  const document = parse(text, lines, file);
  const lineOf = (node: Node | null): number => (node?.range ? lines.linePos(node.range[0]).line : 1);

  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const line = lines.linePos(problem.pos[0]).line;
    throw refuse(`${file}:${line}: not readable as YAML: ${firstLine(problem.message)}`, `line ${line}`);
  }
  visit(document, {
    Alias: (_, alias) => {
      throw refuse(`${file}:${lineOf(alias)}: aliases (*${alias.source}) are not used here; write the value out`, '*');
    },
    Node: (_, node) => {
      if ('anchor' in node && node.anchor) {
        throw refuse(`${file}:${lineOf(node)}: anchors (&${node.anchor}) are not used here; write the value out`, '&');
      }
      if (node.tag !== undefined) {
        throw refuse(`${file}:${lineOf(node)}: tags (${quote(node.tag)}) are not used here; leave it out`, '!');
      }
    },
  });
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { kind: 'map', line: 1, members: new Map() };
  const tree = grow(root, lineOf, file, 0);
  if (tree.kind !== 'map')
    throw refuse(`${file}:${tree.line}: the file must be a list of keys, such as "data_dir: /var/lib/assay"`, file);
  return tree;
}

function parse(text: string, lines: LineCounter, file: string) {
  try {
    return parseDocument(text, {
      lineCounter: lines,
      uniqueKeys: true,
      strict: true,
      merge: false,
      prettyErrors: false,
    });
  } catch (cause) {
    // Nesting beyond the parser's own stack.
    throw new Failure('invalid-argument', 'CONFIG_INVALID', `${file}: not readable as YAML`, { field: file, cause });
  }
}

function grow(node: Node, lineOf: (node: Node | null) => number, file: string, depth: number): Tree {
  const line = lineOf(node);
  if (depth > DEEPEST) throw refuse(`${file}:${line}: nested deeper than ${DEEPEST} levels`, `line ${line}`);
  if (isMap(node)) {
    const members = new Map<string, Tree>();
    for (const { key, value } of node.items) {
      if (!isScalar(key) || typeof key.value !== 'string') {
        throw refuse(`${file}:${lineOf(key as Node)}: a key must be text`, `line ${line}`);
      }
      const member =
        value === null
          ? ({ kind: 'scalar', line: lineOf(key), value: undefined, text: '' } as const)
          : grow(value as Node, lineOf, file, depth + 1);
      members.set(key.value, { ...member, line: lineOf(key) });
    }
    return { kind: 'map', line, members };
  }
  if (isSeq(node)) {
    return { kind: 'list', line, items: node.items.map((item) => grow(item as Node, lineOf, file, depth + 1)) };
  }
  if (isScalar(node)) return scalar(node.value, node.source, line);
  throw refuse(`${file}:${line}: not a key, list or value`, `line ${line}`);
}

function scalar(value: unknown, source: string | undefined, line: number): ScalarTree {
  const text = source ?? (value === null ? '' : String(value));
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return { kind: 'scalar', line, value, text };
    default:
      return { kind: 'scalar', line, value: undefined, text };
  }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.slice(0, 200);
}

function refuse(message: string, field: string): Failure {
  return new Failure('invalid-argument', 'CONFIG_INVALID', message, {
    field,
    hint: 'correct the file, then run: assay config check --config FILE',
  });
}
