// Yjs: JavaScript. It forgets what was deleted; what it sends and keeps is the rest.
import * as Y from 'yjs';

export class Document {
  constructor(actor, onUpdate) {
    this.doc = new Y.Doc();
    if (actor !== undefined) this.doc.clientID = actor + 1;
    this.body = this.doc.getText('text');
    this.map = this.doc.getMap('map');
    if (onUpdate) this.doc.on('update', (update, origin, doc, transaction) => transaction.local && onUpdate(update));
  }

  static load(bytes) {
    const document = new Document();
    Y.applyUpdateV2(document.doc, bytes);
    return document;
  }

  transact(change) { this.doc.transact(change); }

  splice(pos, removed, text) {
    if (removed > 0) this.body.delete(pos, removed);
    if (text !== '') this.body.insert(pos, text);
  }

  set(key, value) { this.map.set(key, value); }

  get(key) { return this.map.get(key); }

  text() { return this.body.toString(); }

  apply(update) { Y.applyUpdate(this.doc, update); }

  merge(history) { Y.applyUpdateV2(this.doc, history); }

  history() { return Y.encodeStateAsUpdateV2(this.doc); }

  save() { return Y.encodeStateAsUpdateV2(this.doc); }

  // sync is the two steps of y-protocols, both ways: what I have, what you lack.
  static sync(a, b) {
    const has = [a, b].map((d) => Y.encodeStateVector(d.doc));
    const lacks = [Y.encodeStateAsUpdate(a.doc, has[1]), Y.encodeStateAsUpdate(b.doc, has[0])];
    b.apply(lacks[0]);
    a.apply(lacks[1]);
    return [...has, ...lacks].reduce((sum, bytes) => sum + bytes.length, 0);
  }
}
