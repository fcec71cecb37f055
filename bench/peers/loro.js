// Loro: Rust as WASM.
import { LoroDoc, VersionVector } from 'loro-crdt';

export class Document {
  constructor(actor, onUpdate, doc = new LoroDoc()) {
    this.doc = doc;
    if (actor !== undefined) doc.setPeerId(BigInt(actor + 1));
    this.body = doc.getText('text');
    this.map = doc.getMap('map');
    if (onUpdate) doc.subscribeLocalUpdates(onUpdate);
  }

  static load(bytes) { return new Document(undefined, undefined, LoroDoc.fromSnapshot(bytes)); }

  transact(change) {
    change();
    this.doc.commit();
  }

  splice(pos, removed, text) {
    if (removed > 0) this.body.delete(pos, removed);
    if (text !== '') this.body.insert(pos, text);
  }

  set(key, value) { this.map.set(key, value); }

  get(key) { return this.map.get(key); }

  text() { return this.body.toString(); }

  apply(update) { this.doc.import(update); }

  merge(history) { this.doc.import(history); }

  history() { return this.doc.export({ mode: 'update' }); }

  save() { return this.doc.export({ mode: 'snapshot' }); }

  // sync is what its documentation shows: each tells its version, and gets what it lacks.
  static sync(a, b) {
    const has = [a, b].map((d) => d.doc.oplogVersion().encode());
    const lacks = [a, b].map((d, i) => d.doc.export({ mode: 'update', from: VersionVector.decode(has[1 - i]) }));
    b.apply(lacks[0]);
    a.apply(lacks[1]);
    return [...has, ...lacks].reduce((sum, bytes) => sum + bytes.length, 0);
  }
}
