// SPDX-License-Identifier: Apache-2.0
/** What is wrong with an evidence, and what whoever reads it has to know besides. */
export class Verdict {
  readonly faults: string[] = [];
  readonly remarks: string[] = [];

  /** Answers whether it is so. */
  require(isSo: boolean, fault: string): boolean {
    if (!isSo) this.faults.push(fault);
    return isSo;
  }

  remark(text: string): void {
    this.remarks.push(text);
  }
}
