// SPDX-License-Identifier: Apache-2.0
// What the tests ask of a page. It runs behind the page's own script.
"use strict";
const box = document.querySelector(".controls input[type=search]"), only = document.querySelector(".controls input[type=checkbox]");
const tables = [...document.querySelectorAll("table.data")];
const rows = () => tables.flatMap(t => [...t.tBodies[0].rows]).filter(r => !r.hidden && !r.closest("[hidden]"));
const column = (list, n) => list.map(r => r.cells[n].textContent);
const counted = () => document.querySelector(".controls output").textContent;
const say = what => { document.documentElement.dataset.answer = JSON.stringify(what); };
// type filters, and says what is to be known when that is done.
const type = (words, then) => { box.value = words; box.dispatchEvent(new Event("input")); setTimeout(() => say(then()), 500); };
const unfold = () => { for (const d of document.querySelectorAll("details")) d.open = true; };

// structure lists what a reader without eyes would stumble over.
function structure() {
  const faults = [];
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const n = Number(h.tagName[1]);
    if (n > level + 1 || n === 1 && level > 0) faults.push(h.tagName + " below H" + level + ": " + h.textContent);
    level = n;
  }
  if (level === 0) faults.push("no heading");
  for (const t of document.querySelectorAll("table")) {
    if (!t.caption?.textContent.trim()) faults.push("a table without caption");
    for (const th of t.querySelectorAll("th")) {
      if (th.scope !== (th.closest("thead") ? "col" : "row")) faults.push("scope of " + th.textContent);
    }
    for (const r of t.rows) if (r.cells.length !== t.rows[0].cells.length) faults.push("a row of " + r.cells.length + " cells");
  }
  for (const a of document.querySelectorAll("a")) {
    if (!document.querySelector(a.getAttribute("href"))) faults.push("a link to nowhere: " + a.textContent);
  }
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  for (const e of document.querySelectorAll("input")) if (!e.labels.length) faults.push("an input without label");
  return faults;
}

const channels = color => color.match(/[\d.]+/g).map(Number);

// luminance and contrast are those of WCAG 2.
function luminance(color) {
  const [r, g, b] = channels(color).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

// background is what is painted behind an element.
function background(e) {
  for (; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor, alpha = channels(color)[3] ?? 1;
    if (alpha === 1) return color;
    if (alpha > 0) throw new Error("half transparent: " + e.className);
  }
  throw new Error("nothing behind it");
}

// contrasts has the lowest of all text, of badges, and what stands too low.
function contrasts() {
  unfold();
  const faint = [], texts = [];
  let lowest = Infinity, badges = Infinity;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement;
    if (n.data.trim() && e.tagName !== "SCRIPT") texts.push([e, getComputedStyle(e).color, n.data]);
  }
  for (const e of document.querySelectorAll("th button")) texts.push([e, getComputedStyle(e, "::after").color, "arrow of " + e.textContent]);
  for (const [e, color, text] of texts) {
    const c = contrast(color, background(e));
    lowest = Math.min(lowest, c);
    if (e.classList.contains("badge")) badges = Math.min(badges, c);
    if (c < 4.5) faint.push(c.toFixed(2) + " " + text);
  }
  return {Texts: texts.length, Lowest: lowest, Badges: badges, Faint: faint, Page: luminance(background(document.body))};
}
