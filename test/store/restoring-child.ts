// SPDX-License-Identifier: Apache-2.0
/** `restoring-child.ts restore|accept DIR FROM`: says that it is loaded, and does it when it is told to. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { acceptRollback } from '../../src/store/sqlite/accept-rollback.ts';
import { restore } from '../../src/store/sqlite/restore.ts';
import { BY, NOW } from './samples.ts';

const [what = '', dataDir = '', from = ''] = process.argv.slice(2);
const place = { dataDir, uid: process.geteuid?.() ?? 0, anchors: [] };
const acceptance = { keepAuthorities: false, by: BY, now: NOW, random: randomBytes };
process.stdout.write('loaded\n');
await once(process.stdin, 'data');
if (what === 'restore') restore({ from, place, acceptance });
else acceptRollback(place, { ...acceptance, cause: 'rollback' });
process.exit(0);
