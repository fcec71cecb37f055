// ywasm: y-crdt, which is Yjs in Rust, as WASM. Maps alone; its messages are in the first encoding.
import * as Y from 'ywasm';

export class Document {
  constructor(actor, onUpdate) {
    this.doc = new Y.YDoc(actor === undefined ? {} : { clientID: actor + 1 });
    this.map = this.doc.getMap('map');
    if (onUpdate) this.doc.onUpdate(onUpdate);
  }

  // What is made in Rust has to be freed.
  transact(change) {
    this.transaction = this.doc.beginTransaction();
    change();
    this.transaction.commit();
    this.transaction.free();
    this.transaction = undefined;
  }

  set(key, value) { this.map.set(key, value, this.transaction); }

  get(key) { return this.map.get(key, this.transaction); }

  apply(update) { Y.applyUpdate(this.doc, update); }

  merge(history) { Y.applyUpdate(this.doc, history); }

  history() { return Y.encodeStateAsUpdate(this.doc); }

  // sync is the two steps of y-protocols, both ways: what I have, what you lack.
  static sync(a, b) {
    const has = [a, b].map((d) => Y.encodeStateVector(d.doc));
    const lacks = [Y.encodeStateAsUpdate(a.doc, has[1]), Y.encodeStateAsUpdate(b.doc, has[0])];
    b.apply(lacks[0]);
    a.apply(lacks[1]);
    return [...has, ...lacks].reduce((sum, bytes) => sum + bytes.length, 0);
  }
}
