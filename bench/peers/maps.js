// Work on a map. Each function gets the Document of a peer and returns what it measured. What ends in two documents that
// differ is an error.
import { measure } from './measure.js';

const key = (i) => `tasks/${String(i).padStart(7, '0')}`;

// task is 56 bytes of JSON, one register.
const task = (i) => `{"title":"task number ${String(i).padStart(10, '0')}","done":${i % 2 === 0},"prio":${i % 5}}`;

// drawn is the same sequence of keys below n for everybody: the numbers of a linear congruential generator.
function drawn(n, seed) {
  let x = seed;
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return key(Math.floor((x * n) / 2 ** 32));
  };
}

// fill sets n keys, each in a transaction of its own, or several in one where a peer is given that.
function fill(document, n, nextKey, valueOf) {
  const size = document.constructor.batch ?? 1;
  for (let i = 0; i < n; i += size) {
    document.transact(() => {
      for (let k = i; k < Math.min(n, i + size); k++) document.set(nextKey(k), valueOf(k));
    });
  }
  return document;
}

// overwritten is a document with 100,000 sets over 10,000 keys.
const overwritten = (Document) => fill(new Document(0), 100_000, drawn(10_000, 1), task);

// copyOf is another document that holds the same.
function copyOf(Document, document, actor, onUpdate) {
  const copy = new Document(actor, onUpdate);
  Document.sync(document, copy);
  return copy;
}

function check(same) {
  if (!same) throw new Error('two documents differ that should be the same');
}

export function set(Document) {
  return { ms: measure(() => overwritten(Document)).ms };
}

// catchUp is an empty document that gets everything.
export function catchUp(Document) {
  const full = overwritten(Document);
  let bytes;
  const { ms, made } = measure((empty) => {
    bytes = Document.sync(full, empty);
    return empty;
  }, () => new Document(1));
  check(made.get(key(1)) === full.get(key(1)));
  return { ms, bytes };
}

// reconnect is a new session of two that were the same, after one change.
export function reconnect(Document) {
  const full = overwritten(Document);
  const other = copyOf(Document, full, 1);
  return oneChange(full, other, () => Document.sync(full, other));
}

// live is one change that goes to another document at once.
export function live(Document) {
  let update;
  const other = fill(new Document(0), 100_000, key, task);
  const full = copyOf(Document, other, 1, (bytes) => { update = bytes; });
  return oneChange(full, other, () => {
    other.apply(update);
    return update.length;
  });
}

// oneChange measures how one change after the other comes from full to other.
function oneChange(full, other, carry) {
  let i = 0;
  let bytes;
  const { ms } = measure(() => { bytes = carry(); }, () => {
    i++;
    full.transact(() => full.set(key(i), i));
  });
  check(other.get(key(i)) === i);
  return { ms, bytes };
}

// concurrent is two documents with 10,000 sets each over the same 5,000 keys, until they are equal.
export function concurrent(Document) {
  let bytes;
  const { ms, made: [a, b] } = measure((pair) => {
    bytes = Document.sync(...pair);
    return pair;
  }, () => [0, 1].map((who) => fill(new Document(who), 10_000, drawn(5000, who), (i) => i)));
  for (let i = 0; i < 5000; i++) check(a.get(key(i)) === b.get(key(i)));
  return { ms, bytes };
}

// authors is 1,000 documents with 20 sets each over 500 keys, which one takes in.
export function authors(Document) {
  const histories = Array.from({ length: 1000 }, (_, who) => (
    fill(new Document(who), 20, drawn(500, who), (i) => i).history()));
  const { ms } = measure(() => {
    const all = new Document();
    histories.forEach((history) => all.merge(history));
    return all;
  });
  return { ms, bytes: histories.reduce((sum, history) => sum + history.length, 0) };
}
