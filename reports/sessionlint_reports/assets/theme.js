"use strict";
// Before the first paint, so that the page does not flash in the other theme.
document.documentElement.classList.add("js");
try {
  const theme = localStorage.getItem("sessionlint-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is closed to some files; the system's theme holds */ }
