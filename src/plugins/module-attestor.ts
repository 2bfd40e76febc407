// SPDX-License-Identifier: Apache-2.0
/**
 * An attestor from a module that the configuration names. It runs inside the daemon with all its rights, so every
 * file that it consists of has to be root's or the daemon's, and so has every folder above (attack A13). An error that it
 * does not catch ends the daemon; what it cannot be trusted with belongs into a process of its own.
 */
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Attestor, Clock, CreateAttestor } from '../attestation/plugin.ts';
import { distrust } from '../config/trusted-path.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type PluginStrength, thirdParty } from './third-party.ts';

export interface ModuleAttestorOptions {
  readonly name: string;
  /** Absolute. */
  readonly module: string;
  readonly config: unknown;
  readonly strength: PluginStrength;
}

export interface ModuleTools {
  readonly clock: Clock;
  readonly log: Logger;
  /** The daemon's. */
  readonly uid: number;
}

/** Rejects with Failure `PLUGIN_UNSAFE` or `PLUGIN_INVALID`. */
export async function moduleAttestor(options: ModuleAttestorOptions, tools: ModuleTools): Promise<Attestor> {
  const { name, config, strength } = options;
  const create = await load(options, tools.uid);
  const { clock } = tools;
  const setup = { name, config, clock, log: tools.log.child({ attestor: name }) };
  return thirdParty(await made(create, setup), { name, strongest: strength, clock });
}

async function load({ name, module }: ModuleAttestorOptions, uid: number): Promise<CreateAttestor> {
  const url = pathToFileURL(module).href;
  judge(url, name, uid);
  judgeImportsOf(url, name, uid);
  let exports: { readonly default?: unknown; readonly createAttestor?: unknown };
  try {
    exports = await import(url);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw invalid(name, `${quote(module)} cannot be loaded: ${quote((cause as Error)?.message ?? cause)}`, cause);
  }
  const create = exports.createAttestor ?? exports.default;
  if (typeof create !== 'function')
    throw invalid(name, `${quote(module)} exports no function createAttestor, nor one as its default`);
  return create as CreateAttestor;
}

async function made(create: CreateAttestor, setup: Parameters<CreateAttestor>[0]): Promise<Attestor> {
  let attestor: unknown;
  try {
    attestor = await create(setup);
  } catch (cause) {
    throw invalid(setup.name, `could not be made: ${quote((cause as Error)?.message ?? cause)}`, cause);
  }
  const { attest } = (attestor ?? {}) as { readonly attest?: unknown };
  if (typeof attest !== 'function') throw invalid(setup.name, 'made something without a method attest');
  return attestor as Attestor;
}

/**
 * Judges each file that the module imports, now or later, directly or not. Left in place: an import may happen at any look.
 */
function judgeImportsOf(entry: string, name: string, uid: number): void {
  const own = new Set([entry]);
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      if (context.parentURL !== undefined && own.has(context.parentURL)) own.add(found.url);
      return found;
    },
    load(url, context, next) {
      // guard: A13 test/plugins/module-attestor.test.ts
      if (own.has(url) && url.startsWith('file:')) judge(url, name, uid);
      return next(url, context);
    },
  });
}

function judge(url: string, name: string, uid: number): void {
  const path = fileURLToPath(url);
  const found = distrust(path, new Set([0, uid]));
  if (found === undefined) return;
  const what = found.path === path ? quote(path) : `${quote(path)} lies below ${quote(found.path)}, which`;
  throw new Failure('failed-precondition', 'PLUGIN_UNSAFE', `attestors.${name}.module: ${what} ${found.reason}`, {
    field: `attestors.${name}.module`,
    value: quote(path),
    hint: found.hint,
  });
}

function invalid(name: string, why: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'PLUGIN_INVALID', `attestors.${name}: the plugin ${why}`, {
    field: `attestors.${name}`,
    hint: 'correct the module; docs/plugins.md shows one',
    ...(cause === undefined ? {} : { cause }),
  });
}
