"use strict";
// The charts of the overview and the progress page, drawn with Apache ECharts; each has a table behind it.
(() => {
  const { data, colour, link, shown, onMount } = window.sessionlint;
  const escape = (text) => shown(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const text = () => ({ color: colour("text"), fontFamily: getComputedStyle(document.body).fontFamily });
  const axis = () => ({ axisLine: { lineStyle: { color: colour("axis") } }, axisLabel: { color: colour("axis") }, splitLine: { lineStyle: { color: colour("grid") } } });
  const tooltip = () => ({ backgroundColor: colour("panel"), borderColor: colour("line"), textStyle: text(), confine: true });
  const palette = () => Array.from({ length: 9 }, (_, index) => colour(`c${index + 1}`));
  const symbols = ["circle", "rect", "triangle", "diamond", "pin", "arrow", "roundRect", "circle", "rect"];

  // Both charts of the trend begin and end at the same places, whatever their labels.
  const plainGrid = (grids) => ({ grid: grids.map((one) => ({ ...one, containLabel: false, outerBoundsMode: "none" })) });

  function trend(found) {
    const points = found.trend, families = found.families;
    const few = points.length < 60;
    return {
      color: palette(), textStyle: text(), animation: false,
      ...plainGrid([{ left: 56, right: 24, top: 34, height: "24%" }, { left: 56, right: 24, top: "42%", bottom: 56 }]),
      legend: { bottom: 0, type: "scroll", textStyle: text(), pageTextStyle: text(), pageIconColor: colour("link"), data: families.map((f) => f.family) },
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      tooltip: { ...tooltip(), trigger: "axis", formatter: (items) => {
        const point = points[items[0].dataIndex];
        const lines = families.filter((f) => point.families[f.family]).map((f) => `${f.family} ${escape(f.title)}: <b>${point.families[f.family]}</b>`);
        return [`<b>${point.at.slice(0, 10)}</b> ${escape(point.commit)}`, escape(point.subject.slice(0, 60)), `${point.compliance_percent}% of ${point.files} files compliant`, ...lines].join("<br>");
      } },
      xAxis: [0, 1].map((index) => ({ type: "time", gridIndex: index, ...axis(), axisLabel: { color: colour("axis"), show: index === 1, hideOverlap: true }, splitLine: { show: false } })),
      yAxis: [
        { type: "value", gridIndex: 0, min: 0, max: 100, interval: 50, name: "compliant", nameTextStyle: { color: colour("axis"), align: "left" }, ...axis(), axisLabel: { color: colour("axis"), formatter: "{value}%" } },
        { type: "value", gridIndex: 1, name: "findings", nameTextStyle: { color: colour("axis"), align: "left" }, minInterval: 1, ...axis() },
      ],
      series: [
        { name: "compliant", type: "line", xAxisIndex: 0, yAxisIndex: 0, step: "end", showSymbol: few, symbolSize: 6, lineStyle: { width: 2.5, color: colour("link") }, itemStyle: { color: colour("link") }, areaStyle: { color: colour("good-bg") }, data: points.map((p) => [p.at, p.compliance_percent]) },
        ...families.map((f, index) => ({ name: f.family, type: "line", stack: "debt", xAxisIndex: 1, yAxisIndex: 1, step: "end", symbol: symbols[index % 9], showSymbol: few, symbolSize: 6, lineStyle: { width: 1 }, areaStyle: { opacity: 0.75 }, data: points.map((p) => [p.at, p.families[f.family] || 0]) })),
      ],
    };
  }

  function shade(node) {
    const density = node.children ? (10 * node.debt) / Math.max(1, node.files) / 3 : node.debt;
    const name = !node.debt ? "k-clean" : density < 3 ? "k-1" : density < 10 ? "k-2" : "k-3";
    const tree = { name: shown(node.name), value: node.value, debt: node.debt, page: node.page, compliant: node.compliant, files: node.files, itemStyle: { color: colour(name) } };
    if (!node.children && name !== "k-clean") tree.label = { formatter: `{b}\n✕ ${node.debt}` };
    if (name === "k-3") tree.label = { ...tree.label, color: document.documentElement.dataset.theme === "dark" || colour("bg") !== "#ffffff" ? "#12171d" : "#ffffff" };
    if (node.children) tree.children = node.children.map(shade);
    return tree;
  }

  function treemap(found) {
    return {
      textStyle: text(), animation: false,
      tooltip: { ...tooltip(), formatter: ({ data: node, treePathInfo }) => {
        if (!node || node.debt === undefined) return "";
        const place = treePathInfo.slice(1).map((step) => escape(step.name)).join("");
        const state = node.files === undefined ? "" : `<br>${node.compliant} of ${node.files} files compliant`;
        return `<b>${place}</b><br>${node.value.toLocaleString("en")} lines, ${node.debt} finding${node.debt === 1 ? "" : "s"}${state}`;
      } },
      series: [{
        type: "treemap", data: found.treemap.map(shade), left: 0, right: 0, top: 0, bottom: 32, roam: false, nodeClick: "zoomToNode", leafDepth: found.treemap.length > 40 ? 2 : null, visibleMin: 40,
        breadcrumb: { bottom: 0, itemStyle: { color: colour("panel"), borderColor: colour("line"), textStyle: { color: colour("text") } }, emphasis: { itemStyle: { color: colour("good-bg"), textStyle: { color: colour("text") } } } },
        label: { color: colour("text"), fontSize: 11, lineHeight: 15, overflow: "truncate" },
        upperLabel: { show: true, height: 20, color: colour("text"), fontSize: 11 },
        itemStyle: { borderColor: colour("bg"), borderWidth: 1, gapWidth: 1 },
        levels: [{ upperLabel: { show: false } }, { itemStyle: { borderWidth: 2, gapWidth: 2 } }, {}, {}],
      }],
    };
  }

  const bars = (names, series, flat) => ({
    color: [colour("c2"), colour("c1")], textStyle: text(), animation: false, aria: { enabled: true, decal: { show: true } },
    grid: { left: flat ? 8 : 48, right: 24, top: 34, bottom: 8, containLabel: true }, legend: { top: 0, textStyle: text() },
    tooltip: { ...tooltip(), trigger: "axis", axisPointer: { type: "shadow" } },
    [flat ? "yAxis" : "xAxis"]: { type: "category", data: names, inverse: flat, ...axis(), axisLabel: { color: colour("axis"), width: 150, overflow: "truncate" } },
    [flat ? "xAxis" : "yAxis"]: { type: "value", minInterval: 1, ...axis() },
    series: series.map((one) => ({ type: "bar", barMaxWidth: 26, ...one })),
  });
  const months = (found) => bars(found.months.map((m) => m.month), [{ name: "new", data: found.months.map((m) => m.new) }, { name: "fixed", data: found.months.map((m) => m.fixed) }], false);
  const people = (found) => {
    const first = found.people.slice(0, 8);
    return bars(first.map((p) => shown(p.name)), [{ name: "added", data: first.map((p) => p.added) }, { name: "fixed", data: first.map((p) => p.fixed) }], true);
  };

  function projects(found) {
    return {
      color: palette(), textStyle: text(), animation: false, ...plainGrid([{ left: 56, right: 24, top: 16, bottom: 64 }]),
      legend: { bottom: 0, type: "scroll", textStyle: text(), pageTextStyle: text(), pageIconColor: colour("link") },
      tooltip: { ...tooltip(), trigger: "item", formatter: ({ seriesName, value }) => `<b>${escape(seriesName)}</b><br>${value[0].slice(0, 10)}: ${value[1]}%` },
      xAxis: { type: "time", ...axis(), axisLabel: { color: colour("axis"), hideOverlap: true }, splitLine: { show: false } },
      yAxis: { type: "value", min: 0, max: 100, ...axis(), axisLabel: { color: colour("axis"), formatter: "{value}%" } },
      series: found.projects.map((project, index) => ({ name: shown(project.name), type: "line", step: "end", symbol: symbols[index % 9], symbolSize: 7, showSymbol: project.trend.length < 60, data: project.trend })),
    };
  }

  const makers = { trend, projects, treemap, months, people };
  onMount((root) => {
    const found = data(root);
    const places = [...root.querySelectorAll("[data-chart]")].filter((place) => place.dataset.chart in makers);
    const drawn = new Map();
    const start = (place) => {
      if (drawn.has(place)) return;
      const chart = echarts.init(place, null, { renderer: place.dataset.chart === "treemap" ? "canvas" : "svg" });
      if (place.dataset.chart === "treemap") chart.on("click", ({ data: node }) => { if (node && node.page) location.href = link(node.page); });
      const draw = () => { if (document.contains(place)) chart.setOption(makers[place.dataset.chart](found), true); };
      draw();
      document.addEventListener("sessionlint-theme", draw);
      new ResizeObserver(() => chart.resize()).observe(place);
      drawn.set(place, chart);
    };
    // A chart is drawn when it comes near the screen: the numbers above it must not wait for it.
    const near = new IntersectionObserver((entries) => entries.forEach((entry) => { if (entry.isIntersecting) start(entry.target); }), { rootMargin: "300px" });
    places.forEach((place) => near.observe(place));
    if (places.length) addEventListener("beforeprint", () => { places.forEach(start); drawn.forEach((chart) => chart.resize()); });
    return null;
  });
})();
