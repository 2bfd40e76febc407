// SPDX-License-Identifier: Apache-2.0
/** `admin.roles`: who besides root and the daemon may write or launch, by uid, and below which SPIFFE ID. */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import type { RoleConfig } from './config.ts';
import { LAUNCHER_MEMBERS, readLauncherOptions } from './launcher-role.ts';
import { nearest } from './nearest.ts';
import type { SettingsReader } from './reader.ts';
import type { MapTree, ScalarTree, Tree } from './yaml-tree.ts';

const MOST_ROLES = 256;
/** 2^32 - 1 is "no uid" to the kernel (setresuid(2)). */
const HIGHEST_UID = 2 ** 32 - 2;
const MEMBERS = ['role', 'uid', 'spiffe_id_prefix'];
const ROLES = ['registrar', 'launcher'];

export function readRoles(reader: SettingsReader, trustDomain: TrustDomain | undefined): readonly RoleConfig[] {
  const list = reader.tree('admin.roles');
  if (list === undefined || (list.kind === 'scalar' && list.value === undefined)) return explained(reader, []);
  if (list.kind !== 'list') {
    reader.refuse(
      reader.placeOf('admin.roles', list.line),
      undefined,
      'must be a list',
      'write "- { role: registrar, uid: 1001, spiffe_id_prefix: ... }" below it',
    );
    return [];
  }
  if (list.items.length > MOST_ROLES) {
    reader.refuse(
      reader.placeOf('admin.roles', list.line),
      list.items.length,
      `roles are more than the ${MOST_ROLES} allowed`,
    );
    return [];
  }
  const read = list.items.map((item, index) => readRole(reader, item, `admin.roles[${index}]`, trustDomain));
  const roles = read.filter((role) => role !== undefined);
  refuseTwice(reader, roles, list.line);
  return explained(reader, roles);
}

/** Two rules for the same launches would leave it to their order which one holds. */
function refuseTwice(reader: SettingsReader, roles: readonly RoleConfig[], line: number): void {
  const seen = new Set<string>();
  for (const { role, uid, spiffeIdPrefix } of roles) {
    const key = `${uid} ${spiffeIdPrefix}`;
    if (role !== 'launcher') continue;
    if (seen.has(key)) {
      const text = `names the launcher for uid ${uid} below ${spiffeIdPrefix} twice`;
      reader.refuse(reader.placeOf('admin.roles', line), undefined, text, 'make one role of the two');
    }
    seen.add(key);
  }
}

function explained(reader: SettingsReader, roles: readonly RoleConfig[]): readonly RoleConfig[] {
  const shown = roles.map((role) => `${role.role} uid ${role.uid} below ${role.spiffeIdPrefix}`).join('; ');
  const line = reader.tree('admin.roles')?.line;
  reader.explain(
    'admin.roles',
    shown === '' ? 'none' : shown,
    line === undefined ? 'default' : reader.placeOf('file', line),
  );
  return roles;
}

function readRole(
  reader: SettingsReader,
  item: Tree,
  key: string,
  td: TrustDomain | undefined,
): RoleConfig | undefined {
  if (item.kind !== 'map') {
    reader.refuse(reader.placeOf(key, item.line), undefined, 'must have role, uid and spiffe_id_prefix');
    return undefined;
  }
  const before = reader.problems.length;
  const role = member(reader, item, key, 'role');
  if (role !== undefined && !ROLES.includes(String(role.value))) {
    reader.refuse(reader.placeOf(`${key}.role`, role.line), role.text, 'is no role', `roles here: ${ROLES.join(', ')}`);
  }
  const launches = role?.value === 'launcher';
  refuseOthers(reader, item, key, launches ? [...MEMBERS, ...LAUNCHER_MEMBERS] : MEMBERS);
  const uid = member(reader, item, key, 'uid');
  const number = uid?.value;
  if (
    uid !== undefined &&
    !(typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 && number <= HIGHEST_UID)
  ) {
    reader.refuse(
      reader.placeOf(`${key}.uid`, uid.line),
      uid.text,
      'is no uid',
      'give the number that "id -u NAME" prints',
    );
  }
  const prefix = member(reader, item, key, 'spiffe_id_prefix');
  const id = prefix === undefined ? undefined : readPrefix(reader, `${key}.spiffe_id_prefix`, prefix, td);
  const options = launches ? readLauncherOptions(reader, item, key) : undefined;
  if (reader.problems.length > before) return undefined;
  const who = { uid: number as number, spiffeIdPrefix: id! };
  return options === undefined ? { role: 'registrar', ...who } : { role: 'launcher', ...who, ...options };
}

function refuseOthers(reader: SettingsReader, item: MapTree, key: string, members: readonly string[]): void {
  for (const [name, node] of item.members) {
    if (members.includes(name)) continue;
    const near = nearest(name, members);
    const hint = near === undefined ? `keys here: ${members.join(', ')}` : `did you mean ${near}?`;
    reader.refuse(reader.placeOf(`${key}.${name}`, node.line), undefined, 'is no key of a role', hint);
  }
}

function member(reader: SettingsReader, item: MapTree, key: string, name: string): ScalarTree | undefined {
  const node = item.members.get(name);
  if (node?.kind === 'scalar' && node.value !== undefined) return node;
  const reason = node === undefined ? `lacks ${name}` : `has no single value for ${name}`;
  reader.refuse(
    reader.placeOf(key, (node ?? item).line),
    undefined,
    reason,
    'a role has role, uid and spiffe_id_prefix',
  );
  return undefined;
}

/** With its final slash, so that `/team-a/` never covers `/team-ab` (a prefix is cut at a segment boundary). */
function readPrefix(
  reader: SettingsReader,
  key: string,
  node: ScalarTree,
  td: TrustDomain | undefined,
): string | undefined {
  const label = reader.placeOf(key, node.line);
  const text = String(node.value);
  try {
    const id = SpiffeId.parse(text.replace(/\/$/, ''), label);
    if (td !== undefined && !id.memberOf(td)) {
      reader.refuse(label, text, `is outside the trust domain ${td.name}`, `start it with ${td.id}/`);
      return undefined;
    }
    return `${id.toString()}/`;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    reader.problems.push(error);
    return undefined;
  }
}
