"use strict";
// Sorting and filtering of tables, titles of charts at once, and everything open in print. The page
// is whole without it.
(() => {
  const valueOf = (cell) => {
    if (!cell) return "";
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent.trim();
    const number = Number(text.replace(/,/g, ""));
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  // Numbers before texts; what is empty stays last, whichever way.
  const compare = (a, b, way) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    if (typeof a === "number" && typeof b === "number") return way * (a - b);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return way * a.localeCompare(b);
  };
  const sortBy = (table, head, column) => {
    const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [valueOf(row.cells[column]), row]);
    rows.sort((a, b) => compare(a[0], b[0], way));
    body.append(...rows.map((row) => row[1]));
  };
  for (const table of document.querySelectorAll("table")) {
    const rows = table.tBodies[0].rows;
    if (rows.length < 3) continue;
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.title = "Sort by this column";
      button.addEventListener("click", () => sortBy(table, head, column));
      head.append(button);
    });
    if (rows.length < 12) continue;
    const label = document.createElement("label");
    label.className = "filter";
    label.textContent = "Only rows with";
    const input = document.createElement("input");
    input.type = "search";
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    label.append(input);
    table.parentElement.before(label);
  }

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true"); // a screen reader has the titles themselves
  document.body.append(tip);
  for (const title of document.querySelectorAll("svg title")) {
    if (title.parentElement.tagName === "svg") continue;
    title.parentElement.dataset.tip = title.textContent;
    title.remove();
  }
  document.addEventListener("pointermove", (event) => {
    const at = event.target.closest ? event.target.closest("[data-tip]") : null;
    tip.hidden = !at;
    if (!at) return;
    tip.textContent = at.dataset.tip;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(4, Math.min(event.clientX + 12, room)) + "px";
    tip.style.top = event.clientY + 16 + "px";
  });

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
