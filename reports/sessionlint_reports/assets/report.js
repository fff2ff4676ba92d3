"use strict";
// What every page does: the theme, sortable and filterable tables, filters kept in the address.
window.sessionlint = (() => {
  const parts = [];
  const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/gu;
  const page = document.documentElement;
  const isBook = "book" in page.dataset;

  const shown = (text) => String(text).replace(invisible, (c) => `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
  const link = (target) => (isBook ? `#/${target}` : (page.dataset.root || "") + target);
  const colour = (name) => getComputedStyle(page).getPropertyValue(`--${name}`).trim();

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // The address: "#rule=TXN101&q=x" on a page of a site, "#/findings.html#rule=TXN101" in a single file.
  const fragment = () => {
    const hash = location.hash.slice(1);
    if (!isBook) return hash;
    const cut = hash.indexOf("#");
    return cut < 0 ? "" : hash.slice(cut + 1);
  };
  const state = {
    read: () => new URLSearchParams(fragment().includes("=") ? fragment() : ""),
    write(values) {
      const hasAnchor = fragment() !== "" && !fragment().includes("=");
      if (hasAnchor && Object.values(values).every((value) => value === "")) return;
      const text = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "")).toString();
      const place = isBook ? location.hash.slice(1).split("#")[0] : "";
      const hash = isBook ? `#${place}${text ? "#" + text : ""}` : text ? `#${text}` : "#";
      if (hash !== (location.hash || "#")) history.replaceState(null, "", hash);
    },
  };

  const data = (root) => {
    const block = root.querySelector("script[data-page-data]");
    return block ? JSON.parse(block.textContent) : null;
  };

  function fill(form, values) {
    for (const field of form.elements) {
      if (!field.name) continue;
      const value = values.get(field.name) || "";
      if (field.type === "checkbox") field.checked = value === field.value;
      else field.value = value;
    }
  }

  function readForm(form) {
    const values = {};
    for (const field of form.elements) {
      if (field.name) values[field.name] = field.type === "checkbox" ? (field.checked ? field.value : "") : field.value.trim();
    }
    return values;
  }

  // Calls back now and whenever a field changes; "reset" clears.
  function filters(form, apply) {
    form.hidden = false;
    const run = () => apply(readForm(form));
    form.addEventListener("input", run);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", (event) => { event.preventDefault(); fill(form, new URLSearchParams()); run(); });
    fill(form, state.read());
    run();
    return () => { fill(form, state.read()); run(); };
  }

  function compare(a, b) {
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  }

  function sortable(table) {
    const cellValue = (row, index) => {
      const cell = row.cells[index];
      return (cell.dataset.value ?? cell.textContent).trim();
    };
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      const button = element("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const rows = [...body.rows].map((row) => [cellValue(row, index), row]);
        rows.sort(([a], [b]) => (down ? -1 : 1) * compare(a, b));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  function filterable(form, root) {
    const table = root.querySelector(`#${form.dataset.filters}`);
    const count = root.querySelector(`[data-count-of="${form.dataset.filters}"]`);
    if (!table) { form.hidden = true; return null; }
    const rows = [...table.tBodies[0].rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const matches = (row, name, wanted) => {
      const value = row.dataset[name] ?? "";
      return value.startsWith("[") ? JSON.parse(value).includes(wanted) : value === wanted;
    };
    return filters(form, (values) => {
      let seen = 0;
      rows.forEach((row, index) => {
        const visible = Object.entries(values).every(([key, wanted]) => {
          const name = key.split(".").pop();
          return !wanted || (name === "q" ? texts[index].includes(wanted.toLowerCase()) : matches(row, name, wanted));
        });
        row.hidden = !visible;
        seen += visible;
      });
      const noun = table.dataset.noun || "row";
      if (count) count.textContent = `${seen} of ${rows.length} ${noun}${rows.length === 1 ? "" : "s"}`;
      const own = Object.fromEntries(Object.keys(values).map((key) => [key, ""]));
      state.write({ ...Object.fromEntries(state.read()), ...own, ...values });
    });
  }

  function openTarget() {
    const hash = fragment();
    if (!hash || hash.includes("=")) return;
    const target = document.getElementById(decodeURIComponent(hash));
    if (!target) return;
    target.scrollIntoView({ block: "center" });
  }

  function theme() {
    const button = document.querySelector("[data-theme-toggle]");
    const name = document.querySelector("[data-theme-name]");
    const order = ["system", "light", "dark"];
    const current = () => page.dataset.theme || "system";
    name.textContent = current();
    button.hidden = false;
    button.addEventListener("click", () => {
      const next = order[(order.indexOf(current()) + 1) % order.length];
      if (next === "system") delete page.dataset.theme; else page.dataset.theme = next;
      try { localStorage.setItem("sessionlint-theme", next); } catch { /* not kept, then */ }
      name.textContent = next;
      document.dispatchEvent(new Event("sessionlint-theme"));
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("sessionlint-theme")));
  }

  let refreshers = [];
  function mount(root) {
    refreshers = [];
    root.querySelectorAll("table[data-sortable]").forEach(sortable);
    root.querySelectorAll("form[data-filters]").forEach((form) => refreshers.push(filterable(form, root)));
    for (const part of parts) refreshers.push(part(root));
    refreshers = refreshers.filter(Boolean);
    openTarget();
  }

  // A browser prints details as they are: what is folded on screen belongs on paper.
  addEventListener("beforeprint", () => document.querySelectorAll(".behind").forEach((part) => { part.open = true; }));
  addEventListener("hashchange", () => { if (!isBook) { refreshers.forEach((refresh) => refresh()); openTarget(); } });
  document.addEventListener("DOMContentLoaded", () => {
    theme();
    if (!isBook) mount(document.getElementById("main"));
    if (page.dataset.live) watch(page.dataset.live);
  });

  // Served by the dashboard: load again when a new snapshot arrived.
  function watch(stamp) {
    setInterval(async () => {
      try {
        const answer = await fetch("/_stamp", { cache: "no-store" });
        if (answer.ok && (await answer.text()) !== stamp) location.reload();
      } catch { /* the dashboard is gone; the page stays readable */ }
    }, 2000);
  }

  return { onMount: (part) => parts.push(part), mount, state, data, filters, compare, element, shown, link, colour, isBook,
           refresh: () => refreshers.forEach((refresh) => refresh()), openTarget };
})();
