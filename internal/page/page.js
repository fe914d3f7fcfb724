// SPDX-License-Identifier: Apache-2.0
// Filters and sorts the tables. Without it the page has all of its content.
(() => {
  "use strict";
  const tables = [...document.querySelectorAll("table.data")];
  if (tables.length === 0) return;
  const rows = tables.flatMap(t => [...t.tBodies[0].rows]);
  const byNumber = new Intl.Collator("en", {numeric: true});

  for (const table of tables) {
    [...table.tHead.rows[0].cells].forEach((th, column) => {
      const button = document.createElement("button");
      button.type = "button";
      const sub = th.querySelectorAll(".sub");
      for (const s of sub) s.remove();
      button.textContent = th.textContent.trim();
      th.replaceChildren(button, ...sub);
      button.addEventListener("click", () => sort(table, th, column));
    });
  }

  const key = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();

  function sort(table, th, column) {
    const down = th.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map(row => [key(row, column), row]);
    keyed.sort((a, b) => byNumber.compare(a[0], b[0]) * (down ? -1 : 1));
    body.append(...keyed.map(k => k[1]));
  }

  const box = document.createElement("div");
  box.className = "controls";
  box.setAttribute("role", "search");
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "search";
  label.append("Filter rows ", input);
  const only = document.createElement("label");
  const check = document.createElement("input");
  check.type = "checkbox";
  only.append(check, " only what needs attention");
  const count = document.createElement("output");
  count.setAttribute("aria-live", "polite");
  box.append(label, only, count);
  document.querySelector("main").before(box);

  const texts = new Map();
  const text = row => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };

  function filter() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const hide = check.checked && !("attention" in row.dataset) || !words.every(w => text(row).includes(w));
      if (row.hidden !== hide) row.hidden = hide;
      if (!hide) shown++;
    }
    const all = shown === rows.length;
    for (const table of tables) {
      const any = [...table.tBodies[0].rows].some(row => !row.hidden);
      const fold = table.closest("details.fold");
      (fold ?? table.closest(".scroll")).hidden = !any;
      if (fold && words.length > 0 && any && table.tBodies[0].rows.length <= 500) fold.open = true;
    }
    count.textContent = all ? rows.length + " rows" : shown + " of " + rows.length + " rows";
  }

  let timer;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 120); });
  check.addEventListener("change", filter);
  filter();

  // What is folded is printed, too.
  addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
})();
