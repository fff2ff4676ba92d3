"use strict";
// The architecture map: boxes in columns from who serves to where sessions come from, drawn with Apache ECharts.
window.sessionlint.onMount((root) => {
  const { data, colour, link, shown, filters, state } = window.sessionlint;
  const place = root.querySelector("[data-chart='map']");
  if (!place) return null;
  const found = data(root);
  const form = root.querySelector("[data-map-filters]");
  const count = root.querySelector("[data-map-count]");
  const escape = (text) => shown(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const shelf = { endpoint: 0, job: 0, dependency: 1, service: 1, source: 2 };
  const ROW = 34, WIDE = 2.1, HIGH = 0.76, STEP = 3.4;

  // Functions of one file and kind become one box unless functions are asked for.
  function boxes(byFunction) {
    const made = new Map(), boxOf = new Map();
    for (const node of found.nodes) {
      const key = byFunction ? node.key : `${node.kind}:${node.path}:${node.kind === "source" && node.approved}`;
      if (!made.has(key)) made.set(key, { key, kind: node.kind, path: node.path, page: node.page, module: node.module, names: [], routes: [], does: new Set(), debt: 0, approved: true });
      const box = made.get(key);
      box.names.push(node.name || "module level");
      box.routes.push(...node.routes);
      node.does.forEach((deed) => box.does.add(deed));
      box.debt += node.debt;
      box.approved = box.approved && (node.approved || node.kind !== "source");
      boxOf.set(node.key, box);
    }
    const edges = new Map();
    for (const edge of found.edges) {
      const source = boxOf.get(edge.source), target = boxOf.get(edge.target);
      if (source !== target) edges.set(`${source.key}|${target.key}|${edge.kind}`, { source, target, kind: edge.kind });
    }
    for (const box of made.values()) {
      box.label = byFunction ? box.routes[0] || box.names[0] : box.module;
      if (box.names.length > 1) box.label += ` (${box.names.length})`;
      if (box.debt) box.label = `✕ ${box.debt}  ${box.label}`;
    }
    return { made: [...made.values()], edges: [...edges.values()] };
  }

  function chosen(values) {
    const { made, edges } = boxes(values.by === "function");
    const query = values.q.toLowerCase();
    const narrowed = Boolean(query || values.kind || values.debt);
    const hit = new Set(made.filter((box) =>
      (!query || `${box.path} ${box.module} ${box.names.join(" ")} ${box.routes.join(" ")}`.toLowerCase().includes(query)) &&
      (!values.kind || box.kind === values.kind) && (!values.debt || box.debt > 0)));
    const near = new Set(hit);
    if (narrowed) for (const edge of edges) { if (hit.has(edge.source)) near.add(edge.target); if (hit.has(edge.target)) near.add(edge.source); }
    const kept = edges.filter((edge) => near.has(edge.source) && near.has(edge.target));
    const rows = layout(made.filter((box) => near.has(box)), kept);
    return { boxes: made.filter((box) => near.has(box)), edges: kept, hit, narrowed, rows };
  }

  // Columns; each box as near as can be to the middle of those that lead to it, so that few arrows cross.
  function layout(all, edges) {
    const rows = [[], [], []];
    for (const box of all) rows[shelf[box.kind]].push(box);
    rows[0].sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.path < b.path ? -1 : 1));
    const tallest = Math.max(1, ...rows.map((row) => row.length));
    const spread = (row) => row.forEach((box, index) => { box.y = (index + 0.5) * (tallest / row.length); });
    rows.forEach((row, column) => { spread(row); row.forEach((box) => { box.x = column * STEP; }); });
    for (const row of [rows[1], rows[2], rows[1]]) {
      for (const box of row) {
        const others = edges.filter((e) => (e.target === box || e.source === box) && e.source.x !== e.target.x).map((e) => (e.target === box ? e.source.y : e.target.y));
        box.pull = others.length ? others.reduce((sum, y) => sum + y, 0) / others.length : box.y;
      }
      row.sort((a, b) => a.pull - b.pull || (a.path < b.path ? -1 : 1));
      spread(row);
    }
    return tallest;
  }

  let chart = null, current = null, focus = null, counted = "";
  const touches = (edge) => edge.source === focus || edge.target === focus;
  const isDim = (box) => focus !== null && box !== focus && !current.edges.some((edge) => touches(edge) && (edge.source === box || edge.target === box));

  function drawBox(params, api) {
    const box = current.boxes[params.dataIndex];
    const [x, y] = api.coord([box.x, box.y]);
    const [w, h] = api.size([WIDE, HIGH]);
    const tone = box.debt ? "bad" : box.kind === "source" ? "good" : "quiet";
    const width = current.narrowed && current.hit.has(box) ? 2.5 : 1.2;
    return { type: "group", children: [{
      type: "rect", shape: { x: x - w / 2, y: y - h / 2, width: w, height: h, r: box.kind === "job" ? 0 : 6 },
      style: { fill: box.debt ? colour("bad-bg") : box.kind === "source" ? colour("good-bg") : colour("panel"), stroke: colour(tone), lineWidth: width, lineDash: box.kind === "source" && !box.approved ? [5, 4] : null, opacity: isDim(box) ? 0.3 : 1 },
      textContent: { type: "text", style: { text: shown(box.label), fill: colour("text"), fontSize: Math.max(8, Math.min(13, h * 0.48)), width: w - 12, overflow: "truncate", ellipsis: "…", opacity: isDim(box) ? 0.4 : 1 } },
      textConfig: { position: "inside" },
    }] };
  }

  function drawEdge(params, api) {
    const edge = current.edges[params.dataIndex];
    const stroke = colour({ injects: "c1", obtains: "c3", carries: "c9", starts: "c7" }[edge.kind]);
    const half = WIDE / 2, same = edge.source.x === edge.target.x, back = edge.source.x > edge.target.x;
    const [x1, y1] = api.coord([edge.source.x + (back ? -half : half), edge.source.y]);
    const [x2, y2] = api.coord([edge.target.x + (same || back ? half : -half), edge.target.y]);
    const bend = same ? Math.min(60, 18 + Math.abs(y2 - y1) * 0.2) : (x2 - x1) * 0.45;
    const tip = same || back ? -1 : 1;
    const opacity = focus === null ? 0.75 : touches(edge) ? 1 : 0.08;
    return { type: "group", children: [
      { type: "bezierCurve", shape: { x1, y1, cpx1: x1 + bend, cpy1: y1, cpx2: same ? x2 + bend : x2 - bend, cpy2: y2, x2: x2 - tip * 5, y2 }, style: { stroke, fill: null, lineWidth: focus && touches(edge) ? 2.5 : edge.kind === "carries" ? 1 : 1.5, lineDash: edge.kind === "starts" ? [6, 4] : null, opacity } },
      { type: "polygon", shape: { points: [[x2, y2], [x2 - tip * 8, y2 - 4], [x2 - tip * 8, y2 + 4]] }, style: { fill: stroke, opacity } },
    ] };
  }

  function tooltip({ seriesIndex, dataIndex }) {
    if (seriesIndex === 0) {
      const edge = current.edges[dataIndex];
      return `${escape(edge.source.module)} <b>${edge.kind}</b> ${escape(edge.target.module)}`;
    }
    const box = current.boxes[dataIndex], more = box.names.length > 8 ? `<br>and ${box.names.length - 8} more` : "";
    const kind = box.kind === "source" ? `source, ${box.approved ? "approved" : "not approved"}` : box.kind;
    return `<b>${escape(box.path)}</b><br>${kind}${box.debt ? `, ${box.debt} finding${box.debt === 1 ? "" : "s"}` : ""}<br>${box.names.slice(0, 8).map(escape).join("<br>")}${more}${box.does.size ? `<br><i>${[...box.does].sort().join(", ")}</i>` : ""}`;
  }

  function series() {
    const points = (list, y) => list.map((item) => [y(item).x, y(item).y]);
    return [
      { type: "custom", renderItem: drawEdge, data: points(current.edges, (edge) => edge.source), clip: true, z: 1, encode: { x: 0, y: 1 } },
      { type: "custom", renderItem: drawBox, data: points(current.boxes, (box) => box), clip: true, z: 2, encode: { x: 0, y: 1 } },
    ];
  }

  function draw() {
    if (!current || !document.contains(place)) return;
    place.style.height = `${Math.min(9000, Math.max(300, current.rows * ROW + 40))}px`;
    if (!chart) create();
    const hidden = { show: false, type: "value", axisPointer: { show: false } };
    chart.setOption({
      animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      tooltip: { trigger: "item", confine: true, backgroundColor: colour("panel"), borderColor: colour("line"), textStyle: { color: colour("text"), fontSize: 12 }, formatter: tooltip },
      grid: { left: 8, right: 8, top: 8, bottom: 8 },
      xAxis: { ...hidden, min: -WIDE / 2 - 0.03, max: 2 * STEP + WIDE / 2 + 0.03 }, yAxis: { ...hidden, min: 0, max: current.rows, inverse: true },
      dataZoom: ["xAxisIndex", "yAxisIndex"].map((axis) => ({ type: "inside", [axis]: 0, filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: true, moveOnMouseWheel: false, preventDefaultMouseMove: true, minSpan: 10 })),
      series: series(),
    }, true);
    // Only now: a resize draws, and what it draws has to be the boxes of today.
    chart.resize();
  }

  function look(box) {
    focus = box;
    chart.setOption({ series: series() });
  }

  function zoom(factor) {
    let span = 100;
    for (const index of [0, 1]) {
      const { start, end } = chart.getOption().dataZoom[index];
      const middle = (start + end) / 2, half = factor ? Math.min(50, Math.max(5, ((end - start) / 2) * factor)) : 50;
      const from = factor ? Math.min(100 - 2 * half, Math.max(0, middle - half)) : 0;
      chart.dispatchAction({ type: "dataZoom", dataZoomIndex: index, start: from, end: from + 2 * half });
      span = 2 * half;
    }
    count.textContent = `${counted}${span < 100 ? `, ${Math.round(10000 / span)}% zoom` : ""}`;
  }

  function create() {
    chart = echarts.init(place, null, { renderer: "canvas" });
    chart.on("click", { seriesIndex: 1 }, ({ dataIndex }) => { if (current.boxes[dataIndex].page) location.href = link(current.boxes[dataIndex].page); });
    chart.on("mouseover", { seriesIndex: 1 }, ({ dataIndex }) => look(current.boxes[dataIndex]));
    chart.on("mouseout", { seriesIndex: 1 }, () => look(null));
    new ResizeObserver(() => chart.resize()).observe(place);
    document.addEventListener("sessionlint-theme", draw);
    const buttons = root.querySelector("[data-map-zoom]");
    buttons.hidden = false;
    buttons.addEventListener("click", (event) => { if (event.target.dataset.zoom) zoom(Number(event.target.dataset.zoom)); });
  }

  return filters(form, (values) => {
    focus = null;
    current = chosen(values);
    const noun = values.by === "function" ? "function" : "file";
    counted = `${current.hit.size} ${noun}${current.hit.size === 1 ? "" : "s"}${current.narrowed ? " and their neighbours" : ""}`;
    count.textContent = counted;
    state.write(values);
    draw();
  });
});
