// Work on a map. Each function gets the Document of a peer, and the folder where that peer keeps what takes long to make; it
// returns what it measured. What ends in two documents that differ is an error.
import { joined, keep, kept, split } from './kept.js';
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

// overwritten is a document with 100,000 sets over 10,000 keys, distinct is one with as many keys.
const overwritten = (Document) => fill(new Document(0), 100_000, drawn(10_000, 1), task);
const distinct = (Document) => fill(new Document(0), 100_000, key, task);

// reader makes documents that hold what one of these does, which is made once. Nobody goes on as who made it.
function reader(Document, folder, make) {
  const history = kept(folder, make.name, () => make(Document).history());
  return (actor, onUpdate) => {
    const document = new Document(actor, onUpdate);
    document.merge(history);
    return document;
  };
}

function check(same) {
  if (!same) throw new Error('two documents differ that should be the same');
}

export function set(Document, folder) {
  const { made, ...took } = measure(() => overwritten(Document));
  keep(folder, overwritten.name, made.history());
  return took;
}

// catchUp is an empty document that gets everything.
export function catchUp(Document, folder) {
  const full = reader(Document, folder, overwritten)(1);
  let bytes;
  const { made, ...took } = measure((empty) => {
    bytes = Document.sync(full, empty);
    return empty;
  }, () => new Document(2));
  check(made.get(key(1)) === full.get(key(1)));
  return { ...took, bytes };
}

// reconnect is a new session of two that were the same, after one change.
export function reconnect(Document, folder) {
  const read = reader(Document, folder, overwritten);
  const [full, other] = [read(1), read(2)];
  return oneChange(full, other, () => Document.sync(full, other));
}

// live is one change that goes to another document at once.
export function live(Document, folder) {
  const read = reader(Document, folder, distinct);
  let update;
  const [full, other] = [read(1, (bytes) => { update = bytes; }), read(2)];
  return oneChange(full, other, () => {
    other.apply(update);
    return update.length;
  });
}

// oneChange measures how one change after the other comes from full to other.
function oneChange(full, other, carry) {
  let i = 0;
  let bytes;
  const { made, ...took } = measure(() => { bytes = carry(); }, () => {
    i++;
    full.transact(() => full.set(key(i), i));
  });
  check(other.get(key(i)) === i);
  return { ...took, bytes };
}

// concurrent is two documents with 10,000 sets each over the same 5,000 keys, until they are equal.
export function concurrent(Document) {
  let bytes;
  const { made: [a, b], ...took } = measure((pair) => {
    bytes = Document.sync(...pair);
    return pair;
  }, () => [0, 1].map((who) => fill(new Document(who), 10_000, drawn(5000, who), (i) => i)));
  for (let i = 0; i < 5000; i++) check(a.get(key(i)) === b.get(key(i)));
  return { ...took, bytes };
}

// authors is the histories of 1,000 documents with 20 sets each over 500 keys, which one takes in.
export function authors(Document, folder) {
  const keysOf = (who) => drawn(500, who);
  const histories = split(kept(folder, 'authors', () => joined(Array.from({ length: 1000 }, (_, who) => (
    fill(new Document(who), 20, keysOf(who), (i) => i).history())))));
  const { made, ...took } = measure(() => {
    const all = new Document();
    histories.forEach((history) => all.merge(history));
    return all;
  });
  for (let who = 0; who < 1000; who++) check(made.get(keysOf(who)()) !== undefined);
  return { ...took, bytes: histories.reduce((sum, history) => sum + history.length, 0) };
}
