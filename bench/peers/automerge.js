// Automerge: Rust as WASM, behind a JavaScript view of the document.
import * as A from '@automerge/automerge';

// Everybody starts from one change that makes the text and the map: what two people make by themselves under one name
// are two texts, one of which is hidden.
const start = A.save(A.change(A.init('00'), { time: 0 }, (draft) => Object.assign(draft, { text: '', map: {} })));

export class Document {
  // A change costs milliseconds once there are many keys, so sets are made by the thousand where the work is not the set.
  static batch = 1000;

  constructor(actor, onUpdate, doc) {
    this.doc = doc ?? A.load(start, actor === undefined ? {} : { actor: actor.toString(16).padStart(8, '0') });
    this.onUpdate = onUpdate;
  }

  static load(bytes) { return new Document(undefined, undefined, A.load(bytes)); }

  transact(change) {
    this.doc = A.change(this.doc, (draft) => {
      this.draft = draft;
      change();
    });
    if (this.onUpdate) this.onUpdate(A.getLastLocalChange(this.doc));
  }

  splice(pos, removed, text) { A.splice(this.draft, ['text'], pos, removed, text); }

  // A string that is not said to be immutable becomes a text of its own.
  set(key, value) { this.draft.map[key] = typeof value === 'string' ? new A.ImmutableString(value) : value; }

  get(key) {
    const value = this.doc.map[key];
    return value instanceof A.ImmutableString ? value.val : value;
  }

  text() { return this.doc.text; }

  apply(update) { [this.doc] = A.applyChanges(this.doc, [update]); }

  merge(history) { this.doc = A.loadIncremental(this.doc, history); }

  history() { return A.save(this.doc); }

  save() { return A.save(this.doc); }

  // sync is its sync protocol in a new session.
  static sync(a, b) {
    const ends = [a, b].map((document) => ({ document, state: A.initSyncState() }));
    let bytes = 0;
    for (let [from, to] = ends, silent = 0; silent < 2; [from, to] = [to, from]) {
      const [state, message] = A.generateSyncMessage(from.document.doc, from.state);
      from.state = state;
      silent = message ? 0 : silent + 1;
      if (message) {
        bytes += message.length;
        [to.document.doc, to.state] = A.receiveSyncMessage(to.document.doc, to.state, message);
      }
    }
    return bytes;
  }
}
