// SPDX-License-Identifier: Apache-2.0
/** `tasks`: how long they may last, and how many at once. */
import type { SettingsReader } from './reader.ts';
import { duration, wholeNumber } from './settings.ts';

export interface TasksConfig {
  readonly defaultTtlMs: number;
  readonly mostTtlMs: number;
  readonly x509TtlMs: number;
  readonly jwtTtlMs: number;
  readonly pendingMs: number;
  readonly mostDepth: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export function readTasks(reader: SettingsReader): TasksConfig {
  return {
    defaultTtlMs: reader.read('tasks.default_ttl', duration(20 * MINUTE, { min: 10_000, max: 24 * HOUR })),
    mostTtlMs: reader.read('tasks.max_ttl', duration(8 * HOUR, { min: 10_000, max: 168 * HOUR })),
    x509TtlMs: reader.read('tasks.x509_ttl', duration(15 * MINUTE, { min: MINUTE, max: HOUR })),
    jwtTtlMs: reader.read('tasks.jwt_ttl', duration(5 * MINUTE, { min: 10_000, max: HOUR })),
    pendingMs: reader.read('tasks.pending_timeout', duration(15 * MINUTE, { min: 10_000, max: 24 * HOUR })),
    mostDepth: reader.read('tasks.max_depth', wholeNumber(3, { min: 0, max: 16 })),
  };
}
