/* Says under a text field, as one types, how many SMS the text takes; the server counts again. */
"use strict";
const BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const DOUBLE = "^{}\\[~]|€\f";
const PLAIN = { "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "\u00a0": " " };

function weigh(text) {
  let septets = 0, units = 0, isOdd = false;
  for (const mark of text) {
    units += mark.length;
    if (BASIC.includes(mark)) septets += 1;
    else if (DOUBLE.includes(mark)) septets += 2;
    else isOdd = true;
  }
  const [size, single, part] = isOdd ? [units, 70, 67] : [septets, 160, 153];
  return { size, isOdd, parts: size <= single ? 1 : Math.ceil(size / part) };
}

for (const field of document.querySelectorAll("textarea[data-counter]")) {
  const says = document.getElementById(field.dataset.counter);
  const empty = says.textContent;
  const tell = () => {
    const text = field.value.trim().split(/\s+/).join(" ").replace(/[“”„‘’–—…\u00a0]/g, (mark) => PLAIN[mark]);
    const { size, isOdd, parts } = weigh(text);
    const words = isOdd ? says.dataset.odd : parts > 1 ? says.dataset.many : says.dataset.one;
    says.textContent = text ? words.replace("{n}", size).replace("{s}", parts) : empty;
    says.classList.toggle("over", isOdd || parts > 1);
  };
  field.addEventListener("input", tell);
  if (field.value) tell();
}
