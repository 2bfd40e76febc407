// SPDX-License-Identifier: Apache-2.0
/** A plugin on a real socket in this process, which does what a test tells it to. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { systemClock } from '../../src/lib/clock.ts';
import { servedBy, servedBySocket } from '../../src/peer/served-by.ts';
import { type PluginPlace, PluginSession, type SessionOptions } from '../../src/plugins/session.ts';
import { pluginService } from './plugin-service.ts';

/** A message, bytes as they go on the wire, a status, or nothing at all for ever. */
export type Reply = object | Buffer | grpc.StatusObject | 'never';

export const TEAM = { kinds: [{ name: 'team', strength: 'STRENGTH_AUTHORITY' }] };
export const applies = (...values: string[]): object => ({
  applies: { selectors: values.map((value) => ({ value })) },
});

const closing: (() => void)[] = [];

/** For `afterEach`. */
export function closePlugins(): void {
  for (const close of closing.splice(0).reverse()) close();
}

export class FakePlugin {
  readonly folder = mkdtempSync(join(tmpdir(), 'assay-fp-'));
  readonly path: string;
  configure: (request: grpcRequest) => Reply = () => TEAM;
  attest: (request: grpcRequest) => Reply | Promise<Reply> = () => applies('team:payments');
  readonly configured: grpcRequest[] = [];
  cancelled = 0;
  /** Streams of changes that are open. */
  readonly streams = new Set<grpc.ServerWritableStream<object, unknown>>();
  readonly server: grpc.Server;

  constructor(path?: string) {
    this.path = path ?? join(this.folder, 'attestor.sock');
    chmodSync(this.folder, 0o755);
    this.server = new grpc.Server({ 'grpc.max_send_message_length': -1 });
    const raw = Object.entries(pluginService).map(([name, method]) => [
      name,
      { ...method, responseSerialize: bytesOf(method) },
    ]);
    this.server.addService(Object.fromEntries(raw) as grpc.ServiceDefinition, {
      Configure: (call: grpc.ServerUnaryCall<grpcRequest, unknown>, done: grpc.sendUnaryData<unknown>) => {
        this.configured.push(call.request);
        send(this.configure(call.request), done);
      },
      Attest: async (call: grpc.ServerUnaryCall<grpcRequest, unknown>, done: grpc.sendUnaryData<unknown>) => {
        call.on('cancelled', () => {
          this.cancelled += 1;
        });
        send(await this.attest(call.request), done);
      },
      Changes: (call: grpc.ServerWritableStream<object, unknown>) => {
        this.streams.add(call);
        call.on('error', () => undefined);
        call.on('cancelled', () => this.streams.delete(call));
      },
    });
    closing.push(() => this.close());
  }

  static async start(set: (plugin: FakePlugin) => void = () => undefined, path?: string): Promise<FakePlugin> {
    const plugin = new FakePlugin(path);
    set(plugin);
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null): void => (error === null ? resolve() : reject(error));
      plugin.server.bindAsync(`unix:${plugin.path}`, grpc.ServerCredentials.createInsecure(), done);
    });
    return plugin;
  }

  get place(): PluginPlace {
    return {
      path: this.path,
      isServer: (socket) => servedBySocket(socket).pid === process.pid,
      isPidfdServer: (fd) => servedBy(fd).pid === process.pid,
    };
  }

  tell(message: object): void {
    for (const stream of this.streams) stream.write(message);
  }

  /** Ends connections too. */
  close(): void {
    this.server.forceShutdown();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async session(some: Partial<SessionOptions> = {}): Promise<PluginSession> {
    const session = await PluginSession.open({
      name: 'mine',
      place: this.place,
      config: undefined,
      startMs: 10_000,
      answerMs: 5_000,
      clock: systemClock,
      changed: () => undefined,
      ...some,
    });
    closing.push(() => session.close());
    return session;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is the .proto's, loaded at run time
export type grpcRequest = Record<string, any>;

function bytesOf(method: grpc.MethodDefinition<object, object>) {
  return (message: object | Buffer): Buffer => (Buffer.isBuffer(message) ? message : method.responseSerialize(message));
}

function send(reply: Reply, done: grpc.sendUnaryData<unknown>): void {
  if (reply === 'never') return;
  if ('code' in reply) done(reply as grpc.StatusObject);
  else done(null, reply);
}

export async function until(holds: () => boolean, ms = 20_000): Promise<void> {
  const ends = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > ends) throw new Error('not reached');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
