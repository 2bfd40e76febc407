// SPDX-License-Identifier: Apache-2.0
/** HTTP over a connection that somebody else has made and judged: one request each, bounded in size and by a signal. */
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { AttestorError } from '../../src/attestation/plugin.ts';

/** A connection to the engine, whose listener was proven to be the right one; rejects in words for the operator. */
export type ConnectEngine = (signal: AbortSignal) => Promise<Duplex>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The whole answer. Rejects when it is longer than `mostBytes`, or with the signal's reason. */
export async function get(
  connect: ConnectEngine,
  path: string,
  mostBytes: number,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await open(connect, path, signal);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      // guard: I9 test/attestors/docker/hostile-engine.test.ts
      if (length > mostBytes) throw new AttestorError(`it answers with more than ${mostBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw spoken(error, signal);
  } finally {
    response.destroy();
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

/** The headers have come; the body follows. An abort destroys it. */
export async function open(connect: ConnectEngine, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const socket = await connect(signal);
  return new Promise((resolve, reject) => {
    const sent = request({
      path,
      headers: { host: 'localhost', 'user-agent': 'assay', accept: 'application/json' },
      createConnection: () => socket,
      signal,
    });
    sent.once('response', resolve);
    // Stays: what breaks later is told by the response too.
    sent.on('error', (error) => reject(spoken(error, signal)));
    sent.end();
  });
}

function spoken(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof AttestorError) return error;
  return new AttestorError(`the connection to it broke: ${(error as NodeJS.ErrnoException).code ?? 'no HTTP'}`, error);
}
