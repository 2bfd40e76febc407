// SPDX-License-Identifier: Apache-2.0
/** gRPC health (grpc.health.v1) and server reflection (v1 and v1alpha) beside a service; neither attests nor needs the header (WEP-17, WEP-18). */
import type { Server } from '@grpc/grpc-js';
import type { Clock } from '../lib/clock.ts';
import { HEALTH_PROTO, Health } from './health.ts';
import { addReflection } from './reflection/reflection.ts';

export interface SideServices {
  /** Paths that are served. */
  readonly served: readonly string[];
  /** From now on health says NOT_SERVING. */
  stopping(): void;
  /** Calls that watch health. */
  readonly watchers: number;
}

/** What bounds an asker that does not read. */
export interface Pace {
  readonly undrainedMs: number;
  readonly clock: Clock;
}

/** By name, with the file of `proto/` that has it. */
export type Described = ReadonlyMap<string, string>;

export function addSideServices(server: Server, services: Described, pace: Pace): SideServices {
  const health = new Health(['', ...services.keys()]);
  const served = health.addTo(server);
  const reflection = addReflection(server, { files: [...services.values(), HEALTH_PROTO], ...pace });
  return {
    served: [...served, ...reflection],
    stopping: () => health.set('NOT_SERVING'),
    get watchers() {
      return health.watchers;
    },
  };
}
