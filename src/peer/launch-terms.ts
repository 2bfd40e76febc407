// SPDX-License-Identifier: Apache-2.0
/** What a launch is allowed, and what is known of it: the words between the launcher's door, its attestor and this room. */
export interface LaunchTerms {
  readonly spiffeId: string;
  /** The program may become another one. */
  readonly allowExec: boolean;
  /** The program may run as another uid. */
  readonly allowUidChange: boolean;
  /** Processes that it starts count as it does. */
  readonly children: boolean;
  /** Absolute paths of the only programs that it may run; undefined: any. */
  readonly programs: readonly string[] | undefined;
  /** What the launcher says it will become; undefined where it did not say. */
  readonly announced: AnnouncedProgram | undefined;
}

export interface AnnouncedProgram {
  /** Of the file that the kernel will run: for a script, its interpreter. */
  readonly deviceMajor: bigint;
  readonly deviceMinor: bigint;
  readonly inode: bigint;
  /** Lower-case hex, over each argument with a closing zero, as /proc/PID/cmdline will have them. */
  readonly argumentsSha256: string;
}

/** One launch, as it stands for a process of it. */
export interface LaunchFacts {
  /** Names it within the life of the daemon; told of by `onChange`. */
  readonly id: string;
  readonly spiffeId: string;
  /** Where the program lies that was started; undefined where that is ambiguous or not to be learnt. */
  readonly program: string | undefined;
  /** False for the very process that was bound. */
  readonly child: boolean;
}

export interface NotLaunched {
  /** In words for an operator. */
  readonly reason: string;
  /** The launch that it would be of, were that different. */
  readonly id?: string;
}

export type LaunchEnd =
  | 'exited'
  | 'never-started'
  | 'exec'
  | 'uid-changed'
  | 'other-program'
  | 'unseen'
  | 'unreadable'
  | 'replaced'
  | 'refused'
  | 'stopping';
