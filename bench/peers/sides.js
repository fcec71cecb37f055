// Who takes part: each side is a command that does a work and prints what it measured as JSON.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');

// sides builds kdelta, and returns everybody. Each has a folder of his own in dir; that of kdelta in WASM is that of kdelta. Who
// is mapsOnly does nothing with texts.
export function sides(dir) {
  const go = (args, env = {}) => execFileSync('go', args, { cwd: root, env: { ...process.env, ...env }, encoding: 'utf8' }).trim();
  const native = join(dir, 'kdelta.exe');
  const wasm = join(dir, 'kdelta.wasm');
  go(['build', '-o', native, './bench/peers/kdelta']);
  go(['build', '-o', wasm, './bench/peers/kdelta'], { GOOS: 'js', GOARCH: 'wasm' });
  const host = join(go(['env', 'GOROOT']), 'lib', 'wasm', 'wasm_exec_node.js');

  const kdelta = { name: 'kdelta', folder: join(dir, 'kdelta'), command: [native] };
  const inWASM = { name: 'kdelta in WASM', folder: kdelta.folder, command: [process.execPath, '--stack-size=8192', host, wasm] };
  const peer = (name, file, module) => ({
    name: `${name} ${versionOf(module)}`,
    folder: join(dir, file),
    command: [process.execPath, '--expose-gc', join(here, 'worker.js'), file],
  });
  return [kdelta, inWASM,
    peer('Yjs', 'yjs', 'yjs'), { ...peer('ywasm', 'ywasm', 'ywasm'), mapsOnly: true },
    peer('Loro', 'loro', 'loro-crdt'), peer('Automerge', 'automerge', '@automerge/automerge')];
}

function versionOf(module) {
  return JSON.parse(readFileSync(join(here, 'node_modules', module, 'package.json'))).version;
}

const patience = 60; // seconds of processor time, of one process

// run lets a side do a work in a process of its own, so that nobody profits from what ran before, or suffers from it.
export function run(side, work, ...args) {
  const limited = ['-c', `ulimit -t ${patience} && exec "$0" "$@"`, ...side.command, work, ...args];
  const done = spawnSync('sh', limited, { cwd: root, encoding: 'utf8' });
  if (done.signal === 'SIGXCPU' || done.signal === 'SIGKILL') return { instead: `> ${patience} s` };
  if (done.error || done.status !== 0) {
    throw new Error(`${side.name}, ${work} ${args.join(' ')}: ${done.error ?? done.stderr.trim()}`);
  }
  return JSON.parse(done.stdout);
}
