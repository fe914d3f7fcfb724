// SPDX-License-Identifier: Apache-2.0
// Filters and sorts the tables. Without it the page has all of its content.
(() => {
  "use strict";
  // A table that is long has its rows in several elements, each of which has the head.
  const tables = [...document.querySelectorAll(".table")].map(region => {
    const parts = [...region.querySelectorAll("table.data")];
    return {region, parts, heads: parts.map(t => [...t.tHead.rows[0].cells]), rows: parts.flatMap(t => [...t.tBodies[0].rows])};
  });
  if (tables.length === 0) return;
  const rows = tables.flatMap(t => t.rows);
  const number = n => n.toLocaleString("en");
  const byNumber = new Intl.Collator("en", {numeric: true});

  for (const table of tables) {
    for (const heads of table.heads) {
      heads.forEach((th, column) => {
        const button = document.createElement("button");
        button.type = "button";
        const sub = th.querySelectorAll(".sub");
        for (const s of sub) s.remove();
        button.textContent = th.textContent.trim();
        th.replaceChildren(button, ...sub);
        button.addEventListener("click", () => sort(table, column));
      });
    }
  }

  // Marked cells are ordered heaviest first, others by their text.
  const marks = ["fail", "warn", "unknown", "ok"];
  function key(row, column) {
    const cell = row.cells[column], mark = marks.findIndex(m => cell.classList.contains(m));
    return (mark < 0 ? "" : mark + " ") + cell.textContent.trim();
  }

  function sort(table, column) {
    const down = table.heads[0][column].getAttribute("aria-sort") === "ascending";
    for (const heads of table.heads) {
      heads.forEach((th, n) => {
        if (n === column) th.setAttribute("aria-sort", down ? "descending" : "ascending");
        else th.removeAttribute("aria-sort");
      });
    }
    const keyed = table.rows.map(row => [key(row, column), row]);
    keyed.sort((a, b) => byNumber.compare(a[0], b[0]) * (down ? -1 : 1));
    table.rows = keyed.map(k => k[1]);
    let from = 0;
    for (const part of table.parts) {
      const body = part.tBodies[0], n = body.rows.length;
      part.next = table.rows.slice(from, from + n);
      from += n;
    }
    for (const part of table.parts) part.tBodies[0].append(...part.next);
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
      let any = false;
      for (const part of table.parts) {
        const some = [...part.tBodies[0].rows].some(row => !row.hidden);
        part.parentElement.hidden = !some;
        any ||= some;
      }
      const fold = table.region.closest("details.fold");
      (fold ?? table.region).hidden = !any;
      if (fold && words.length > 0 && any) fold.open = true;
    }
    count.textContent = (all ? "" : number(shown) + " of ") + number(rows.length) + " rows";
  }

  let timer;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 120); });
  check.addEventListener("change", filter);
  filter();

  // What is folded is printed, too.
  addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
})();
