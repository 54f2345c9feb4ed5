/* Copyright (c) 2026 The tokensmith.quay authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
"use strict";

(() => {
  // Texts are set as text, never as HTML: names in a report may be anything.
  const element = (name, properties = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key === "class") made.className = value;
      else if (key in made && key !== "list" && key !== "role") made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };

  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const counted = (number, [one, several]) => `${number.toLocaleString("en")} ${number === 1 ? one : several}`;

  // A cell is a value, or a list of a value and a second line below it. A cell with tags is a list of names.
  const valueOf = (column, row) => {
    const cell = row.cells[column.index];
    return column.kind !== "tags" && Array.isArray(cell) ? cell[0] : cell;
  };
  const textsOf = (value) => (Array.isArray(value) ? value.flatMap(textsOf) : value === null ? [] : [String(value)]);

  class Table {
    constructor(section, data) {
      this.section = section;
      this.columns = data.columns.map((column, index) => ({ ...column, index }));
      this.shown = this.columns.filter((column) => !column.hidden);
      this.rows = data.rows.map(([cells, details], number) => ({ cells, details, number, search: null }));
      this.nouns = data.nouns;
      this.order = data.sort;
      this.query = "";
      this.filters = new Map();
      this.page = 0;
      this.size = 50;
      this.open = new Set();
      this.build(data.title);
      this.update();
    }

    build(title) {
      this.tools = element("div", { class: "tools" });
      this.search = element("input", { type: "search", id: `${this.section.id}-search`, autocomplete: "off" });
      this.search.addEventListener("input", () => {
        this.query = this.search.value.trim().toLowerCase();
        this.restart();
      });
      this.tools.append(this.labelled("Search", this.search, "search"));
      this.selects = new Map();
      for (const column of this.columns.filter((each) => each.filter)) this.tools.append(this.filterOf(column));
      this.tools.append(this.sortSelect());
      this.count = element("p", { role: "status" });
      this.reset = element("button", { type: "button", class: "plain-button", textContent: "Clear filters" });
      this.reset.addEventListener("click", () => this.clear());
      this.head = element("thead");
      this.body = element("tbody");
      const caption = element("caption", { textContent: title });
      const table = element("table", { role: "table" }, caption, this.head, this.body);
      this.region = element("div", { class: "scroll" }, table);
      this.pages = element("nav", { class: "pages", "aria-label": `Pages of ${title}` });
      const status = element("div", { class: "status" }, this.count, this.reset);
      this.section.querySelector(".fallback")?.remove();
      this.section.append(this.tools, status, this.region, this.pages);
      this.buildHead();
      this.buildPages();
    }

    labelled(text, control, more = "") {
      return element("div", { class: more }, element("label", { textContent: text, htmlFor: control.id }), control);
    }

    filterOf(column) {
      const select = element("select", { id: `${this.section.id}-filter-${column.index}` });
      const counts = new Map();
      for (const row of this.rows) {
        for (const text of new Set(this.facets(column, row))) counts.set(text, (counts.get(text) || 0) + 1);
      }
      const label = (text) => column.labels?.[text] || text || "none";
      const texts = [...counts.keys()].sort((one, other) => collator.compare(label(one), label(other)));
      select.append(element("option", { value: "*", textContent: "All" }));
      for (const text of texts) {
        select.append(element("option", { value: `=${text}`, textContent: `${label(text)} (${counts.get(text)})` }));
      }
      select.addEventListener("change", () => this.filter(column.key, select.value));
      this.selects.set(column.key, select);
      return this.labelled(column.label, select);
    }

    facets(column, row) {
      const value = valueOf(column, row);
      if (!Array.isArray(value)) return [value === null ? "" : String(value)];
      return value.length ? value.map(String) : [""];
    }

    filter(key, wanted) {
      if (wanted === "*") this.filters.delete(key);
      else this.filters.set(key, wanted.slice(1));
      const select = this.selects.get(key);
      if (select) select.value = wanted;
      this.restart();
    }

    clear() {
      this.query = this.search.value = "";
      this.filters.clear();
      for (const select of this.selects.values()) select.value = "*";
      this.restart();
      this.search.focus();
    }

    sortSelect() {
      this.sorter = element("select", { id: `${this.section.id}-sort` });
      if (!this.order) this.sorter.append(element("option", { value: "", textContent: "Order of the report" }));
      for (const column of this.shown) {
        for (const [direction, words] of [[1, "ascending"], [-1, "descending"]]) {
          const text = `${column.label}, ${words}`;
          this.sorter.append(element("option", { value: `${column.index} ${direction}`, textContent: text }));
        }
      }
      this.sorter.addEventListener("change", () => {
        this.order = this.sorter.value ? this.sorter.value.split(" ").map(Number) : null;
        this.restart();
      });
      return this.labelled("Sort by", this.sorter, "narrow");
    }

    buildHead() {
      const row = element("tr", { role: "row" });
      if (this.rows.some((each) => each.details.length)) {
        this.expandable = true;
        row.append(element("th", { class: "toggle", role: "columnheader", scope: "col" },
          element("span", { class: "hidden", textContent: "Details" })));
      }
      this.heads = this.shown.map((column) => {
        const button = element("button", { type: "button", textContent: column.label });
        button.addEventListener("click", () => {
          const [index, direction] = this.order || [];
          this.order = [column.index, index === column.index ? -direction : column.first || 1];
          this.restart();
        });
        const cell = element("th", { scope: "col", role: "columnheader", class: column.kind }, button);
        cell.setAttribute("data-label", column.label);
        row.append(cell);
        return cell;
      });
      this.head.append(row);
    }

    buildPages() {
      const button = (text, step) => {
        const made = element("button", { type: "button", class: "plain-button", textContent: text });
        made.addEventListener("click", () => {
          this.page += step;
          this.render();
          this.section.scrollIntoView({ block: "start" });
        });
        return made;
      };
      this.previous = button("Previous", -1);
      this.next = button("Next", 1);
      this.position = element("p");
      const size = element("select", { id: `${this.section.id}-size` });
      for (const number of [25, 50, 100, 250]) {
        size.append(element("option", { value: number, textContent: number, selected: number === this.size }));
      }
      size.addEventListener("change", () => {
        this.size = Number(size.value);
        this.page = 0;
        this.render();
      });
      const label = element("label", { htmlFor: size.id, textContent: "Rows per page " });
      label.append(size);
      this.pages.append(this.previous, this.position, this.next, label);
    }

    restart() {
      this.page = 0;
      this.update();
    }

    // What matches, in order. The rows themselves are made page by page.
    update() {
      const words = this.query.split(/\s+/).filter(Boolean);
      const filters = [...this.filters].map(([key, wanted]) => [this.columns.find((each) => each.key === key), wanted]);
      this.found = this.rows.filter((row) => {
        if (!filters.every(([column, wanted]) => this.facets(column, row).includes(wanted))) return false;
        if (!words.length) return true;
        row.search ??= this.searchText(row);
        return words.every((word) => row.search.includes(word));
      });
      this.sort();
      this.render();
    }

    searchText(row) {
      const labels = this.columns.flatMap((column) => this.facets(column, row).map((text) => column.labels?.[text] || ""));
      return [...textsOf(row.cells), ...textsOf(row.details), ...labels].join("\n").toLowerCase();
    }

    sort() {
      if (!this.order) return;
      const [index, direction] = this.order;
      const column = this.columns[index];
      const rank = (row) => {
        const value = valueOf(column, row);
        return Array.isArray(value) ? value.length : value;
      };
      const compare = (one, other) => {
        if (one === other) return 0;
        // What is unknown comes last in both directions.
        if (one === null || one === "") return direction;
        if (other === null || other === "") return -direction;
        return typeof one === "number" ? one - other : collator.compare(one, other);
      };
      const keyed = this.found.map((row) => [rank(row), row]);
      keyed.sort(([one, a], [other, b]) => direction * compare(one, other) || a.number - b.number);
      this.found = keyed.map(([, row]) => row);
    }

    render(all = false) {
      const last = Math.max(0, Math.ceil(this.found.length / this.size) - 1);
      this.page = Math.min(Math.max(0, this.page), last);
      const start = all ? 0 : this.page * this.size;
      const rows = all ? this.found : this.found.slice(start, start + this.size);
      this.body.replaceChildren(...rows.flatMap((row) => this.rowsOf(row)));
      if (!rows.length) {
        const cell = element("td", { colSpan: this.shown.length + 1, role: "cell", textContent: "Nothing matches." });
        this.body.append(element("tr", { role: "row" }, cell));
      }
      this.heads.forEach((cell, number) => {
        const column = this.shown[number];
        const sorted = column.index === this.order?.[0];
        if (sorted) cell.setAttribute("aria-sort", this.order[1] > 0 ? "ascending" : "descending");
        else cell.removeAttribute("aria-sort");
      });
      this.sorter.value = this.order ? this.order.join(" ") : "";
      const all_of_them = counted(this.rows.length, this.nouns);
      const text = this.found.length === this.rows.length
        ? all_of_them : `${this.found.length.toLocaleString("en")} of ${all_of_them}`;
      if (this.count.textContent !== text) this.count.textContent = text;
      this.reset.hidden = !this.query && !this.filters.size;
      this.pages.hidden = this.rows.length <= 25;
      this.previous.disabled = this.page === 0;
      this.next.disabled = this.page === last;
      this.position.textContent = `Page ${(this.page + 1).toLocaleString("en")} of ${(last + 1).toLocaleString("en")}`;
    }

    rowsOf(row) {
      const made = element("tr", { class: "row", role: "row" });
      if (this.expandable) made.append(this.toggleOf(row, made));
      this.shown.forEach((column, number) => made.append(this.cellOf(column, row, number === 0)));
      if (!this.open.has(row.number) || !row.details.length) return [made];
      made.classList.add("open");
      return [made, this.detailsOf(row)];
    }

    cellOf(column, row, first) {
      const cell = element("td", { class: `${column.kind}${first ? " first" : ""}`, role: "cell" });
      cell.setAttribute("data-label", column.label);
      const content = row.cells[column.index];
      const holder = element("div");
      if (column.kind === "tags") {
        if (!content.length) holder.append(element("span", { class: "faint", textContent: column.none || "none" }));
        for (const name of content) {
          const tag = { class: `tag ${column.tones?.[name] || ""}`, textContent: column.labels?.[name] || name };
          holder.append(element("span", tag));
        }
      } else {
        const [value, below] = Array.isArray(content) ? content : [content, ""];
        const text = value === null ? "" : column.kind === "date" ? String(value).slice(0, 10) : String(value);
        if (text) holder.append(text);
        if (below) holder.append(element("span", { class: text ? "sub" : "faint", textContent: below }));
        if (column.kind === "date" && value) holder.title = String(value);
      }
      cell.append(holder);
      return cell;
    }

    toggleOf(row, made) {
      const cell = element("td", { class: "toggle", role: "cell" });
      if (!row.details.length) return cell;
      const name = valueOf(this.shown[0], row);
      const button = element("button", { type: "button" });
      button.setAttribute("aria-label", `Details of ${name}`);
      button.setAttribute("aria-expanded", String(this.open.has(row.number)));
      button.addEventListener("click", () => {
        const opens = !this.open.has(row.number);
        if (opens) {
          this.open.add(row.number);
          made.after(this.detailsOf(row));
        } else {
          this.open.delete(row.number);
          made.nextElementSibling.remove();
        }
        made.classList.toggle("open", opens);
        button.setAttribute("aria-expanded", String(opens));
      });
      cell.append(button);
      return cell;
    }

    detailsOf(row) {
      const list = element("dl");
      for (const [label, value] of row.details) {
        list.append(element("dt", { textContent: label }));
        if (Array.isArray(value)) {
          list.append(element("dd", {}, element("ul", {}, ...value.map((text) => element("li", { textContent: text })))));
        } else list.append(element("dd", { textContent: value }));
      }
      const cell = element("td", { colSpan: this.shown.length + 1, role: "cell" }, list);
      return element("tr", { class: "details", role: "row" }, cell);
    }
  }

  const data = JSON.parse(document.getElementById("data").textContent);
  const tables = new Map();
  for (const [id, table] of Object.entries(data)) tables.set(id, new Table(document.getElementById(id), table));

  // A bar of a chart filters its table.
  for (const button of document.querySelectorAll("button[data-table]")) {
    button.addEventListener("click", () => {
      const table = tables.get(button.dataset.table);
      table.clear();
      table.filter(button.dataset.column, `=${button.dataset.value}`);
      table.section.scrollIntoView({ block: "start" });
    });
  }

  // On paper there are no pages to turn.
  addEventListener("beforeprint", () => tables.forEach((table) => table.render(true)));
  addEventListener("afterprint", () => tables.forEach((table) => table.render()));
})();
