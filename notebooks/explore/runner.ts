/** The worker of the page: asked anew, it drops what it was doing. */
import type { Job, Said } from "./explore.worker.ts";
import ExploreWorker from "./explore.worker.ts?worker&inline";

/** One job at a time. */
export class Runner {
  private worker: Worker | undefined;
  private busy = false;

  /** Begins a job in place of the one that is under way; `hear` is told what becomes of it. */
  run(job: Job, hear: (said: Said) => void): void {
    if (this.busy) this.stop();
    this.worker ??= new ExploreWorker();
    this.busy = true;
    this.worker.onmessage = ({ data }: MessageEvent<Said>) => {
      if (data.kind === "answer" || data.kind === "error") this.busy = false;
      hear(data);
    };
    this.worker.postMessage(job);
  }

  /** Ends what is under way. */
  stop(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.busy = false;
  }
}
