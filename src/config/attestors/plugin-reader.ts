// SPDX-License-Identifier: Apache-2.0
/** Reads the section of one plugin: its own keys strictly, and below `config` whatever stands there. */
import { isAbsolute, join } from 'node:path';
import { nearest } from '../nearest.ts';
import { checkSocketPath } from '../paths.ts';
import type { SettingsReader } from '../reader.ts';
import type { MapTree, ScalarTree, Tree } from '../yaml-tree.ts';
import type { PluginConfig, PluginPart } from './plugins.ts';

/** What a section must have, one of them, to be a plugin's. */
export const SOURCES = ['module', 'command', 'socket'] as const;
const MEMBERS: readonly string[] = [...SOURCES, 'uid', 'gid', 'strength', 'config'];
const NAME = /^[a-z0-9_]{1,32}$/;
const MOST_WORDS = 64;
/** 2^32 - 1 is "no id" to the kernel (setresuid(2)). */
const HIGHEST_ID = 2 ** 32 - 2;
/** From / or, with a dot, from the folder of the file. No control characters. */
const PATH = /^\.{0,2}\/[^\p{Cc}]+$/u;

export class PluginReader {
  readonly #reader: SettingsReader;
  readonly #name: string;
  readonly #section: MapTree;
  readonly #folder: string;
  readonly #before: number;

  constructor(reader: SettingsReader, name: string, section: MapTree, folder: string) {
    this.#reader = reader;
    this.#name = name;
    this.#section = section;
    this.#folder = folder;
    this.#before = reader.problems.length;
  }

  read(): PluginConfig | undefined {
    for (const member of MEMBERS) this.#reader.know(`attestors.${this.#name}.${member}`);
    if (!NAME.test(this.#name)) {
      const reason = 'is no selector type: 1 to 32 lower-case letters, digits and underscores';
      this.#reader.refuse(this.#reader.placeOf('attestors', this.#section.line), this.#name, reason);
    }
    for (const [member, node] of this.#section.members) if (!MEMBERS.includes(member)) this.#unknown(member, node);
    const part = this.#part();
    const strength = this.#strength();
    const config = this.#section.members.get('config');
    if (this.#reader.problems.length > this.#before || part === undefined) return undefined;
    this.#explain(part, strength);
    return { name: this.#name, strength, config: config === undefined ? undefined : plain(config), ...part };
  }

  #part(): PluginPart | undefined {
    const given = SOURCES.filter((source) => this.#section.members.has(source));
    if (given.length > 1) {
      const label = this.#reader.placeOf(`attestors.${this.#name}`, this.#section.line);
      this.#reader.refuse(label, undefined, `has ${given.join(' and ')}, where one of them is needed`);
      return undefined;
    }
    switch (given[0]) {
      case 'module':
        return this.#module();
      case 'command':
        return this.#command();
      case 'socket':
        return this.#socket();
      case undefined:
        return undefined;
    }
  }

  #module(): PluginPart | undefined {
    this.#without('uid', 'a module runs inside the daemon');
    this.#without('gid', 'a module runs inside the daemon');
    const node = this.#scalar('module');
    const module = node && this.#path('module', node);
    return module === undefined ? undefined : { kind: 'module', module };
  }

  #command(): PluginPart | undefined {
    const node = this.#section.members.get('command');
    const words = node?.kind === 'list' ? node.items : [];
    const texts = words.map((word) => (word.kind === 'scalar' && word.value !== undefined ? word.text : undefined));
    if (node === undefined || words.length === 0 || words.length > MOST_WORDS || texts.includes(undefined)) {
      const reason = `must be a list of 1 to ${MOST_WORDS} words`;
      this.#refuse('command', node ?? this.#section, reason, 'write [ /usr/bin/program, argument ]');
      return undefined;
    }
    const [program, ...args] = words as readonly ScalarTree[];
    const path = this.#path('command', program as ScalarTree);
    const [uid, gid] = [this.#id('uid'), this.#id('gid')];
    if (gid !== undefined && uid === undefined) this.#without('gid', 'it goes with uid');
    if (path === undefined) return undefined;
    const relative = (word: ScalarTree): string => {
      const text = String(word.value);
      return /^\.{1,2}\//.test(text) ? join(this.#folder, text) : text;
    };
    return { kind: 'command', command: [path, ...args.map(relative)], uid, gid };
  }

  #socket(): PluginPart | undefined {
    this.#without('gid', 'the uid that listens there is what counts');
    const node = this.#scalar('socket');
    const socket = node && this.#path('socket', node);
    const uid = this.#id('uid');
    if (uid === undefined && !this.#section.members.has('uid')) {
      const label = this.#reader.placeOf(`attestors.${this.#name}`, this.#section.line);
      this.#reader.refuse(
        label,
        undefined,
        'has a socket and lacks uid',
        'give the uid of the process that listens there',
      );
    }
    const unfit = socket === undefined ? undefined : checkSocketPath(socket);
    if (node !== undefined && unfit !== undefined) this.#refuse('socket', node, unfit.reason, unfit.hint);
    return socket === undefined || uid === undefined ? undefined : { kind: 'socket', socket, uid };
  }

  #strength(): 'authority' | 'claimed' {
    const node = this.#scalar('strength');
    if (node === undefined || node.value === 'authority') return 'authority';
    if (node.value === 'claimed') return 'claimed';
    this.#refuse('strength', node, 'is nothing a plugin may claim', 'write authority or claimed');
    return 'claimed';
  }

  #id(member: 'uid' | 'gid'): number | undefined {
    const node = this.#scalar(member);
    const id = node?.value;
    if (node === undefined) return undefined;
    if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && id <= HIGHEST_ID) return id;
    this.#refuse(
      member,
      node,
      `is no ${member}`,
      `give the number that "id ${member === 'uid' ? '-u' : '-g'} NAME" prints`,
    );
    return undefined;
  }

  #path(member: string, node: ScalarTree): string | undefined {
    const { value } = node;
    if (typeof value !== 'string' || !PATH.test(value)) {
      this.#refuse(member, node, 'is no path', 'start it with / or, from the folder of this file, with ./');
      return undefined;
    }
    return isAbsolute(value) ? value : join(this.#folder, value);
  }

  #scalar(member: string): ScalarTree | undefined {
    const node = this.#section.members.get(member);
    if (node === undefined) return undefined;
    if (node.kind === 'scalar' && node.value !== undefined) return node;
    this.#refuse(member, node, 'must be a single value');
    return undefined;
  }

  #without(member: string, why: string): void {
    const node = this.#section.members.get(member);
    if (node !== undefined) this.#refuse(member, node, `has no use here: ${why}`, 'remove it');
  }

  #unknown(member: string, node: Tree): void {
    const near = nearest(member, MEMBERS);
    const hint = near === undefined ? `keys here: ${MEMBERS.join(', ')}` : `did you mean ${near}?`;
    this.#refuse(member, node, 'is no key of a plugin', hint);
  }

  #refuse(member: string, node: Tree, reason: string, hint?: string): void {
    const value = node.kind === 'scalar' && MEMBERS.includes(member) ? node.value : undefined;
    this.#reader.refuse(this.#reader.placeOf(`attestors.${this.#name}.${member}`, node.line), value, reason, hint);
  }

  #explain(part: PluginPart, strength: string): void {
    const shown = part.kind === 'command' ? part.command.join(' ') : part.kind === 'module' ? part.module : part.socket;
    const rows: [string, string][] = [[part.kind, shown]];
    if (part.kind !== 'module' && part.uid !== undefined) rows.push(['uid', String(part.uid)]);
    for (const [member, value] of [...rows, ['strength', strength] as const]) {
      const line = this.#section.members.get(member)?.line;
      const source = line === undefined ? 'default' : this.#reader.placeOf('file', line);
      this.#reader.explain(`attestors.${this.#name}.${member}`, value, source);
    }
  }
}

function plain(node: Tree): unknown {
  if (node.kind === 'scalar') return node.value ?? null;
  if (node.kind === 'list') return node.items.map(plain);
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, member] of node.members) object[key] = plain(member);
  return object;
}
