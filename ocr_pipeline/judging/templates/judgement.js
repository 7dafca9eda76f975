"use strict";
const crops = JSON.parse(document.getElementById("crops").textContent);
for (const picture of document.querySelectorAll("img[data-crop]"))
  picture.src = "data:image/jpeg;base64," + crops[picture.dataset.crop];

const speak = (language) => { document.documentElement.lang = language; };
for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => speak(button.dataset.language));
if ((navigator.language || "").startsWith("ko")) speak("ko");

const compared = (a, b) => (isNaN(a) || isNaN(b) || a === "" || b === "" ? a.localeCompare(b, "ko") : a - b);
const sort = (heading) => {
  const table = heading.closest("table"), place = heading.cellIndex, body = table.tBodies[0];
  const falls = heading.getAttribute("aria-sort") !== "descending";
  for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", falls ? "descending" : "ascending");
  const value = (row) => row.cells[place].dataset.value;
  const rows = [...body.rows].sort((a, b) => compared(value(a), value(b)) * (falls ? -1 : 1));
  body.append(...rows);
};
for (const button of document.querySelectorAll("table.sortable th button"))
  button.addEventListener("click", () => sort(button.parentElement));
