// How long a piece of work takes, and what it leaves in memory. Time is that of the processors, for all threads of the process,
// which changes little with what else a machine does; that on the wall is told beside it.

const enough = { runs: 3, ms: 1000 };

// measure does some work on what is prepared for it: once to warm up what is compiled while it runs, and some times more
// unless that took long. The times, ms and wall, are their medians, memory is what the first one added to the process, made is
// what it made.
export function measure(work, prepare = () => undefined) {
  const ready = prepare();
  const before = resident();
  const { made, ...first } = timed(work, ready);
  const memory = Math.max(0, resident() - before);
  const took = [];
  for (let sum = first.ms; took.length < enough.runs && sum < enough.ms; sum += took.at(-1).ms) {
    const { ms, wall } = timed(work, prepare());
    took.push({ ms, wall });
  }
  const middle = (clock) => median((took.length > 0 ? took : [first]).map((run) => run[clock]));
  return { ms: middle('ms'), wall: middle('wall'), memory, made };
}

export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function timed(work, ready) {
  global.gc();
  const [wall, ms] = [performance.now(), cpu()];
  const made = work(ready);
  return { ms: cpu() - ms, wall: performance.now() - wall, made };
}

// cpu is the milliseconds that this process has worked.
export function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function resident() {
  global.gc();
  return process.memoryUsage.rss();
}
