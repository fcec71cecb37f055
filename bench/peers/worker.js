// A process that does one work with one peer: node --expose-gc worker.js PEER WORK FOLDER [TRACE] prints what it measured as
// JSON, or what there is to say instead.
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import * as maps from './maps.js';
import * as text from './text.js';

const works = { ...text, ...maps };
const [peer, work, folder, trace] = process.argv.slice(2);
const { Document } = await import(`./${peer}.js`);

function measured() {
  try {
    return works[work](Document, folder, trace);
  } catch (error) {
    if (error.code === 'ENOENT' && dirname(error.path) === folder) return { instead: 'not written' }; // an earlier work ran out of time
    throw error;
  }
}

const result = measured();
if (result.text !== undefined) result.text = createHash('sha256').update(result.text).digest('hex');
console.log(JSON.stringify(result));
