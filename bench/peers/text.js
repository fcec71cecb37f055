// Work on text. Each function gets the Document of a peer (yjs.js is one), the folder where that peer keeps from one work to
// the next what it has written, and the name of a trace; it returns what it measured, and the text for a check.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { joined, keep, split } from './kept.js';
import { cpu, measure } from './measure.js';
import { before, readTrace } from './trace.js';

// local types a session in one transaction.
export function local(Document, folder, name) {
  const trace = readTrace(name);
  const edits = trace.transactions.flatMap(({ patches }) => patches);
  const { ms, made } = measure(() => {
    const document = new Document(0);
    document.transact(() => edits.forEach((edit) => document.splice(...edit)));
    return document;
  });
  keepBoth(folder, made);
  return { ms, text: made.text() };
}

const patience = 30; // seconds that a session may take of which each transaction is an update

const gaveUp = (done, all) => ({ instead: `> ${patience} s for ${Math.floor((100 * done) / all)} %` });

// typed types a session live: each transaction as an update of its own, which goes to the other people where they had it. When
// it gives up it tells how far it came.
export function typed(Document, folder, name) {
  const trace = readTrace(name);
  const updates = [];
  let done = 0;
  const { ms, made } = measure(() => {
    const end = cpu() + 1000 * patience;
    let update;
    const people = Array.from({ length: trace.people }, (_, actor) => (
      { document: new Document(actor, (bytes) => { update = bytes; }), seen: new Set() }));
    const catchUp = ({ document, seen }, parents) => {
      for (const i of before(trace, seen, parents)) document.apply(updates[i]);
    };
    for (done = 0; done < trace.transactions.length && cpu() < end; done++) {
      const { agent, parents, patches } = trace.transactions[done];
      const { document, seen } = people[agent];
      catchUp(people[agent], parents);
      document.transact(() => patches.forEach((edit) => document.splice(...edit)));
      seen.add(done);
      updates[done] = update;
    }
    if (done < trace.transactions.length) return undefined;
    catchUp(people[0], trace.transactions.keys());
    return people[0].document;
  });
  if (!made) return gaveUp(done, trace.transactions.length);
  if (trace.people > 1) keepBoth(folder, made);
  keep(folder, 'updates', joined(updates));
  const bytes = updates.reduce((sum, update) => sum + update.length, 0) / updates.length;
  return { ms, bytes, text: made.text() };
}

// apply applies the updates of a session to an empty document one by one. When it gives up it tells how far it came.
export function apply(Document, folder) {
  const updates = split(readFileSync(join(folder, 'updates')));
  let done = 0;
  const { ms, made } = measure(() => {
    const document = new Document();
    const end = cpu() + 1000 * patience;
    for (done = 0; done < updates.length && cpu() < end; done++) document.apply(updates[done]);
    return document;
  });
  if (done < updates.length) return gaveUp(done, updates.length);
  return { ms, text: made.text() };
}

// merge takes a whole session into an empty document.
export function merge(Document, folder) {
  const history = readFileSync(join(folder, 'history'));
  const { ms, memory, made } = measure(() => {
    const document = new Document();
    document.merge(history);
    document.text();
    return document;
  });
  return { ms, memory, bytes: history.length, text: made.text() };
}

// load opens a document to read its text.
export function load(Document, folder) {
  const saved = readFileSync(join(folder, 'saved'));
  const { ms, memory, made } = measure(() => {
    const document = Document.load(saved);
    document.text();
    return document;
  });
  return { ms, memory, bytes: saved.length, text: made.text() };
}

function keepBoth(folder, document) {
  keep(folder, 'history', document.history());
  keep(folder, 'saved', document.save());
}
