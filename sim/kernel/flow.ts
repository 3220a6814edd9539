/** Largest flow through a graph of two columns: shortest augmenting paths, after Edmonds and Karp. */

/** Nodes are told apart as keys of a map are. */
export class Flow<Left, Right> {
  /** Room that is left at both sides, and between them; what flows already. */
  private readonly left = new Map<Left, number>();
  private readonly right = new Map<Right, number>();
  private readonly room = new Map<Left, Map<Right, number>>();
  private readonly used = new Map<Right, Map<Left, number>>();

  offer(left: Left, leftRoom: number, right: Right, rightRoom: number): void {
    this.left.set(left, leftRoom);
    this.right.set(right, rightRoom);
  }

  join(left: Left, right: Right, room: number): void {
    add(this.room, left, right, room);
  }

  most(): number {
    let sum = 0;
    for (const from of this.left.keys())
      for (let step = this.augment(from); step > 0; step = this.augment(from)) sum += step;
    return sum;
  }

  /** Sends more from one left to any right with room, rerouting what others send; 0: no way. */
  private augment(from: Left): number {
    if ((this.left.get(from) ?? 0) === 0) return 0;
    const cameFrom = new Map<Right, Left>(); // Right -> the left on the way to it.
    const reached = new Map<Left, Right>(); // Left -> the right whose flow is taken from it.
    const queue = [from];
    for (const left of queue) {
      for (const [right, room] of this.room.get(left) ?? []) {
        if (room === 0 || cameFrom.has(right)) continue;
        cameFrom.set(right, left);
        if ((this.right.get(right) ?? 0) > 0) return this.send(from, right, cameFrom, reached);
        for (const [other, flow] of this.used.get(right) ?? []) {
          if (flow === 0 || other === from || reached.has(other)) continue;
          reached.set(other, right);
          queue.push(other);
        }
      }
    }
    return 0;
  }

  private send(
    from: Left,
    to: Right,
    cameFrom: ReadonlyMap<Right, Left>,
    reached: ReadonlyMap<Left, Right>,
  ): number {
    type Step = [left: Left, right: Right];
    const path: Step[] = [];
    for (let right: Right | undefined = to; right !== undefined; ) {
      const left: Left = cameFrom.get(right) ?? from;
      path.push([left, right]);
      right = left === from ? undefined : reached.get(left);
    }
    // Every second step takes back what the next left on the way sends to that right.
    const back = path.slice(0, -1).map(([left], i) => [left, (path[i + 1] as Step)[1]] as const);
    const step = Math.min(
      this.left.get(from) ?? 0,
      this.right.get(to) ?? 0,
      ...path.map(([left, right]) => this.room.get(left)?.get(right) ?? 0),
      ...back.map(([left, right]) => this.used.get(right)?.get(left) ?? 0),
    );
    this.left.set(from, (this.left.get(from) ?? 0) - step);
    this.right.set(to, (this.right.get(to) ?? 0) - step);
    for (const [left, right] of path) this.shift(left, right, step);
    for (const [left, right] of back) this.shift(left, right, -step);
    return step;
  }

  private shift(left: Left, right: Right, step: number): void {
    add(this.room, left, right, -step);
    add(this.used, right, left, step);
  }
}

function add<Row, Key>(table: Map<Row, Map<Key, number>>, row: Row, key: Key, by: number): void {
  const cells = table.get(row) ?? new Map<Key, number>();
  cells.set(key, (cells.get(key) ?? 0) + by);
  table.set(row, cells);
}
