/* Puts a button beside each figure that copies it; without it the figures can be marked and copied by hand. */
"use strict";
const says = document.getElementById("copied");

async function copy(field) {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy"); // an office's server without https has no clipboard
  }
  field.classList.add("taken");
  says.textContent = says.dataset.copied + ": " + field.value + " (" + field.getAttribute("aria-label") + ")";
}

for (const field of document.querySelectorAll("input.figure")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.setAttribute("aria-label", says.dataset.copy + ": " + field.getAttribute("aria-label"));
  button.addEventListener("click", () => copy(field));
  field.after(button);
}
