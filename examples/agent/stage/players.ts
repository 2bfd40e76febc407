// SPDX-License-Identifier: Apache-2.0
/** The desk and the agent: as root under a uid each, otherwise under the reader's, told apart by the program they run. */
import { join } from 'node:path';
import { strangers } from '../../mtls/stage/cast.ts';
import { type Scratch, top } from '../../mtls/stage/scratch.ts';

export interface Player {
  readonly node: string;
  readonly cwd: string;
  readonly uid: number | undefined;
  readonly selectors: readonly string[];
}

export interface Players {
  readonly desk: Player;
  readonly agent: Player;
  /** Under which the human works, as is written down of her: not the agent's. */
  readonly human: number;
  readonly ownUids: boolean;
}

/** Some uid that is not the reader's. */
const SOMEBODY = 60_103;

export function playersIn(scratch: Scratch, uids = strangers()): Players {
  if (uids === undefined) {
    const player = (name: string): Player => {
      const node = scratch.copyNode(`${name}-node`);
      const selectors = [`unix:uid:${process.getuid?.()}`, `unix:path:${node}`];
      return { node, cwd: top, uid: undefined, selectors };
    };
    return { desk: player('desk'), agent: player('agent'), human: SOMEBODY, ownUids: false };
  }
  const node = scratch.copyNode('node');
  const cwd = scratch.copySources('examples/agent', ['commander'], ['src']);
  const [desk = 0, agent = 0, human = 0] = uids;
  const player = (uid: number): Player => ({ node, cwd, uid, selectors: [`unix:uid:${uid}`] });
  return { desk: player(desk), agent: player(agent), human, ownUids: true };
}

export function scriptOf({ cwd }: Player, name: string): string {
  return join(cwd, 'examples/agent', `${name}.ts`);
}
