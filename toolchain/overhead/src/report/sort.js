// Sorts a table by a column: numbers by value, everything else as text; again turns it round.
function sort(header) {
  const table = header.closest("table"), index = header.cellIndex, body = table.tBodies[0];
  const down = header.getAttribute("aria-sort") === "ascending";
  const key = row => row.cells[index].textContent.trim();
  const rows = Array.from(body.rows).sort((a, b) => {
    const [x, y] = [key(a), key(b)], [m, n] = [parseFloat(x), parseFloat(y)];
    const order = isNaN(m) && isNaN(n) ? x.localeCompare(y) : isNaN(m) ? 1 : isNaN(n) ? -1 : m - n;
    return down ? -order : order;
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows);
}
document.querySelectorAll("th button").forEach(button => button.addEventListener("click", () => sort(button.parentElement)));
