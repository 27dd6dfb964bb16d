import type { ActionsRegistryService } from '@backstage/backend-plugin-api/alpha';

/** Backstage's own form: schemas as callbacks that are given `z`. The other actions give zod 4 objects. */
export function registerGreetUser(actionsRegistry: ActionsRegistryService): void {
  actionsRegistry.register({
    name: 'greet-user',
    title: 'Greet User',
    description: 'Generate a personalized greeting',
    schema: {
      input: z =>
        z.object({
          name: z.string().describe('The name of the person to greet'),
        }),
      output: z =>
        z.object({
          greeting: z.string().describe('The generated greeting'),
        }),
    },
    action: async ({ input }) => ({
      output: { greeting: `Hello ${input.name}!` },
    }),
  });
}
