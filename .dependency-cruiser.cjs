// The arrows of the house: cli -> study | pooler -> model | wire -> core. See README, "Layout".
const only = (name, from, to) => ({
  name,
  severity: "error",
  from: { path: from },
  to: { path: "^(engine|sim|workloads|notebooks|test)/", pathNot: to },
});
const room = (name, below) =>
  only(
    `pooler-${name}`,
    `^engine/pooler/${name}/`,
    `^engine/(core|config|wire|show|pooler/(${[name, ...below].join("|")}))/`,
  );
module.exports = {
  forbidden: [
    only("core-imports-nothing", "^engine/core/", "^engine/core/"),
    {
      name: "core-and-wire-are-sans-io",
      severity: "error",
      from: { path: "^(engine/(core|wire)|sim/(kernel|model))/" },
      to: {
        dependencyTypes: ["core"],
        path: "^(node:)?(net|tls|fs|dns|http|https|dgram|child_process|timers|cluster|worker_threads|process|os)(/|$)",
      },
    },
    only("config-knows-core", "^engine/config/", "^engine/(config|core)/"),
    only("wire-knows-core", "^engine/wire/", "^engine/(wire|core)/"),
    only("show-knows-core", "^engine/show/", "^engine/(show|wire|core)/"),
    only("pooler-knows-engine", "^engine/pooler/", "^engine/"),
    // The rooms of the pooler, each above those before it.
    room("system", []),
    room("sockets", ["system"]),
    room("auth", ["system", "sockets"]),
    room("relay", ["system", "sockets", "auth"]),
    room("console", ["system", "sockets", "auth", "relay"]),
    only("kernel-knows-nothing-of-pools", "^sim/kernel/", "^sim/kernel/"),
    only(
      "model-drives-core",
      "^sim/model/",
      "^(sim/(model|kernel)|engine/(core|config|show)|workloads/schema)/",
    ),
    only(
      "report-draws-results",
      "^sim/report/",
      "^(sim/(report|study)|engine/(core|show)|workloads/schema)/",
    ),
    only("results-are-data", "^sim/study/results/", "^(sim/study/results|engine/core)/"),
    only("analytic-is-arithmetic", "^sim/study/analytic/", "^sim/(study/analytic|kernel)/"),
    only(
      "charts-are-below-reports",
      "^sim/report/charts/",
      "^(sim/report/(charts/|theme|units|figures|tables)|sim/study|engine/core)",
    ),
    only("study-knows-no-cli", "^sim/study/", "^(sim/(study|model|kernel)|engine|workloads)/"),
    only("cli-wires", "^sim/cli/", "^(sim/(cli|report|study)|engine|workloads)/"),
    only(
      "schema-knows-distributions",
      "^workloads/schema/",
      "^(workloads/schema|sim/kernel|engine/(config|core))/",
    ),
    only(
      "live-knows-schema",
      "^workloads/(live|database)/",
      "^(workloads|sim/kernel|engine/(config|wire|core))/",
    ),
    only(
      "notebooks-simulate-and-draw",
      "^notebooks/",
      "^(notebooks/|engine/(core|config)/|workloads/(schema/|[^/]+[.]yaml)|sim/(kernel|model|study|report)/)",
    ),
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
  },
};
