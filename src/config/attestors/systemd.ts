// SPDX-License-Identifier: Apache-2.0
/** `attestors.systemd`: has no settings. In the file alone, as every attestor but unix. */
import type { SettingsReader } from '../reader.ts';

/** Nothing to set: it is asked where it always is. */
export type SystemdAttestorConfig = Readonly<Record<never, never>>;

const KEY = 'attestors.systemd';

/** Undefined where the block does not name it. */
export function readSystemd(reader: SettingsReader): SystemdAttestorConfig | undefined {
  const node = reader.tree(KEY);
  reader.explain(
    KEY,
    node === undefined ? 'off' : 'on',
    node === undefined ? 'default' : reader.placeOf('file', node.line),
  );
  if (node === undefined) return undefined;
  const isEmpty = node.kind === 'map' ? node.members.size === 0 : node.kind === 'scalar' && node.value === undefined;
  if (!isEmpty) reader.refuse(reader.placeOf(KEY, node.line), undefined, 'takes no settings', 'write systemd: {}');
  return {};
}
