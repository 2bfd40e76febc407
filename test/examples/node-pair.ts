// SPDX-License-Identifier: Apache-2.0
/** What every pair of `examples/node` does, whatever they speak: started as their page says, against a real daemon. */
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bareClient, endedOrHeard } from '../support/tls-parties.ts';
import type { Running, Stage } from './node-stage.ts';

const LONG_MS = 60_000;

interface Pair {
  readonly server: string;
  readonly client: string;
  /** What a client without an identity sends along with its handshake. */
  readonly first: Buffer;
  readonly alpn: string;
}

export const overHttp = (server: string, client: string): Pair => ({
  server,
  client,
  first: Buffer.from('GET /charge HTTP/1.1\r\nhost: billing\r\n\r\n'),
  alpn: 'http/1.1',
});

export const overGrpc = (server: string, client: string): Pair => ({
  server,
  client,
  first: Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  alpn: 'h2',
});

export function pairOverMutualTls(pair: Pair, stage: () => Stage): void {
  describe(`${pair.server} and ${pair.client} of examples/node`, () => {
    let server: Running;
    let port: number;
    const started = async (role: 'billing' | 'stranger'): Promise<[Running, number]> => {
      const program = stage().start(role, pair.server, 0);
      const line = await program.until(/^listening on port (\d+)$/m);
      if (line === undefined) throw new Error(`the server ended: ${program.said}`);
      return [program, Number(line[1])];
    };
    beforeAll(async () => {
      [server, port] = await started('billing');
    }, LONG_MS);
    afterAll(() => expect(server?.code).toBeUndefined());

    it(
      'hangs up on who has no identity, and its handler is not reached',
      async () => {
        const tally = bareClient(port, undefined, pair.first, { ALPNProtocols: [pair.alpn] });
        await endedOrHeard(tally);
        expect(tally.bytes).toBe(0);
        expect(await server.until(/^turned a caller away: .*it presented no certificate/m)).toBeDefined();
        expect(server.said).not.toContain('charged');
      },
      LONG_MS,
    );

    it(
      'hangs up on another identity than the one it serves, and its handler is not reached',
      async () => {
        const client = stage().start('stranger', pair.client, port);
        await client.until(/charged/);
        expect(client).toMatchObject({ code: 1, said: expect.not.stringContaining('charged') });
        expect(await server.until(/^turned a caller away: .*it is spiffe:\/\/example\.org\/stranger/m)).toBeDefined();
        expect(server.said).not.toContain('charged');
      },
      LONG_MS,
    );

    it(
      'has a client that calls no other identity than the one it wants',
      async () => {
        const [impostor, itsPort] = await started('stranger');
        const client = stage().start('orders', pair.client, itsPort);
        await client.until(/charged/);
        expect(client).toMatchObject({ code: 1, said: expect.not.stringContaining('charged') });
        expect(client.said).toContain(
          'it is spiffe://example.org/stranger, and wanted is spiffe://example.org/billing',
        );
        expect(impostor).toMatchObject({ code: undefined, said: expect.not.stringContaining('charged') });
      },
      LONG_MS,
    );

    it(
      'serves the one it serves, over rotations of both and without a failure or a restart',
      async () => {
        const before = await presentedBy(port);
        const client = stage().start('orders', pair.client, port);
        const answers = (): string[] =>
          [...client.said.matchAll(/^charged for spiffe:\/\/example\.org\/orders with certificate (\w+)$/gm)].map(
            ([, serial]) => serial as string,
          );
        // The second of two certificates, seen by the server at the other end.
        await client.until(/certificate (\w+)\n(?:.*\n)*.*certificate (?!\1)\w+\n/);
        while ((await presentedBy(port)) === before) await new Promise((resolve) => setTimeout(resolve, 200));
        const seen = answers().length;
        while (answers().length === seen && client.code === undefined)
          await client.until(new RegExp(`(?:.*\n){${seen + 1}}`));
        expect(new Set(answers()).size).toBeGreaterThanOrEqual(2);
        expect(client).toMatchObject({ code: undefined, said: expect.not.stringMatching(/^(?!charged for)./m) });
        expect(server.code).toBeUndefined();
      },
      LONG_MS,
    );
  });
}

/** The serial of the certificate that a new connection is shown, before it is turned away for showing none. */
function presentedBy(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ca: [] });
    socket.once('error', reject).once('secureConnect', () => {
      socket.on('error', () => undefined);
      resolve(socket.getPeerX509Certificate()?.serialNumber);
      socket.destroy();
    });
  });
}
