// What one process makes and others of the same run read: files in the folder of a side.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// kept is the bytes under a name in a folder. Who asks first makes them; one who runs out of time meanwhile leaves nothing.
export function kept(folder, name, make) {
  const file = join(folder, name);
  if (!existsSync(file)) keep(folder, name, make());
  return readFileSync(file);
}

export function keep(folder, name, bytes) {
  const file = join(folder, name);
  writeFileSync(`${file}.part`, bytes);
  renameSync(`${file}.part`, file);
}

// joined is updates one after the other, each behind its length.
export function joined(updates) {
  return Buffer.concat(updates.flatMap((update) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(update.length);
    return [length, update];
  }));
}

export function split(bytes) {
  const updates = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32LE(at);
    updates.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return updates;
}
