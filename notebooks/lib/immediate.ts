/** `setImmediate` for browsers, which the studies yield by. A message is sooner than any timer. */

const waiting: (() => void)[] = [];
const { port1, port2 } = new MessageChannel();
port1.onmessage = () => waiting.shift()?.();

Object.assign(globalThis, {
  setImmediate: (callback: () => void): void => {
    waiting.push(callback);
    port2.postMessage(null);
  },
});
