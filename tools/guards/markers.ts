// SPDX-License-Identifier: Apache-2.0
/**
 * Reads guard markers. A marker is a comment of its own on the line above the statement it speaks for:
 *
 *     // guard: A4 I1 test/peer/listener.test.ts — a reused pid is another program
 *
 * attack, invariant or conformance ids, then the test file that goes red when the statement is removed, then why.
 * In a shell script the comment starts with `#` and the statement is the next line.
 */
import { codeStart, statementEnd } from './statement.ts';

export interface Guard {
  readonly ids: readonly string[];
  /** The guarded file, relative to the top. */
  readonly file: string;
  /** Line of the statement, from 1. */
  readonly line: number;
  readonly test: string;
  readonly why: string;
  /** Offsets of the statement in the file. */
  readonly start: number;
  readonly end: number;
}

export interface BadMarker {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

const MARKER = /^[ \t]*(?:\/\/|#)[ \t]*guard:[ \t]*(.*)$/gm;

export function readMarkers(file: string, text: string): { guards: Guard[]; bad: BadMarker[] } {
  const guards: Guard[] = [];
  const bad: BadMarker[] = [];
  for (const match of text.matchAll(MARKER)) {
    const line = lineOf(text, match.index);
    const said = parseWords(match[1] ?? '');
    if (typeof said === 'string') {
      bad.push({ file, line, reason: said });
      continue;
    }
    const after = match.index + match[0].length + 1;
    const [start, end] = file.endsWith('.ts') ? typescriptSpan(text, after) : shellSpan(text, after);
    if (start >= text.length) bad.push({ file, line, reason: 'no statement follows' });
    else guards.push({ ...said, file, line: lineOf(text, start), start, end });
  }
  return { guards, bad };
}

/** The file's text without the statement; line breaks stay, so that positions in failures still fit. */
export function withoutStatement(text: string, guard: Pick<Guard, 'start' | 'end' | 'file'>): string {
  const removed = text.slice(guard.start, guard.end);
  // A shell line that is the only one of a block must leave a command behind.
  const filler = guard.file.endsWith('.ts') ? '' : ':';
  return text.slice(0, guard.start) + filler + removed.replace(/[^\n]/g, '') + text.slice(guard.end);
}

function parseWords(words: string): { ids: string[]; test: string; why: string } | string {
  const found = /^(.*?)(test\/\S+\.test\.ts)(?:[ \t]+(?:—|--|-)?[ \t]*(.*))?$/.exec(words.trim());
  if (!found) return `names no test file: "${words.trim()}"`;
  const ids = (found[1] ?? '').split(/[\s,]+/).filter((id) => id !== '');
  if (ids.length === 0) return 'names no attack, invariant or conformance row';
  const odd = ids.find((id) => !/^[A-Z][A-Z0-9]*(?:-\d+)?[a-z]?$/.test(id));
  if (odd !== undefined) return `"${odd}" is not an id like A4, I3 or X509-17`;
  return { ids, test: found[2] as string, why: (found[3] ?? '').trim() };
}

function typescriptSpan(text: string, after: number): [number, number] {
  const start = codeStart(text, after);
  return [start, start >= text.length ? start : statementEnd(text, start)];
}

function shellSpan(text: string, after: number): [number, number] {
  let start = after;
  while (/^[ \t]*(#.*)?$/.test(lineAt(text, start)) && start < text.length) start += lineAt(text, start).length + 1;
  let end = start;
  do end += lineAt(text, end).length + 1;
  while (text[end - 2] === '\\' && end < text.length);
  return [start, Math.min(end - 1, text.length)];
}

const lineAt = (text: string, at: number): string => /[^\n]*/y.exec(text.slice(at))?.[0] ?? '';

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;
