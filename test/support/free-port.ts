// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:net';
import { listening, portOf } from './tls-parties.ts';

/** A port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = await listening(createServer());
  const port = portOf(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
