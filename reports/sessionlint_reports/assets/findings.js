"use strict";
// The list of findings: drawn a hundred at a time, however many there are.
window.sessionlint.onMount((root) => {
  const { state, data, filters, compare, element, shown, link } = window.sessionlint;
  const form = root.querySelector("form[data-findings-filters]");
  if (!form) return null;
  const SIZE = 100;
  const rows = data(root);
  const texts = rows.map((row) => `${row.path} ${row.qualname} ${row.message} ${row.code} ${row.name}`.toLowerCase());
  const body = root.querySelector("[data-findings-rows]");
  const count = root.querySelector("[data-findings-count]");
  const pager = root.querySelector("[data-findings-pager]");
  const heads = [...root.querySelectorAll("th[data-sort]")];
  const ranks = { severity: ["error", "warning", "info"], state: ["open", "absorbed", "suppressed"] };
  const signs = { error: "✕", warning: "!", info: "i", open: "✕", absorbed: "≡", suppressed: "–" };
  let sort = "path", part = 0, values = {}, kept = [];

  const status = (text) => element("span", { class: `status s-${text}` }, element("span", { "aria-hidden": "true" }, signs[text]), ` ${text}`);
  const rank = (row, key) => {
    if (key in ranks) return ranks[key].indexOf(row[key]);
    return key === "owners" ? row.owners.join(", ") : row[key];
  };

  function line(row) {
    const steps = shown(`${row.path}:${row.line}`).split(/(?<=[/_])/).flatMap((step) => [step, element("wbr")]);
    const place = element("a", { class: "path", href: link(row.page) }, ...steps);
    const message = shown(row.message).split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
    const age = row.since ? `${row.age_days} d` : "";
    const badge = row.new ? [" ", element("span", { class: "status s-new" }, "new")] : [];
    return element("tr", {},
      element("td", { class: "nowrap" }, element("a", { class: "code", href: link(`rules/${row.code}.html`) }, row.code)),
      element("td", {}, place),
      element("td", {}, ...message, ...badge),
      element("td", { class: "nowrap" }, status(row.severity)),
      element("td", { class: "nowrap" }, status(row.state)),
      element("td", {}, shown(row.layer)),
      element("td", {}, shown(row.owners.join(", "))),
      element("td", row.since ? { class: "n", title: `since ${row.since}` } : { class: "n" }, age));
  }

  function draw() {
    const last = Math.max(0, Math.ceil(kept.length / SIZE) - 1);
    part = Math.min(Math.max(part, 0), last);
    body.replaceChildren(...kept.slice(part * SIZE, (part + 1) * SIZE).map((index) => line(rows[index])));
    count.textContent = `${kept.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} finding${rows.length === 1 ? "" : "s"}`;
    pager.hidden = last === 0;
    root.querySelector("[data-findings-part]").textContent = `${part + 1} of ${last + 1}`;
    pager.querySelector("[data-step='-1']").disabled = part === 0;
    pager.querySelector("[data-step='1']").disabled = part === last;
    const key = sort.replace("-", "");
    for (const head of heads) {
      if (head.dataset.sort === key) head.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    state.write({ ...values, sort: sort === "path" ? "" : sort, part: part ? String(part + 1) : "" });
  }

  function apply(wanted) {
    values = wanted;
    const query = wanted.q.toLowerCase();
    const plain = ["family", "layer", "severity", "state"].filter((key) => wanted[key]);
    kept = [];
    rows.forEach((row, index) => {
      if (wanted.rule && row.code !== wanted.rule) return;
      if (plain.some((key) => row[key] !== wanted[key])) return;
      if (wanted.owner && !row.owners.includes(wanted.owner)) return;
      if (wanted.path && !row.path.startsWith(wanted.path)) return;
      if (wanted.new && !row.new) return;
      if (query && !texts[index].includes(query)) return;
      kept.push(index);
    });
    const key = sort.replace("-", ""), sign = sort.startsWith("-") ? -1 : 1;
    if (sort !== "path") kept.sort((a, b) => sign * compare(rank(rows[a], key), rank(rows[b], key)) || a - b);
    draw();
  }

  function readAddress() {
    const given = state.read();
    sort = heads.some((head) => head.dataset.sort === (given.get("sort") || "").replace("-", "")) ? given.get("sort") : "path";
    part = (parseInt(given.get("part"), 10) || 1) - 1;
  }

  for (const head of heads) {
    head.querySelector("button").addEventListener("click", () => {
      sort = sort === head.dataset.sort ? `-${head.dataset.sort}` : head.dataset.sort;
      part = 0;
      apply(values);
    });
  }
  pager.addEventListener("click", (event) => {
    const step = Number(event.target.dataset.step);
    if (!step) return;
    part += step;
    draw();
    body.closest(".scroll").scrollIntoView({ block: "start" });
  });
  form.addEventListener("input", () => { part = 0; });
  readAddress();
  const refresh = filters(form, apply);
  return () => { readAddress(); refresh(); };
});
