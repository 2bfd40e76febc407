// SPDX-License-Identifier: Apache-2.0
/** Where the Workload API is: `--socket`, then SPIFFE_ENDPOINT_SOCKET (WEP-09), then where our daemon puts it. */
import { ENDPOINT_VARIABLE, type Endpoint, parseEndpoint } from '../client/endpoint.ts';
import { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';
import { whyNoDaemon } from './no-daemon.ts';
import type { Format } from './print.ts';
import { type SocketPlace, socketPlace } from './socket-place.ts';
import { USAGE } from './usage.ts';

export interface WorkloadOptions {
  readonly output: Format;
  readonly socket?: string;
  readonly config?: string;
}

export interface WorkloadPlace {
  readonly endpoint: Endpoint;
  /** Says why nobody answers there; undefined when somebody does, or for TCP. */
  whyNot(): Promise<Failure | undefined>;
}

export async function workloadPlace(io: Io, options: WorkloadOptions): Promise<WorkloadPlace> {
  const variable = io.env.get(ENDPOINT_VARIABLE);
  if (options.socket !== undefined) return named(io, parsed(options.socket, '--socket'));
  // A configuration that is named outright says more than an ambient variable.
  if (options.config === undefined && variable !== undefined && variable !== '') {
    return named(io, parsed(variable, ENDPOINT_VARIABLE));
  }
  const place = await socketPlace(io, 'workload', undefined, options.config);
  return {
    endpoint: parseEndpoint(`unix://${encodeURI(place.path)}`),
    whyNot: () => whyNoDaemon(io, place, '--socket'),
  };
}

function named(io: Io, endpoint: Endpoint): WorkloadPlace {
  if (endpoint.kind === 'tcp') return { endpoint, whyNot: async () => undefined };
  const place: SocketPlace = { path: endpoint.path, tried: [endpoint.path] };
  return { endpoint, whyNot: () => whyNoDaemon(io, place, '--socket') };
}

/** A bad address is wrong usage. */
function parsed(text: string, field: string): Endpoint {
  try {
    return parseEndpoint(text, { field });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.kind, USAGE, error.message, {
      field,
      ...(error.value === undefined ? {} : { value: error.value }),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
