// SPDX-License-Identifier: Apache-2.0
/** The order in which a call on the workload socket is looked at before its handler attests the caller. */
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Peer } from '../../peer/peer.ts';
import { knownMethod } from './known-method.ts';
import { securityHeader } from './security-header.ts';
import { statusTally } from './status-tally.ts';
import { type StreamCeilings, streamCeiling } from './stream-ceiling.ts';
import { type StreamRates, streamRate } from './stream-rate.ts';

export interface ChainOptions {
  readonly isServed: (path: string) => boolean;
  readonly peerOf: (call: { getPeer(): string }) => Peer;
  readonly ceilings: StreamCeilings;
  readonly rates: StreamRates;
  /** Counts how calls end that do not end well, by reason. */
  readonly refused: { add(reason: string): void };
}

/** What costs more than an answer out of memory. */
const COUNTED = [
  '/SpiffeWorkloadAPI/',
  '/envoy.service.secret.v3.SecretDiscoveryService/',
  '/assay.launcher.v1.Launcher/',
  '/assay.task.v1.TaskService/',
];

export function workloadChain({
  isServed,
  peerOf,
  ceilings,
  rates,
  refused,
}: ChainOptions): readonly ServerInterceptor[] {
  const isCounted = (path: string): boolean => COUNTED.some((service) => path.startsWith(service));
  // Nearest to the wire: it sees what the others refuse.
  return [
    statusTally(refused),
    securityHeader,
    knownMethod(isServed),
    streamCeiling(peerOf, ceilings),
    streamRate(peerOf, rates, isCounted),
  ];
}
