import { defineConfig } from 'vitest/config';

// Packages of this repo are tested from their sources.
const conditions = ['@callboard/source', 'node'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,plugins}/*/src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // Servers start and real clients connect: a slow machine must not turn green tests red.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
