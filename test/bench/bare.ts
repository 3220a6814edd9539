/**
 * The plain baseline: the same closed queue of N clients and c servers, first in first out, as one loop
 * over typed arrays and a binary heap, without scheduler, rules, statistics or pool. What it does in a
 * second is what this machine could do at most for a simulator of its kind.
 */

/** One event is the end of a think time or of a service. Times in seconds. */
export interface BareQueue {
  clients: number;
  servers: number;
  think: number;
  service: number;
}

/** Runs `events` events and returns the mean wait in seconds. */
export function bareLoop({ clients, servers, think, service }: BareQueue, events: number): number {
  const heap = new Heap(clients + 1);
  const random = generator();
  const asked = new Float64Array(clients);
  const queue = new Int32Array(2 ** Math.ceil(Math.log2(clients + 1)));
  const mask = queue.length - 1;
  let [first, last, busy, waited, served] = [0, 0, 0, 0, 0];
  for (let client = 0; client < clients; client++) heap.push(-think * Math.log(random()), client);
  for (let count = 0; count < events; count++) {
    const item = heap.pop();
    const now = heap.now;
    if (item < clients) {
      asked[item] = now;
      if (busy === servers) queue[last++ & mask] = item;
      else {
        busy++;
        heap.push(now - service * Math.log(random()), item + clients);
      }
      continue;
    }
    heap.push(now - think * Math.log(random()), item - clients);
    served++;
    if (first === last) busy--;
    else {
      const next = queue[first++ & mask] as number;
      waited += now - (asked[next] as number);
      heap.push(now - service * Math.log(random()), next + clients);
    }
  }
  return waited / Math.max(1, served);
}

/** xoshiro128**. Source: D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", 2021. */
function generator(): () => number {
  let [a, b, c, d] = [1, 2, 3, 4];
  return () => {
    const word = Math.imul(b, 5);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return ((Math.imul((word << 7) | (word >>> 25), 9) >>> 0) + 0.5) / 2 ** 32;
  };
}

/** Earliest first. */
class Heap {
  now = 0;
  private readonly times: Float64Array;
  private readonly items: Int32Array;
  private length = 0;

  constructor(capacity: number) {
    this.times = new Float64Array(capacity + 1);
    this.items = new Int32Array(capacity + 1);
  }

  push(time: number, item: number): void {
    const { times, items } = this;
    let at = ++this.length;
    for (; at > 1 && time < (times[at >> 1] as number); at >>= 1) {
      times[at] = times[at >> 1] as number;
      items[at] = items[at >> 1] as number;
    }
    times[at] = time;
    items[at] = item;
  }

  pop(): number {
    const { times, items } = this;
    const item = items[1] as number;
    this.now = times[1] as number;
    const end = this.length--;
    const time = times[end] as number;
    let at = 1;
    for (;;) {
      let child = at << 1;
      if (child >= end) break;
      if (child + 1 < end && (times[child + 1] as number) < (times[child] as number)) child++;
      if ((times[child] as number) >= time) break;
      times[at] = times[child] as number;
      items[at] = items[child] as number;
      at = child;
    }
    times[at] = time;
    items[at] = items[end] as number;
    return item;
  }
}
