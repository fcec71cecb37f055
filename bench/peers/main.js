// The same work through kdelta and through other CRDT libraries, on one machine in one run:
//
//   node main.js [--rounds N] [--trace PATTERN] [--work PATTERN] [--peer PATTERN]
//
// Patterns choose what has them in its name; the works on one trace need each other. Sides take turns, each time in a process
// of its own, and medians are shown, the others' with how many times kdelta's they are. A side that took long is not
// asked again, and nobody gets more than a minute. Each result is checked: against the recorded text, or that two documents
// are the same.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './measure.js';
import { run, sides } from './sides.js';
import { amount, table } from './table.js';
import { readTrace, traces } from './trace.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    trace: { type: 'string', default: '' },
    work: { type: 'string', default: '' },
    peer: { type: 'string', default: '' },
  },
});

const chosen = (option, name) => new RegExp(options[option]).test(name);

const long = 5000; // ms of a work that is not done in another round

// The works on a map.
const onMaps = [
  { work: 'set', shows: [['ms', '100,000 sets over 10,000 keys, each a transaction']] },
  { work: 'catchUp', shows: [['ms', 'an empty replica gets them'], ['bytes', 'bytes both ways']] },
  { work: 'reconnect', shows: [['ms', 'one more set, in a new session'], ['bytes', 'bytes both ways']] },
  { work: 'live', shows: [['ms', 'one change among 100,000 keys, live'], ['bytes', 'its bytes']] },
  {
    work: 'concurrent',
    shows: [['ms', 'two replicas, 10,000 sets each over 5,000 keys, until equal'], ['wall', 'on the wall'], ['bytes', 'bytes both ways']],
  },
  {
    work: 'authors',
    shows: [['ms', '1,000 authors with 20 sets each over 500 keys, taken in by one'], ['wall', 'on the wall'], ['bytes', 'their bytes']],
  },
];

// The works on a text in the order in which they need each other, and what is shown of each.
const onText = [
  { work: 'local', alone: true, shows: [['ms', 'typed in one transaction']] },
  { work: 'typed', shows: [['ms', 'typed live'], ['bytes', 'bytes of an update']] },
  { work: 'apply', shows: [['ms', 'applied one by one']] },
  { work: 'merge', shows: [['ms', 'merged at once'], ['bytes', 'bytes of the history'], ['memory', 'memory with the history']] },
  { work: 'load', shows: [['ms', 'opened'], ['bytes', 'bytes of the document'], ['memory', 'memory of the document']] },
];

// rowsOf lets all sides do works in turns, and returns the rows of a table. args are what a side is told besides the work and
// its folder, wanted is the hash of the text that it has to end in.
function rowsOf(all, works, args, wanted) {
  return works.filter(({ work }) => chosen('work', work)).flatMap(({ work, shows }) => {
    const results = inTurns(all, work, args, wanted);
    return shows.map(([unit, title]) => [title, ...results.map((result) => cell(unit, result, results[0]))]);
  });
}

// inTurns returns for each side the medians of what it measured.
function inTurns(all, work, args, wanted) {
  const rounds = all.map(() => []);
  const slow = all.map(() => false);
  for (let round = 0; round < Number(options.rounds); round++) {
    all.forEach((side, i) => {
      if (slow[i]) return;
      const result = run(side, work, side.folder, ...args);
      slow[i] = result.instead !== undefined || result.ms > long;
      if (!result.instead && result.text !== wanted) throw new Error(`${side.name}, ${work}: ends in another text`);
      rounds[i].push(result);
    });
  }
  return rounds.map((results) => {
    const shown = { instead: results[0].instead };
    for (const unit of ['ms', 'wall', 'bytes', 'memory']) {
      const numbers = results.map((result) => result[unit]).filter(Number.isFinite);
      if (numbers.length > 0) shown[unit] = median(numbers);
    }
    return shown;
  });
}

// startAnew empties the folders: nobody reads what he wrote in another session.
function startAnew(all) {
  for (const { folder } of all) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
}

function cell(unit, result, base) {
  if (result.instead && (unit === 'ms' || unit === 'wall')) return result.instead;
  return result[unit] === undefined ? '–' : amount(unit, result[unit], result === base ? undefined : base[unit]);
}

const headOf = (all) => ['', ...all.map((side) => side.name)];

function compareTexts(all) {
  for (const name of traces.filter((trace) => chosen('trace', trace))) {
    const { people, end, transactions } = readTrace(name);
    startAnew(all);
    const works = onText.filter(({ alone }) => people === 1 || !alone);
    const rows = rowsOf(all, works, [name], createHash('sha256').update(end).digest('hex'));
    if (rows.length === 0) continue;
    console.log(`\n${name}: ${transactions.length.toLocaleString('en')} transactions of ${people === 1 ? 'one author' : `${people} authors`}\n`);
    console.log(table(headOf(all), rows));
  }
}

function compareMaps(all) {
  if (!chosen('trace', 'maps')) return;
  startAnew(all);
  const rows = rowsOf(all, onMaps, []);
  if (rows.length > 0) console.log(`\nmaps\n\n${table(headOf(all), rows)}`);
}

const load = () => loadavg()[0].toFixed(1);
const dir = mkdtempSync(join(tmpdir(), 'kdelta-peers-'));
try {
  console.log(`${process.platform}/${process.arch}, ${cpus().length} CPUs (${cpus()[0].model}), node ${process.version}, load ${load()}`);
  const all = sides(dir).filter((side) => side.name.startsWith('kdelta') || chosen('peer', side.name));
  compareTexts(all.filter((side) => !side.mapsOnly));
  compareMaps(all);
  console.log(`\nload ${load()} at the end`);
} finally {
  rmSync(dir, { recursive: true });
}
