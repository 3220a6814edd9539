import { defineConfig } from "vitest/config";

/** Tests that start programs, a browser, a database or a pooler and do not ask how long things take: two at a time. */
const programs = [
  "test/{cli,database,notebooks,pooler}/**/*.test.ts",
  "test/report/browser.test.ts",
  "test/study/users.test.ts",
];

/** Tests that measure time: one file after the other, or they disturb each other. */
const live = [
  "test/{endurance,live,parity}/**/*.test.ts",
  "test/study/{calm,contested,faults,pooler-seat,preparing,room,several,validate}.test.ts",
];

/**
 * In ms. They are there for what hangs, on the slowest machine while it does other things: nothing else may come
 * near them. Whatever is waited for has a limit below that of its test, so that it can say what has not come.
 */
const limits = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  teardownTimeout: 60_000,
  expect: { poll: { timeout: 60_000 } },
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...limits,
          name: "pure",
          // These keep nothing between files, so each module is loaded once a worker, not once a file.
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: [...programs, ...live],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...limits,
          name: "programs",
          include: programs,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...limits,
          name: "live",
          include: live,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
