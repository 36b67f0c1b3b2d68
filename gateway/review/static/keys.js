// Keys for who works through a queue: a letter does what the element with that data-key does. The page works without.
"use strict";
(() => {
  const STORE = "kabar.keys";
  const panel = document.querySelector("[data-keys]");
  const lever = document.querySelector("[data-keys-switch]");
  const rows = [...document.querySelectorAll("[data-row]")];
  const isOn = () => localStorage.getItem(STORE) !== "off"; // whoever speaks to the computer switches them off

  if (panel) panel.hidden = false;
  if (lever) {
    lever.checked = isOn();
    lever.addEventListener("change", () => localStorage.setItem(STORE, lever.checked ? "on" : "off"));
  }
  for (const button of document.querySelectorAll("[data-tick-all]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const boxes = [...button.form.querySelectorAll("[data-row] input[type=checkbox]")];
      const wanted = boxes.some((box) => !box.checked);
      for (const box of boxes) box.checked = wanted;
    });
  }

  const rowHere = () => rows.findIndex((row) => row.contains(document.activeElement));
  const go = (step) => {
    const at = Math.min(Math.max(rowHere() + step, 0), rows.length - 1);
    rows[at]?.querySelector("a")?.focus();
  };
  const onRows = {
    j: () => go(1),
    k: () => go(rowHere() < 0 ? 1 : -1),
    o: () => rows[rowHere()]?.querySelector("a")?.click(),
    x: () => rows[rowHere()]?.querySelector("input[type=checkbox]")?.click(),
  };
  const press = (element) => {
    if (element instanceof HTMLDetailsElement) {
      element.open = true;
      element.querySelector("input:not([type=hidden]), textarea, select")?.focus();
    } else {
      element.click();
    }
  };

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select");
    if (!isOn() || isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (!/^[a-z]$/.test(event.key)) return;
    const element = document.querySelector(`[data-key="${event.key}"]`);
    const act = rows.length ? onRows[event.key] : undefined;
    if (!act && !element) return;
    event.preventDefault();
    if (act) act();
    else press(element);
  });
})();
