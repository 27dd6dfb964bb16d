import { createProductionBackend } from '../productionBackend.mjs';

export async function start({ count, sources }) {
  await createProductionBackend({ count, sources }).start();
}
