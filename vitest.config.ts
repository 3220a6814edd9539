import { defineConfig } from "vitest/config";

/** Tests that start programs, a browser or a database and do not ask how long things take: two at a time. */
const programs = [
  "test/{cli,database,notebooks}/**/*.test.ts",
  "test/pooler/{process,command-line,programs}.test.ts",
  "test/report/browser.test.ts",
];

/** Tests with sockets and time of their own: one file after the other, or they disturb each other. */
const live = [
  "test/{live,parity}/**/*.test.ts",
  "test/pooler/**/*.test.ts",
  "test/study/validate.test.ts",
];

const limits = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...limits,
          name: "pure",
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
          exclude: programs,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
