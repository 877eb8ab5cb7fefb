(() => {
  "use strict";
  const $ = (tag, props = {}, ...kids) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(props)) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "text") node.textContent = value;
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...kids);
    return node;
  };
  const SVG = "http://www.w3.org/2000/svg";
  const bars = (paths) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 1000 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("class", "b");
    svg.setAttribute("aria-hidden", "true");
    paths.forEach((d, at) => {
      if (!d) return;
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", d);
      path.setAttribute("class", "c" + (at % 5));
      svg.append(path);
    });
    return svg;
  };
  const whole = new Intl.NumberFormat("en");
  const number = (v) => {
    if (v === null || v === undefined) return "–";
    if (typeof v !== "number") return String(v);
    const size = Math.abs(v);
    if (Number.isInteger(v) && size < 1e15) return whole.format(v).replace("-", "−");
    if (size < 1e-4 || size >= 1e15) return v.toExponential(2).replaceAll("-", "−");
    const digits = Math.max(0, 4 - Math.max(0, Math.floor(Math.log10(size))));
    return new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(v).replace("-", "−");
  };
  const share = (v) => {
    if (typeof v !== "number") return v ?? "–";
    if (v > 0 && v < 0.0001) return "<0.01%";
    return +(100 * v).toFixed(2) + "%";
  };
  const list = (v) => (Array.isArray(v) ? v : [v]);
  const first = (v) => (Array.isArray(v) ? v[0] : v);
  const isNumber = (kind) => ["num", "int", "share", "change", "time"].includes(kind);

  const show = {
    name: (td, v) => {
      const [title, note] = list(v);
      td.append($("strong", { text: title, dir: "auto" }));
      if (note) td.append($("small", { text: note }));
    },
    text: (td, v) => list(v).forEach((one) => td.append($("span", { class: "v", text: one ?? "–", dir: "auto" }))),
    long: (td, v) => td.append($("span", { text: v ?? "", dir: "auto" })),
    link: (td, v) => {
      const [text, href] = list(v);
      td.append(href ? $("a", { href, text }) : $("span", { text: text ?? "–" }));
    },
    num: (td, v) => list(v).forEach((one) => td.append($("span", { class: one === null || one === 0 ? "v nil" : "v", text: number(one) }))),
    change: (td, v) => td.append($("span", { class: "v", text: (v > 0 ? "+" : "") + number(v) })),
    share: (td, v) => list(v).forEach((one) => td.append($("span", { class: one ? "v" : "v nil", text: share(one) }))),
    pill: (td, v) => v && td.append($("span", { class: "pill " + (v[1] || ""), text: v[0] })),
    hist: (td, v) => v && td.append(bars(list(v))),
    series: (td, v) => list(v).forEach((one, at) => td.append($("span", { class: "v c" + (at % 5) }, $("span", { class: "dot" }), one))),
  };
  show.int = show.num;
  show.time = (td, v) => td.append($("span", { class: "v", text: v[1] }), v[2] ? $("i", { class: "meter", style: `width:${100 * v[2]}%` }) : "");

  const part = {
    facts: (box, labels, data, series) => {
      const many = Array.isArray(data[0]);
      const table = $("table");
      if (many && series.length > 1) {
        const head = $("tr", {}, $("td"));
        series.forEach((name, at) => head.append($("th", { scope: "col", class: "right c" + (at % 5) }, $("span", { class: "dot" }), name)));
        table.append($("thead", {}, head));
      }
      const body = $("tbody");
      labels.forEach((label, at) => {
        const values = list(data[at]);
        if (values.every((v) => v === null || v === undefined)) return;
        body.append($("tr", {}, $("th", { scope: "row", text: label }), ...values.map((v) => $("td", { class: "num", text: number(v) }))));
      });
      table.append(body);
      box.append(table);
    },
    bars: (box, labels, data, series) => {
      const [paths, low, high] = data;
      const frame = $("div", { class: "bars" }, bars(list(paths)), $("div", { class: "axis" }, $("span", { text: number(low) }), $("span", { text: number(high) })));
      box.append(frame);
      if (series.length > 1) box.append(legend(series));
    },
    values: (box, labels, data, series) => {
      const most = Math.max(...data.flatMap(([, ...counts]) => counts.map((c) => (c ? c[1] : 0))), 1e-12);
      for (const [value, ...counts] of data) {
        const words = counts.map((c) => $("b", { text: c ? `${number(c[0])} · ${share(c[1])}` : "–" }));
        const line = $("div", { class: "value" }, $("span", { text: value === "" ? "(empty)" : value, title: value, dir: "auto" }), $("span", {}, ...words));
        counts.forEach((c, at) => line.append($("i", { class: "c" + (at % 5), style: `width:${(100 * (c ? c[1] : 0)) / most}%` })));
        box.append(line);
      }
      if (series.length > 1) box.append(legend(series));
    },
    table: (box, labels, data) => {
      const head = $("tr", {}, ...labels.map((text, at) => $("th", { scope: "col", text, class: data.length && typeof data[0][at] === "number" ? "right" : "" })));
      const rows = data.map((row) => $("tr", {}, ...row.map((v) => $("td", { class: typeof v === "number" ? "num" : String(v).length > 24 ? "cut" : "", text: number(v), dir: "auto" }))));
      box.append($("table", {}, $("thead", {}, head), $("tbody", {}, ...rows)));
    },
    text: (box, labels, data) => list(data).forEach((line) => box.append($("p", { class: "text", text: line, dir: "auto" }))),
  };
  const legend = (series) => $("div", { class: "legend" }, ...series.map((name, at) => $("span", { class: "c" + (at % 5) }, $("b"), name)));

  const collator = new Intl.Collator("en", { numeric: true });
  const compare = (a, b) => {
    const nothing = (v) => v === null || v === undefined || v === "";
    if (nothing(a) || nothing(b)) return nothing(a) && nothing(b) ? 0 : null;
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return collator.compare(a, b);
  };

  function table(host) {
    const content = JSON.parse(host.querySelector("script").textContent);
    const { columns, details, series, counted, size, empty, rows } = content;
    const state = { query: "", at: 0, by: null, down: false, only: {} };
    if (content.sort !== null) {
      state.by = content.sort < 0 ? -content.sort - 1 : content.sort;
      state.down = content.sort < 0;
    }
    const searched = columns.flatMap(([, , search], at) => (search ? [at] : []));
    let texts = null; // made at the first search: most pages are only looked at
    const caption = host.dataset.caption;
    const tools = host.querySelector(".tools");
    const count = $("span", { class: "count", role: "status" });
    const opened = new Set();

    if (searched.length && rows.length > 8) {
      tools.append($("input", { type: "search", placeholder: "Search", "aria-label": "Search " + caption, oninput: (event) => {
        state.query = event.target.value.trim().toLowerCase();
        state.at = 0;
        draw();
      } }));
    }
    for (const column of content.filters) {
      const words = [...new Set(rows.map((row) => first(row[column])).filter(Boolean))];
      if (words.length < 2 || words.length > 8) continue;
      for (const word of words) {
        tools.append($("button", { type: "button", class: "chip", "aria-pressed": "false", text: word, onclick: (event) => {
          const off = state.only[column] === word;
          state.only[column] = off ? null : word;
          for (const chip of tools.querySelectorAll(`[data-column="${column}"]`)) chip.setAttribute("aria-pressed", "false");
          event.currentTarget.setAttribute("aria-pressed", String(!off));
          state.at = 0;
          draw();
        }, "data-column": column }));
      }
    }
    if (series.length > 1) tools.append(legend(series));
    tools.append(count);

    const visible = columns.filter(([, kind]) => kind !== "hidden").length;
    const heads = columns.map(([label, kind, , hint], at) => {
      if (kind === "hidden") return null;
      if (kind === "hist" || kind === "series") return $("th", { scope: "col", title: hint || null }, label || $("span", { class: "sr", text: kind }));
      const sort = () => {
        state.down = state.by === at ? !state.down : isNumber(kind);
        state.by = at;
        draw();
      };
      return $("th", { scope: "col", class: isNumber(kind) ? "right" : "", "aria-sort": "none" }, $("button", { type: "button", text: label, title: hint || null, onclick: sort }));
    });
    const body = $("tbody");
    host.querySelector(".scroll").append($("table", {}, $("caption", { class: "sr", text: caption }), $("thead", {}, $("tr", {}, ...heads.filter(Boolean))), body));
    const words = $("span");
    const back = $("button", { type: "button", text: "Previous", onclick: () => { state.at -= 1; draw(); } });
    const next = $("button", { type: "button", text: "Next", onclick: () => { state.at += 1; draw(); } });
    const pager = $("nav", { class: "pager", "aria-label": "Pages of " + caption }, words, back, next);
    host.append(pager);

    const chosen = () => {
      let found = rows.map((row, at) => at);
      if (state.query) {
        texts ??= rows.map((row) => searched.map((at) => list(row[at]).join("\n")).join("\n").toLowerCase());
        found = found.filter((at) => texts[at].includes(state.query));
      }
      for (const [column, word] of Object.entries(state.only)) {
        if (word) found = found.filter((at) => first(rows[at][column]) === word);
      }
      if (state.by !== null) {
        const key = (at) => first(rows[at][state.by]);
        const sign = state.down ? -1 : 1;
        found.sort((a, b) => {
          const order = compare(key(a), key(b));
          if (order === null) return key(a) === null || key(a) === undefined || key(a) === "" ? 1 : -1; // nothing comes last, whichever way
          return sign * order || a - b;
        });
      }
      return found;
    };

    const detailOf = (at) => {
      const box = $("div", { class: "parts" });
      (rows[at][columns.length] || []).forEach((data, which) => {
        if (data === null || data === undefined || (Array.isArray(data) && !data.length)) return;
        const [kind, title, labels] = details[which];
        const inner = $("div", { class: kind === "text" ? "wide" : "" });
        if (title) inner.append($("h3", { text: title }));
        part[kind](inner, labels, data, series);
        box.append(inner);
      });
      return $("tr", { class: "detail" }, $("td", { colspan: visible }, box));
    };

    const rowOf = (at) => {
      const line = $("tr", { class: "row" });
      columns.forEach(([, kind], which) => {
        if (kind === "hidden") return;
        const td = $("td", { class: "k-" + kind });
        const value = rows[at][which];
        if (which === 0 && details.length && rows[at][columns.length]) {
          const open = $("button", { type: "button", class: "open", "aria-expanded": String(opened.has(at)), onclick: () => {
            const now = !opened.has(at);
            open.setAttribute("aria-expanded", String(now));
            if (now) { opened.add(at); line.after(detailOf(at)); } else { opened.delete(at); line.nextSibling.remove(); }
          } });
          const inside = $("span");
          show[kind](inside, value);
          open.append(inside);
          td.append(open);
        } else show[kind](td, value);
        line.append(td);
      });
      return opened.has(at) ? [line, detailOf(at)] : [line];
    };

    function draw() {
      const found = chosen();
      const pages = Math.max(1, Math.ceil(found.length / size));
      state.at = Math.min(Math.max(0, state.at), pages - 1);
      const shown = found.slice(state.at * size, (state.at + 1) * size);
      body.replaceChildren(...shown.flatMap(rowOf));
      if (!shown.length) body.append($("tr", {}, $("td", { colspan: visible, class: "empty", text: rows.length ? "Nothing matches." : empty })));
      heads.forEach((head, at) => head?.hasAttribute("aria-sort") && head.setAttribute("aria-sort", at === state.by ? (state.down ? "descending" : "ascending") : "none"));
      const of = found.length === rows.length ? "" : ` of ${whole.format(rows.length)}`;
      count.textContent = `${whole.format(found.length)}${of} ${rows.length === 1 ? counted[0] : counted[1]}`;
      pager.hidden = pages < 2;
      words.textContent = `${whole.format(state.at * size + 1)}–${whole.format(state.at * size + shown.length)}`;
      back.disabled = state.at === 0;
      next.disabled = state.at >= pages - 1;
    }
    draw();
  }

  const root = document.documentElement;
  const memory = { // a sandboxed frame has no storage
    get: () => { try { return localStorage.getItem("assay-theme"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("assay-theme", value); } catch { /* the choice lasts as long as the page */ } },
  };
  const known = memory.get();
  if (known === "light" || known === "dark") root.dataset.theme = known;
  document.querySelector(".theme")?.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    memory.set(root.dataset.theme);
  });
  // Kubeflow and notebooks show a page in a frame's srcdoc, whose address is that of the page around it: a link to a
  // section would load that page into the frame. There the script goes to the section itself.
  document.addEventListener("click", (event) => {
    const link = location.protocol === "about:" ? event.target.closest('a[href^="#"]') : null;
    if (!link) return;
    event.preventDefault();
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1))) ?? document.body;
    target.scrollIntoView();
    target.tabIndex = -1; // so that the keyboard goes on from there, too
    target.focus({ preventScroll: true });
  });
  document.querySelectorAll(".data").forEach(table);
  for (const graph of document.querySelectorAll(".graph")) { // what the page is about is in sight at first
    const here = graph.querySelector(".here");
    if (here) graph.scrollLeft = here.offsetLeft - graph.clientWidth / 2 + here.offsetWidth / 2;
  }
})();
