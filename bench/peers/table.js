// A table in Markdown that is legible as it is.

export function table(head, rows) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => `${'-'.repeat(width + 1)}${i === 0 ? '-' : ':'}`).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

const units = {
  ms: (n) => `${round(n)} ms`,
  wall: (n) => `${round(n)} ms`,
  bytes: (n) => `${round(n)} B`,
  memory: (n) => `${(n / 1e6).toFixed(1)} MB`,
};

// amount is a number in a unit, and how many times a base it is.
export function amount(unit, n, base) {
  const text = units[unit](n);
  return base > 0 ? `${text}, ${round(n / base)}×` : text;
}

// round keeps three digits, or whole numbers.
function round(n) {
  return Number(n < 100 ? n.toPrecision(2 + (n >= 10)) : Math.round(n)).toLocaleString('en');
}
