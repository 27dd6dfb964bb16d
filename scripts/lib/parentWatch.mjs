/**
 * Stops this process like SIGTERM when the process that started it is gone. npm and Yarn pass SIGTERM to
 * the shell between, which ends and leaves the server running with nobody to stop it.
 */
export function stopWithParent() {
  if (process.env.npm_lifecycle_event === undefined) {
    return;
  }
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) {
      clearInterval(timer);
      process.kill(process.pid, 'SIGTERM');
    }
  }, 250);
  timer.unref();
}
