// SPDX-License-Identifier: Apache-2.0
/**
 * Cedar, and where it is loaded: one instance for each set of policies. What an instance has parsed it keeps for good, so a set
 * that is replaced goes with its instance; and an instance in which a text has run out of stack answers nothing sensible ever
 * after, so no text of one set is in reach of another.
 *
 * Nothing of it is read before the first set is: 15 ms and 15 MB that a daemon without policies does not pay.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';

export type Cedar = Pick<
  typeof CedarModule,
  'isAuthorized' | 'policyToJson' | 'preparsePolicySet' | 'preparseSchema' | 'statefulIsAuthorized' | 'validate'
>;
export type { EntityJson, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

const requireHere = createRequire(import.meta.url);
let script: { readonly file: string; readonly text: string } | undefined;

/** As Node loads a CommonJS module, but anew each time: the package makes its one instance while it is loaded. */
export function newCedar(): Cedar {
  script ??= read();
  const { file, text } = script;
  const load = compileFunction(text, ['exports', 'require', 'module', '__filename', '__dirname'], { filename: file });
  const module = { exports: {} };
  load(module.exports, requireHere, module, file, dirname(file));
  return module.exports as Cedar;
}

function read(): { readonly file: string; readonly text: string } {
  const file = requireHere.resolve('@cedar-policy/cedar-wasm/nodejs');
  return { file, text: readFileSync(file, 'utf8') };
}
