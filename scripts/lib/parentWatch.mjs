/**
 * Stops this process like SIGTERM when the process that started it is gone. npm passes SIGTERM to the shell in
 * between only, which ends and leaves this process running with nobody to stop it.
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
