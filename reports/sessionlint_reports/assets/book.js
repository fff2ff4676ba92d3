"use strict";
// Turns the pages of a single file: "#/files/x.html#L10" shows that page at that place.
document.addEventListener("DOMContentLoaded", () => {
  const main = document.getElementById("main");
  const pages = new Map([...document.querySelectorAll("template[data-page]")].map((page) => [page.dataset.page, page]));
  const project = document.title.split(" · ").slice(1).join(" · ");
  let current = null;
  function turn() {
    const [place] = location.hash.replace(/^#\/?/, "").split("#");
    const page = pages.get(place) || pages.get("index.html");
    if (page !== current) {
      main.replaceChildren(page.content.cloneNode(true));
      document.title = `${page.dataset.title} · ${project}`;
      for (const entry of document.querySelectorAll(".top nav a")) {
        if (entry.getAttribute("href") === `#/${page.dataset.section}`) entry.setAttribute("aria-current", "page");
        else entry.removeAttribute("aria-current");
      }
      if (current) { main.focus({ preventScroll: true }); scrollTo(0, 0); }
      current = page;
      window.sessionlint.mount(main);
    } else { window.sessionlint.refresh(); window.sessionlint.openTarget(); }
  }
  addEventListener("hashchange", turn);
  turn();
});
