/**
 * The pooler's own work: each process reads one message after the other, and each message, request or
 * answer, takes it the same time. So a message is through at the later of its arrival and the end of the
 * one before, plus its own work: a queue of one server, without a heap.
 */
import type { Nanos } from "../../engine/core/index.ts";
import { doubled } from "../kernel/doubled.ts";

/** The processes, and when each of them has read what has arrived. */
export class Station {
  private readonly work: Nanos;
  private readonly processes: number;
  /** When each process has read all that has arrived. */
  private readonly free: Float64Array;
  /** When the message of each client arrived that is being read. */
  private arrived: Float64Array = new Float64Array(64);

  // Of the window.
  private messages = 0;
  private waited = 0;
  private longest = 0;

  /** `places`: more than processes where others relieve them. */
  constructor(work: Nanos, processes: number, places: number) {
    this.work = work;
    this.processes = processes;
    this.free = new Float64Array(places);
  }

  /** A message arrives at a process; returns when it has been read. */
  take(now: Nanos, process: number): Nanos {
    const wait = Math.max(0, (this.free[process] as number) - now);
    this.messages++;
    this.waited += wait;
    if (wait > this.longest) this.longest = wait;
    const done = now + wait + this.work;
    this.free[process] = done;
    return done;
  }

  /** The processes begin anew. */
  clear(): void {
    this.free.fill(0);
  }

  /** Notes when the message of `client` came. */
  keep(client: number, now: Nanos): void {
    while (client >= this.arrived.length) this.arrived = doubled(this.arrived);
    this.arrived[client] = now;
  }

  /** When the message of `client` came that has just been read. */
  came(client: number): Nanos {
    return this.arrived[client] as number;
  }

  /** The window begins. */
  measure(): void {
    this.messages = 0;
    this.waited = 0;
    this.longest = 0;
  }

  /** Of a window of this length: share of the time that processes were at work, and waits for them. */
  figures(length: Nanos): StationFigures {
    const { messages, waited, longest } = this;
    const utilization = (messages * this.work) / length / this.processes;
    return { messages, utilization, wait: messages === 0 ? 0 : waited / messages, longest };
  }
}

/** What the pooler's processes did within the window. */
export interface StationFigures {
  messages: number;
  /** Part of the time that they were at work; above 1 when more came than they could read. */
  utilization: number;
  /** Mean and longest wait of a message for its process. */
  wait: Nanos;
  longest: Nanos;
}
