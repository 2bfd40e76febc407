// SPDX-License-Identifier: Apache-2.0
/** A system manager on a real socket, by itself or behind a bus, that knows the units a test gives it and misbehaves on request. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import {
  ERROR,
  encode,
  METHOD_RETURN,
  type Message,
  MessageReader,
  SIGNAL,
  valuesOf,
} from '../../attestors/systemd/bus/messages.ts';
import { ValueWriter } from '../../attestors/systemd/bus/values.ts';
import type { ConnectManager } from '../../attestors/systemd/system-manager.ts';

export interface FakeUnit {
  readonly id: string;
  readonly fragmentPath?: string;
}

type Field = readonly [number, 'o' | 's' | 'g' | 'u', string | number | undefined];
const [PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, SENDER, SIGNATURE] = [1, 2, 3, 4, 5, 7, 8] as const;
const MANAGER = ':1.3';
const BUS = 'org.freedesktop.DBus';
const made = new Set<FakeManager>();
afterEach(async () => {
  for (const manager of made) await manager.stop();
  made.clear();
});

export class FakeManager {
  readonly units = new Map<number, FakeUnit>();
  /** `interface.member` of each call, in order. */
  readonly calls: string[] = [];
  /** Takes calls and answers none. */
  stuck = false;
  /** What the bus says of who owns the manager's name. */
  owner = { uid: 0, pid: 1 };
  /** Written instead of an answer to GetUnitByPID. */
  instead: ((call: Message) => Buffer | undefined) | undefined;
  /** Called before a property of a unit is answered. */
  beforeProperty: (() => void) | undefined;
  /** The answer to our credentials. */
  ok = 'OK 0123456789abcdef0123456789abcdef\r\n';
  readonly #isBus: boolean;
  readonly #folder = mkdtempSync(join(tmpdir(), 'assay-bus-'));
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #serial = 0;

  private constructor(isBus: boolean) {
    this.#isBus = isBus;
    made.add(this);
  }

  static async start(units: Readonly<Record<number, FakeUnit>> = {}, isBus = false): Promise<FakeManager> {
    const manager = new FakeManager(isBus);
    for (const [pid, unit] of Object.entries(units)) manager.units.set(Number(pid), unit);
    await manager.listen();
    return manager;
  }

  get path(): string {
    return join(this.#folder, 'bus.sock');
  }

  readonly connect: ConnectManager = (signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const socket = connect(this.path, () => resolve({ socket, isBus: this.#isBus }));
      socket.once('error', reject);
    });

  async listen(): Promise<void> {
    this.#server = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve) => this.#server?.listen(this.path, resolve));
  }

  /** Connections too. */
  async drop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  async stop(): Promise<void> {
    await this.drop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A signal of the manager, or of whoever `sender` is. */
  tell(member: string, values: readonly string[] = [], sender: string = MANAGER): void {
    const iface = member === 'NameOwnerChanged' ? BUS : 'org.freedesktop.systemd1.Manager';
    const body = new ValueWriter();
    for (const value of values) {
      body.align(4);
      body.write('s', value);
    }
    const signature = member === 'UnitRemoved' ? 'so' : 's'.repeat(values.length);
    this.write(
      this.#frame(
        SIGNAL,
        [
          [PATH, 'o', '/org/freedesktop/systemd1'],
          [INTERFACE, 's', iface],
          [MEMBER, 's', member],
        ],
        signature,
        body,
        sender,
      ),
    );
  }

  removed(unit: string): void {
    this.tell('UnitRemoved', [unit, objectOf(unit)]);
  }

  write(bytes: Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  /** A message as the manager frames it. */
  reply(call: Message, signature: string, write: (body: ValueWriter) => void, sender = MANAGER): Buffer {
    const body = new ValueWriter();
    write(body);
    return this.#frame(METHOD_RETURN, [[REPLY_SERIAL, 'u', call.serial]], signature, body, sender);
  }

  error(call: Message, name: string, sender = MANAGER): Buffer {
    return this.#frame(
      ERROR,
      [
        [ERROR_NAME, 's', name],
        [REPLY_SERIAL, 'u', call.serial],
      ],
      '',
      new ValueWriter(),
      sender,
    );
  }

  #frame(type: number, fields: readonly Field[], signature: string, body: ValueWriter, sender: string): Buffer {
    this.#serial += 1;
    const all: Field[] = [...fields, [SIGNATURE, 'g', signature === '' ? undefined : signature]];
    if (this.#isBus) all.push([SENDER, 's', sender]);
    return encode(type, this.#serial, all, body.toBuffer());
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    let greeting = '';
    let reader: MessageReader | undefined;
    socket.on('data', (bytes) => {
      if (reader !== undefined) {
        for (const call of reader.take(bytes)) this.#answer(socket, call);
        return;
      }
      greeting += bytes.toString('latin1');
      // As sd-bus serves: what comes in one piece with BEGIN is not looked at.
      if (!/^\0AUTH EXTERNAL (?:3[0-9])+\r\nBEGIN\r\n/.test(greeting)) return;
      reader = new MessageReader(1 << 20, () => undefined);
      socket.write(this.ok);
    });
  }

  #answer(socket: Socket, call: Message): void {
    this.calls.push(`${call.interface}.${call.member}`);
    if (this.stuck) return;
    const answer = this.#answerTo(call);
    if (answer !== undefined) socket.write(answer);
  }

  #answerTo(call: Message): Buffer | undefined {
    const none = (): Buffer => this.reply(call, '', () => undefined, call.interface === BUS ? BUS : MANAGER);
    const uint32 = (value: number): Buffer => this.reply(call, 'u', (body) => body.write('u', value), BUS);
    const text = (value: string): Buffer => this.reply(call, 's', (body) => body.write('s', value), BUS);
    switch (call.member) {
      case 'Hello':
        return text(':1.42');
      case 'GetNameOwner':
        return text(MANAGER);
      case 'GetConnectionUnixUser':
        return uint32(this.owner.uid);
      case 'GetConnectionUnixProcessID':
        return uint32(this.owner.pid);
      case 'GetUnitByPID':
        return this.instead === undefined ? this.#unitByPid(call) : this.instead(call);
      case 'Get':
        return this.#property(call);
      default:
        return none();
    }
  }

  #unitByPid(call: Message): Buffer {
    const unit = this.units.get(valuesOf(call, 'u')[0] as number);
    if (unit === undefined) return this.error(call, 'org.freedesktop.systemd1.NoUnitForPID');
    return this.reply(call, 'o', (body) => body.write('o', objectOf(unit.id)));
  }

  #property(call: Message): Buffer {
    this.beforeProperty?.();
    const unit = [...this.units.values()].find(({ id }) => objectOf(id) === call.path);
    const name = valuesOf(call, 'ss')[1];
    if (unit === undefined) return this.error(call, 'org.freedesktop.DBus.Error.UnknownObject');
    return this.reply(call, 'v', (body) => {
      body.write('g', 's');
      body.align(4);
      body.write('s', name === 'Id' ? unit.id : (unit.fragmentPath ?? ''));
    });
  }
}

/** As sd-bus escapes labels: what is no letter or digit as `_` and two hexadecimal digits. */
export function objectOf(unit: string): string {
  const label = unit.replace(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `/org/freedesktop/systemd1/unit/${label}`;
}
