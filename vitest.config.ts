import { defineConfig } from "vitest/config";

/** Tests with processes, sockets and time of their own: one file after the other, or they disturb each other. */
const live = [
  "test/{database,live,pooler,parity,cli}/**/*.test.ts",
  "test/study/validate.test.ts",
  "test/report/browser.test.ts",
  "test/notebooks/**/*.test.ts",
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
          exclude: live,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...limits,
          name: "live",
          include: live,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
