"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const field = (id) => document.getElementById(id);
  const items = (id) =>
    [...document.querySelectorAll(`#${id} [data-copies]`)].map((element) => ({
      element,
      copies: element.dataset.copies.trim().split(" ").map((copy) => copy.split(":")),
      splits: element.dataset.splits.split(" "),
      names: [...element.querySelectorAll(".file")].map((file) => file.textContent.toLowerCase()),
    }));
  const groups = items("shown");
  const further = items("below");

  const wanted = () => {
    const number = (id, other) => (field(id).value === "" ? other : Number(field(id).value));
    const kind = field("kind").value;
    const split = field("split") ? field("split").value : "";
    const from = number("from", 0);
    const to = number("to", 64);
    const name = field("name").value.toLowerCase();
    const ofSplit = (splits) => (split === "across" ? splits.length > 1 : splits.includes(split));
    return (item) =>
      item.copies.some(([k, d]) => (!kind || k === kind) && d >= from && d <= to) &&
      (!split || ofSplit(item.splits)) &&
      item.names.some((text) => text.includes(name));
  };

  const filter = () => {
    const like = wanted();
    const keep = (all) => {
      let kept = 0;
      for (const item of all) {
        const hidden = !like(item);
        if (item.element.hidden !== hidden) item.element.hidden = hidden;
        kept += !hidden;
      }
      return kept;
    };
    const of = (kept, all) => `${kept.toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
    const kept = keep(groups);
    let text = `${of(kept, groups)} group${groups.length === 1 ? "" : "s"}`;
    if (further.length) text += `, ${of(keep(further), further)} without pictures`;
    field("none").hidden = kept > 0 || groups.length === 0;
    say(text);
  };

  let waiting = 0;
  // a screen reader hears the last of several quick changes
  const say = (text) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      field("count").textContent = text;
    }, 100);
  };

  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  // fields are empty only after the event
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  // a page that is loaded again keeps what was written into its fields
  filter();
})();
