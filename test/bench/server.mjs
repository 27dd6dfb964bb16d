// The process that is measured.

// Before anything slow: it must not outlive the process that measures it.
process.on('disconnect', () => process.exit());

const { program, ...options } = JSON.parse(process.env.BENCH_SERVER);
const { start } = await import(program);
await start(options);

process.on('message', ({ collectGarbage }) => {
  if (collectGarbage) {
    // Twice: what finalizers let go of in the first round goes in the second.
    globalThis.gc();
    globalThis.gc();
  }
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  process.send({ cpuMicroseconds: user + system, residentBytes: rss, heapBytes: heapUsed });
});
process.send('started');
