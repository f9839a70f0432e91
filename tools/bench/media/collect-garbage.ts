// Preloaded into a process whose memory is measured (node --expose-gc --import this): on SIGUSR2 it collects its garbage, so that what is left is what is
// held. Twice, because the first collection lets finalisers run.

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.();
});
