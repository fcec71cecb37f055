// Recorded editing sessions; crdt/sequence/testdata/README.md says whose they are.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export const traces = ['automerge-paper', 'rustcode', 'sveltecomponent', 'friendsforever'];

const folder = new URL('../../crdt/sequence/testdata/', import.meta.url);

// readTrace is a session: how many people wrote it, the text it ends in, and its transactions, each with who made it, which
// ones it comes after, and patches [position, removed, inserted].
export function readTrace(name) {
  const recorded = JSON.parse(gunzipSync(readFileSync(new URL(`${name}.json.gz`, folder))));
  return {
    people: recorded.numAgents ?? 1,
    end: recorded.endContent,
    transactions: recorded.txns.map(({ agent = 0, parents, patches }, i) => (
      { agent, parents: parents ?? (i > 0 ? [i - 1] : []), patches })),
  };
}

// before is the transactions that one comes after and that are not in seen, in their order; they are put there.
export function before(trace, seen, parents) {
  const found = [];
  for (const open = [...parents]; open.length > 0;) {
    const i = open.pop();
    if (seen.has(i)) continue;
    seen.add(i);
    found.push(i);
    open.push(...trace.transactions[i].parents);
  }
  return found.sort((a, b) => a - b);
}
