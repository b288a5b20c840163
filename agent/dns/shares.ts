/**
 * Room that all askers of this host share: each may take as much as it leaves free for the others, so that one alone gets half of
 * it, and none can leave nothing to the next one (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet
 * switches", with a factor of one).
 */
export class Shares {
  private readonly taken = new Map<string, number>();
  private total = 0;

  constructor(private readonly room: number) {}

  /** It may have one more. */
  hasRoomFor(asker: string): boolean {
    return (this.taken.get(asker) ?? 0) < this.room - this.total;
  }

  /** @returns false: it has what it may have; otherwise give it back, once */
  take(asker: string): boolean {
    if (!this.hasRoomFor(asker)) return false;
    this.taken.set(asker, (this.taken.get(asker) ?? 0) + 1);
    this.total++;
    return true;
  }

  giveBack(asker: string): void {
    const own = this.taken.get(asker)!;
    if (own === 1) this.taken.delete(asker);
    else this.taken.set(asker, own - 1);
    this.total--;
  }
}
