// A process that does one work with one peer: node --expose-gc worker.js PEER WORK ARGUMENT… prints what it measured as JSON.
import { createHash } from 'node:crypto';
import * as maps from './maps.js';
import * as text from './text.js';

const works = { ...text, ...maps };
const [peer, work, ...rest] = process.argv.slice(2);
const { Document } = await import(`./${peer}.js`);
const result = works[work](Document, ...rest);
if (result.text !== undefined) result.text = createHash('sha256').update(result.text).digest('hex');
console.log(JSON.stringify(result));
